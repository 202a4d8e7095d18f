//! Answers from entries: those that the resource lists, or a Secret. A key is a phone number in E.164 form, compared whole: a
//! number with another spelling is another number, once `admission` has written it in the one that numbers have.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;

use super::Results;
use crate::config::{TableEntries, TablePlan};
use crate::files::Secrets;

/// There is no table: its Secret has not been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to find the table: its secret has no table.yaml that can be read")]
pub struct FindTable;

impl FindTable {
    /// The word for metrics and logs.
    pub const CATEGORY: &'static str = "table_missing";
}

/// What is known of a number, as the JSON that answers carry: a table is written when it is read, and not for each answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Results")]
pub struct WrittenResults(Box<str>);

impl From<Results> for WrittenResults {
    fn from(results: Results) -> Self {
        Self(Value::Object(results).to_string().into())
    }
}

impl WrittenResults {
    /// A JSON object.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// The entries, wherever they are.
#[derive(Clone, Debug)]
pub struct TableLookup(watch::Receiver<Option<Arc<TableEntries>>>);

impl TableLookup {
    /// Those of the resource never change; those of a Secret are as the files have them now.
    #[must_use]
    pub fn new(plan: &TablePlan, secrets: &Secrets) -> Self {
        Self(match plan {
            TablePlan::Entries(entries) => watch::channel(Some(Arc::clone(entries))).1,
            TablePlan::Secret(name) => {
                let read = secrets.tables.get(name).cloned();
                read.unwrap_or_else(|| watch::channel(None).1)
            }
        })
    }

    /// What the table knows now.
    pub fn entries(&self) -> Result<Arc<TableEntries>, FindTable> {
        self.0.borrow().clone().ok_or(FindTable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_a_number_by_its_whole_key() {
        let ada: Results = [("customer_name".to_owned(), json!("Ada"))].into_iter().collect();
        let ada = WrittenResults::from(ada);
        let entries = [("+14155551212".to_owned(), ada.clone())].into_iter().collect();
        let table = TableLookup(watch::channel(Some(Arc::new(entries))).1);
        for (number, expected) in [
            ("+14155551212", Some(&ada)),
            ("14155551212", None),
            ("+141555512121", None),
            ("+1415555121", None),
            ("", None),
        ] {
            let entries = table.entries().expect("there is one");
            assert_eq!(entries.get(number), expected, "{number}");
        }
    }

    #[test]
    fn a_table_that_was_never_read_knows_not_even_that_it_knows_nothing() {
        let table = TableLookup(watch::channel(None).1);
        assert_eq!(table.entries(), Err(FindTable));
    }
}
