//! The rows about what analyzes a recording.

use serde_json::{Value, json};

use super::{Row, replace};

const ANALYSIS: &str = "/spec/endpoints/0/handler/analysis";

#[expect(clippy::needless_pass_by_value, reason = "a row writes its value in place")]
fn intent(name: &'static str, intent: Value, message: &'static str) -> Row {
    replace(
        name,
        ANALYSIS,
        json!({"intent": intent, "transcription": {"engine": {"builtin": {}}}}),
        message,
    )
}

#[expect(clippy::needless_pass_by_value, reason = "a row writes its value in place")]
fn redaction(name: &'static str, redaction: Value, message: &'static str) -> Row {
    replace(name, ANALYSIS, json!({"dtmf": {}, "redaction": redaction}), message)
}

pub(super) fn rows() -> Vec<Row> {
    let phrases = ["cancel it"];
    vec![
        replace(
            "sentiment of words that nobody writes down",
            ANALYSIS,
            json!({"sentiment": {}, "transcription": {"engine": {"none": {}}}}),
            "handler.analysis.intent and handler.analysis.sentiment need words",
        ),
        replace(
            "intents without words",
            ANALYSIS,
            json!({"acoustics": {}, "intent": {"intents": [{"name": "cancel", "phrases": phrases}]}}),
            "handler.analysis.intent and handler.analysis.sentiment need words",
        ),
        replace(
            "redaction of neither words nor keys",
            ANALYSIS,
            json!({"acoustics": {}, "redaction": {}}),
            "handler.analysis.redaction has nothing to redact",
        ),
        intent(
            "no intent",
            json!({"intents": []}),
            "intent.intents must have at least one intent",
        ),
        intent(
            "an intent with a name that is a sentence",
            json!({"intents": [{"name": "cancel it", "phrases": phrases}]}),
            "the name of an intent must be letters, digits, '-' and '_'",
        ),
        intent(
            "an intent that nobody can say",
            json!({"intents": [{"name": "cancel"}]}),
            "each intent must have a phrase or a pattern",
        ),
        intent(
            "a phrase without a word",
            json!({"intents": [{"name": "cancel", "phrases": ["?!"]}]}),
            "each phrase of an intent must have a word",
        ),
        intent(
            "an intent with a pattern that does not end",
            json!({"intents": [{"name": "cancel", "patterns": ["cancel("]}]}),
            "a pattern must be a regular expression in the syntax of RE2",
        ),
        intent(
            "a threshold of nothing",
            json!({"thresholdPercent": 0, "intents": [{"name": "cancel", "phrases": phrases}]}),
            "intent.thresholdPercent must be between 1 and 100",
        ),
        redaction(
            "a redaction of nothing",
            json!({"entities": []}),
            "redaction must have an entity or a pattern",
        ),
        redaction(
            "a pattern that looks ahead",
            json!({"patterns": [{"name": "Member", "pattern": "M(?=1)"}]}),
            "a pattern must be a regular expression in the syntax of RE2",
        ),
        redaction(
            "a pattern with the name of an entity",
            json!({"patterns": [{"name": "CardNumber", "pattern": "[0-9]+"}]}),
            "the name of a redaction pattern must be letters and digits, begin with a letter, and be no entity's",
        ),
    ]
}
