//! The rows about who writes down what is said.

use serde_json::json;

use super::{Row, replace};

const ENGINE: &str = "transcription.engine must have exactly one member: builtin, openai or none";

pub(super) fn rows() -> Vec<Row> {
    vec![
        replace(
            "a transcription by two engines",
            "/spec/endpoints/0/handler/analysis/transcription",
            json!({"engine": {"builtin": {}, "none": {}}}),
            ENGINE,
        ),
        replace(
            "a transcription by nobody at all",
            "/spec/endpoints/0/handler/analysis/transcription",
            json!({"engine": {}}),
            ENGINE,
        ),
        replace(
            "a server of speech over http",
            "/spec/endpoints/0/handler/analysis/transcription",
            json!({"engine": {"openai": {"url": "http://speaches.speech.svc:8000", "model": "small"}}}),
            "openai.url must be https: or set openai.allowPrivate",
        ),
        replace(
            "a server of speech with the version in its URL",
            "/spec/endpoints/0/handler/analysis/transcription",
            json!({"engine": {"openai": {"url": "https://api.example.com/v1", "model": "small"}}}),
            "without /v1, which is added",
        ),
        replace(
            "a server of speech without time",
            "/spec/endpoints/0/handler/analysis/transcription",
            json!({"engine": {"openai": {"url": "https://api.example.com", "model": "small", "timeoutSeconds": 0}}}),
            "openai.timeoutSeconds must be between 1 and 600",
        ),
        replace(
            "a language by its name",
            "/spec/endpoints/0/handler/analysis/transcription",
            json!({"engine": {"openai": {"url": "https://api.example.com", "model": "small", "language": "english"}}}),
            "openai.language must be a tag such as de or pt-BR",
        ),
        replace(
            "a key of a server of speech in no Secret's name",
            "/spec/endpoints/0/handler/analysis/transcription",
            json!({"engine": {"openai": {"url": "https://api.example.com", "model": "small", "secretName": "My Key"}}}),
            "openai.secretName must be the name of an object",
        ),
        replace(
            "a server of speech with the account's own Secret",
            "/spec/endpoints/0/handler/analysis/transcription",
            json!({"engine": {"openai": {"url": "https://api.example.com", "model": "small", "secretName": "twilio"}}}),
            "openai.secretName must name a Secret of its own",
        ),
    ]
}
