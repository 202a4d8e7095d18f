//! What is told of a rule that could not be evaluated, such as one that compiles what a publisher wrote: as the API server has
//! it, the cause and then the sentence of the rule.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

/// The sentence of the rule, or the rule itself.
pub(super) fn sentence(rule: &str) -> &str {
    static SENTENCES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
        let mut found = HashMap::new();
        collect(
            &serde_json::to_value(crate::definition()).expect("the definition is JSON"),
            &mut found,
        );
        found
    });
    SENTENCES.get(rule).map_or(rule, String::as_str)
}

fn collect(schema: &Value, found: &mut HashMap<String, String>) {
    match schema {
        Value::Object(members) => {
            if let (Some(Value::String(rule)), Some(Value::String(message))) =
                (members.get("rule"), members.get("message"))
            {
                found.insert(rule.clone(), message.clone());
            }
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
