//! The rows about a list with one key twice. Whoever applies them is told so by the API server, in its own words and before any
//! rule is asked; the service and `render`, which read files, know it by the rule alone.

use serde_json::{Value, json};

use super::{Row, replace};

/// What the API server says to each of them.
pub const OF_THE_SERVER: &str = "duplicate entries for key";

const HANDLER: &str = "/spec/endpoints/0/handler";

fn handler(name: &'static str, handler: Value, message: &'static str) -> Row {
    replace(name, HANDLER, handler, message)
}

/// Every such row, with the sentence of the rule.
pub fn rows() -> Vec<Row> {
    let phrases = ["cancel it"];
    vec![
        handler(
            "two intents of one name",
            json!({"analysis": {
                "intent": {"intents": [{"name": "a", "phrases": phrases}, {"name": "a", "phrases": phrases}]},
                "transcription": {"engine": {"builtin": {}}},
            }}),
            "each intent must have a name of its own",
        ),
        handler(
            "an entity twice",
            json!({"analysis": {"dtmf": {}, "redaction": {"entities": ["CardCode", "CardCode"]}}}),
            "each entity of redaction may be named once",
        ),
        handler(
            "two patterns of one name",
            json!({"analysis": {
                "dtmf": {},
                "redaction": {"patterns": [{"name": "M", "pattern": "a"}, {"name": "M", "pattern": "b"}]},
            }}),
            "each pattern of redaction must have a name of its own",
        ),
        handler(
            "a container with two variables of one name",
            json!({"container": {
                "image": "handler:1", "port": 9000,
                "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
            }}),
            "each variable of handler.container.env must have a name of its own",
        ),
    ]
}
