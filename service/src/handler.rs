//! The ways to answer, one file each. `server` asks a [`LookupHandler`] for an answer now, or hands a recording to
//! [`analysis::Recordings`] for later.

pub mod analysis;
pub mod sql;
pub mod table;

use std::collections::HashMap;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::admission::Lookup;
use crate::config::{Config, HandlerPlan};
use crate::domain::EndpointName;
use crate::files::Secrets;

use self::sql::{LookUpRow, SqlLookup};

/// What is known of a phone number.
pub type Results = Map<String, Value>;

/// The `error_code` of an answer that knows nothing of the phone number.
const NOT_FOUND: &str = "not_found";

/// Answers at once.
#[derive(Debug)]
pub enum LookupHandler {
    /// From the entries of the resource.
    Table(crate::config::TablePlan),
    /// From a database.
    Sql(SqlLookup),
}

impl LookupHandler {
    /// The handler of every endpoint that is answered at once.
    #[must_use]
    pub fn all(config: &Config, secrets: &Secrets) -> HashMap<EndpointName, Self> {
        let handler = |plan: &HandlerPlan| match plan {
            HandlerPlan::Table(plan) => Some(Self::Table(plan.clone())),
            HandlerPlan::Sql(plan) => {
                let url = secrets.database_urls.get(&plan.secret_name)?;
                Some(Self::Sql(SqlLookup::new(plan.clone(), url.clone())))
            }
            HandlerPlan::Analysis(_) => None,
        };
        config
            .endpoints
            .iter()
            .filter_map(|endpoint| Some((endpoint.name.clone(), handler(&endpoint.handler)?)))
            .collect()
    }

    /// The answer in the example add-ons' shape, by this time.
    pub async fn answer(&self, lookup: &Lookup, answer_by: Instant) -> Result<String, LookUpRow> {
        let phone_number = &lookup.phone_number;
        match self {
            Self::Table(plan) => Ok(answer(phone_number, table::look_up(plan, phone_number))),
            Self::Sql(sql) => {
                let within = answer_by.saturating_duration_since(Instant::now());
                let results = Box::pin(sql.look_up(lookup, within)).await?;
                Ok(answer(phone_number, results.as_ref()))
            }
        }
    }
}

/// An answer as it is written.
#[derive(Serialize)]
struct Answer<'a> {
    error_code: Option<&'static str>,
    phone_number: &'a str,
    results: Option<&'a Results>,
}

/// Written straight from what is known: a `Value` of all of it would be built and thrown away for each request.
fn answer(phone_number: &str, results: Option<&Results>) -> String {
    let answer = Answer {
        error_code: if results.is_some() { None } else { Some(NOT_FOUND) },
        phone_number,
        results,
    };
    serde_json::to_string(&answer).expect("every name is a text, and nothing in it fails to be written")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Results, answer};

    #[test]
    fn answers_in_the_shape_of_the_example_addons() -> Result<(), serde_json::Error> {
        let known: Results = [("customer_name".to_owned(), json!("Ada"))].into_iter().collect();
        let cases = [
            (
                Some(known),
                json!({"phone_number": "+1", "results": {"customer_name": "Ada"}, "error_code": null}),
            ),
            (
                Some(Results::new()),
                json!({"phone_number": "+1", "results": {}, "error_code": null}),
            ),
            (
                None,
                json!({"phone_number": "+1", "results": null, "error_code": "not_found"}),
            ),
        ];
        for (results, expected) in cases {
            let written: Value = serde_json::from_str(&answer("+1", results.as_ref()))?;
            assert_eq!(written, expected);
        }
        Ok(())
    }
}
