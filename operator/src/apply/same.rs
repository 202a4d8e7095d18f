//! Pure: whether an object has everything that is wanted of it. For kinds whose status changes all the time, so that a newer
//! version says nothing about the rest.

use serde_json::Value;

/// Whether every wanted value stands in the live object; what else stands there was added by others. Lists are taken whole.
#[must_use]
pub fn has_all(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| live.get(key).is_some_and(|live| has_all(live, wanted))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| has_all(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::has_all;

    #[test]
    fn what_others_add_is_no_difference_and_what_they_change_is() {
        let wanted = json!({"spec": {"max": 3, "metrics": [{"name": "cpu"}]}});
        for (live, same) in [
            (
                json!({"spec": {"max": 3, "min": 1, "metrics": [{"name": "cpu", "of": 1}]}, "status": {}}),
                true,
            ),
            (json!({"spec": {"max": 4, "metrics": [{"name": "cpu"}]}}), false),
            (
                json!({"spec": {"max": 3, "metrics": [{"name": "cpu"}, {"name": "memory"}]}}),
                false,
            ),
            (json!({"spec": {"max": 3}}), false),
        ] {
            assert_eq!(has_all(&live, &wanted), same, "{live}");
        }
    }
}
