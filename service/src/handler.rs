//! The ways to answer, one file each. `server` asks a [`LookupHandler`] for an answer now, or hands a recording to
//! [`analysis::Recordings`] for later.

pub mod analysis;
pub mod http;
pub mod sql;
pub mod table;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::admission::Lookup;
use crate::config::{Config, Endpoint, HandlerPlan};
use crate::domain::{EndpointName, RequestKey};
use crate::files::Secrets;

use self::http::{AboutNumber, AskPartner, Call, Partner, Partners};
use self::sql::{LookUpRow, SqlLookup};
use self::table::{FindTable, TableLookup, WrittenResults};

/// What is known of a phone number.
pub type Results = Map<String, Value>;

/// The `error_code` of an answer that knows nothing of the phone number, as JSON.
const NOT_FOUND: &str = r#""not_found""#;

/// The most that Twilio takes as an answer that is given at once.
pub const ANSWER_LIMIT_BYTES: usize = 64 * 1024;

/// Answers at once.
#[derive(Debug)]
pub enum LookupHandler {
    /// From entries.
    Table(TableLookup),
    /// From a database.
    Sql(Box<SqlLookup>),
    /// With what a partner's code says.
    Http(Arc<Partner>),
}

/// Why there is no answer now.
#[derive(Debug, thiserror::Error)]
pub enum GiveAnswer {
    /// There is no table.
    #[error(transparent)]
    FindTable(#[from] FindTable),
    /// There is no row.
    #[error(transparent)]
    LookUpRow(#[from] LookUpRow),
    /// The partner has not answered.
    #[error(transparent)]
    AskPartner(#[from] AskPartner),
}

impl GiveAnswer {
    /// The word for metrics and logs.
    #[must_use]
    pub const fn category(&self) -> &'static str {
        match self {
            Self::FindTable(_) => FindTable::CATEGORY,
            Self::LookUpRow(error) => error.category(),
            Self::AskPartner(error) => error.category(),
        }
    }

    /// Whether there is an answer and it is more than Twilio takes, which no repetition changes.
    #[must_use]
    pub const fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::AskPartner(AskPartner::ReadTooLarge { .. }) | Self::LookUpRow(LookUpRow::TakeRow)
        )
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Where it was asked.
    pub endpoint: &'a Endpoint,
    /// What.
    pub lookup: &'a Lookup,
    /// What makes a repetition the same request; only a partner is told.
    pub request: &'a (dyn Fn() -> RequestKey + Sync),
    /// When the answer must be there.
    pub answer_by: Instant,
}

impl Question<'_> {
    fn within(&self) -> Duration {
        self.answer_by.saturating_duration_since(Instant::now())
    }
}

impl LookupHandler {
    /// The handler of every endpoint that is answered at once.
    #[must_use]
    pub fn all(
        config: &Config,
        secrets: &Secrets,
        partners: &Partners,
        own_data: Option<&Path>,
    ) -> HashMap<EndpointName, Self> {
        let handler = |endpoint: &Endpoint| match &endpoint.handler {
            _ if endpoint.integration.is_asynchronous() => None,
            HandlerPlan::Table(plan) => Some(Self::Table(TableLookup::new(plan, secrets))),
            HandlerPlan::Sql(plan) => {
                let url = secrets.database_urls.get(&plan.secret_name)?;
                let own_data = own_data.map(Path::to_owned);
                Some(Self::Sql(Box::new(SqlLookup::new(plan.clone(), url.clone(), own_data))))
            }
            HandlerPlan::Http(_) => partners.get(&endpoint.name).cloned().map(Self::Http),
            HandlerPlan::Analysis(_) => None,
        };
        config
            .endpoints
            .iter()
            .filter_map(|endpoint| Some((endpoint.name.clone(), handler(endpoint)?)))
            .collect()
    }

    /// The answer in the example add-ons' shape.
    pub async fn answer(&self, question: Question<'_>) -> Result<String, GiveAnswer> {
        let Question {
            endpoint,
            lookup,
            request,
            answer_by: _,
        } = question;
        let sent = &lookup.sent_phone_number;
        let results = match self {
            Self::Table(table) => return Ok(answer(sent, table.entries()?.get(&lookup.phone_number))),
            Self::Sql(sql) => Box::pin(sql.look_up(lookup, question.within())).await?,
            Self::Http(partner) => {
                let call = Call {
                    request: &request(),
                    within: question.within(),
                    limit_bytes: ANSWER_LIMIT_BYTES,
                };
                Box::pin(partner.ask(&AboutNumber::new(endpoint, lookup), call)).await?
            }
        };
        Ok(answer(sent, results.map(WrittenResults::from).as_ref()))
    }
}

/// Put together from JSON: most of it was written before it was asked for.
fn answer(phone_number: &str, results: Option<&WrittenResults>) -> String {
    let phone_number = serde_json::to_string(phone_number).expect("a text can always be written");
    let (error_code, results) = match results {
        Some(results) => ("null", results.as_json()),
        None => (NOT_FOUND, "null"),
    };
    format!(r#"{{"error_code":{error_code},"phone_number":{phone_number},"results":{results}}}"#)
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
            let written: Value = serde_json::from_str(&answer("+1", results.map(Into::into).as_ref()))?;
            assert_eq!(written, expected);
        }
        Ok(())
    }
}
