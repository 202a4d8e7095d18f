//! Answers from the entries that the resource lists. A key is a phone number in E.164 form, compared whole: a number with
//! another spelling is another number.

use super::Results;
use crate::config::TablePlan;

/// What the table knows of this number.
#[must_use]
pub fn look_up<'a>(table: &'a TablePlan, phone_number: &str) -> Option<&'a Results> {
    table.get(phone_number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Results, look_up};

    #[test]
    fn finds_a_number_by_its_whole_key() {
        let ada: Results = [("customer_name".to_owned(), json!("Ada"))].into_iter().collect();
        let table = [("+14155551212".to_owned(), ada.clone())].into_iter().collect();
        for (number, expected) in [
            ("+14155551212", Some(&ada)),
            ("14155551212", None),
            ("+141555512121", None),
            ("+1415555121", None),
            ("", None),
        ] {
            assert_eq!(look_up(&table, number), expected, "{number}");
        }
    }
}
