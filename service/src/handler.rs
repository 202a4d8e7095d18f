//! The ways to answer, one file each. `server` asks a [`LookupHandler`] for an answer now, or hands a recording to
//! [`analysis::Recordings`] for later.

pub mod analysis;
pub mod sql;
pub mod table;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

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

    /// The answer in the example add-ons' shape, within this time.
    pub async fn answer(&self, lookup: &Lookup, within: Duration) -> Result<Value, LookUpRow> {
        let results = match self {
            Self::Table(plan) => table::look_up(plan, &lookup.phone_number),
            Self::Sql(sql) => Box::pin(sql.look_up(lookup, within)).await?,
        };
        Ok(answer(&lookup.phone_number, results))
    }
}

fn answer(phone_number: &str, results: Option<Results>) -> Value {
    let error_code = if results.is_some() { None } else { Some(NOT_FOUND) };
    let mut answer = json!({ "phone_number": phone_number, "error_code": error_code });
    answer["results"] = results.map_or(Value::Null, Value::Object);
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Results, answer};

    #[test]
    fn answers_in_the_shape_of_the_example_addons() {
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
            assert_eq!(answer("+1", results), expected);
        }
    }
}
