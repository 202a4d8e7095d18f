//! The rows about the form of a request: where its fields are, what is fixed, and until when it is good.

use serde_json::json;

use super::{Row, replace};

const SOURCE: &str = "must be a name, a JSON pointer such as /contact/number, header:NAME or query:NAME";
const UNSIGNED: &str = "must not be a header: Twilio does not sign headers";
const CONSTANTS: &str = "/spec/endpoints/1/request/constants";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = sources();
    rows.extend(values());
    rows.extend(dates());
    rows
}

fn sources() -> Vec<Row> {
    vec![
        replace(
            "a pointer into a form",
            "/spec/endpoints/1/request/fields/phoneNumber",
            json!("/contact/number"),
            "a JSON pointer such as /contact/number needs request.encoding Json",
        ),
        replace(
            "a pointer with an empty segment",
            "/spec/endpoints/2/request/fields/phoneNumber",
            json!("/contact//number"),
            SOURCE,
        ),
        replace(
            "a pointer with a wrong escape",
            "/spec/endpoints/2/request/fields/phoneNumber",
            json!("/contact~2"),
            SOURCE,
        ),
        replace(
            "a header that has no name",
            "/spec/endpoints/1/request/fields/phoneNumber",
            json!("header:"),
            SOURCE,
        ),
        replace(
            "a header with a space",
            "/spec/endpoints/1/request/fields/phoneNumber",
            json!("header:X My Number"),
            SOURCE,
        ),
        replace(
            "a query parameter that has no name",
            "/spec/endpoints/2/request/fields/phoneNumber",
            json!("query:"),
            SOURCE,
        ),
        replace(
            "the query of a query",
            "/spec/endpoints/1/request/fields/phoneNumber",
            json!("query:phone"),
            "with request.encoding Query every field is in the query",
        ),
        replace(
            "a callback from a header",
            "/spec/endpoints/0/request/fields/callback",
            json!("header:X-Callback"),
            UNSIGNED,
        ),
        replace(
            "a recording from a header",
            "/spec/endpoints/0/request/fields/audio",
            json!("header:X-Audio"),
            UNSIGNED,
        ),
        replace(
            "the URL of a recording from a header",
            "/spec/endpoints/0/request/fields/audioUrl",
            json!("header:X-Audio"),
            UNSIGNED,
        ),
        Row {
            name: "a recording neither by itself nor by its URL",
            change: json!([{ "op": "remove", "path": "/spec/endpoints/0/request/fields/audio" }]),
            message: "set request.fields.callback, and request.fields.audio or request.fields.audioUrl",
        },
        replace(
            "a file part in the query",
            "/spec/endpoints/0/request/fields/audio",
            json!("query:audio"),
            "request.fields.audio must be the name of the file part",
        ),
        replace(
            "a test flag of a message",
            "/spec/endpoints/1/request/fields/testFlag",
            json!("test"),
            "belong to integration RecordingAnalysis only",
        ),
    ]
}

fn values() -> Vec<Row> {
    vec![
        replace(
            "a constant behind a pointer into a form",
            CONSTANTS,
            json!([{"name": "/key", "value": "a"}]),
            "a JSON pointer such as /contact/number needs request.encoding Json",
        ),
        replace(
            "a constant with two values",
            CONSTANTS,
            json!([{"name": "key", "value": "a", "valueFrom": {"secretName": "keys", "key": "crm"}}]),
            "each of request.constants must have exactly one of value and valueFrom",
        ),
        replace(
            "a constant without a value",
            CONSTANTS,
            json!([{"name": "key"}]),
            "each of request.constants must have exactly one of value and valueFrom",
        ),
        replace(
            "a constant from a Secret that cannot be",
            CONSTANTS,
            json!([{"name": "key", "valueFrom": {"secretName": "../keys", "key": "crm"}}]),
            "valueFrom.secretName must be the name of an object",
        ),
        replace(
            "a constant from another folder",
            CONSTANTS,
            json!([{"name": "key", "valueFrom": {"secretName": "keys", "key": "../crm"}}]),
            "valueFrom.key must be a key of a Secret",
        ),
        replace(
            "a constant from what Kubernetes lays beside the keys",
            CONSTANTS,
            json!([{"name": "key", "valueFrom": {"secretName": "keys", "key": "..data"}}]),
            "valueFrom.key must be a key of a Secret",
        ),
        replace(
            "a constant among the tokens",
            CONSTANTS,
            json!([{"name": "key", "valueFrom": {"secretName": "twilio", "key": "crm"}}]),
            "the valueFrom.secretName of request.constants must name a Secret of its own",
        ),
        replace(
            "a choice of the customer under a name with a dash",
            "/spec/endpoints/1/request/configuration",
            json!({"source-language": "language"}),
            "the names of request.configuration must start with a lower-case letter",
        ),
        replace(
            "a choice of the customer without a place",
            "/spec/endpoints/1/request/configuration",
            json!({"language": "header:"}),
            "the values of request.configuration must each be a name",
        ),
        replace(
            "a choice of the customer behind a pointer into a query",
            "/spec/endpoints/1/request/configuration",
            json!({"language": "/language"}),
            "a JSON pointer such as /contact/number needs request.encoding Json",
        ),
    ]
}

fn dates() -> Vec<Row> {
    vec![
        replace(
            "replay protection without a date",
            "/spec/endpoints/1/replay",
            json!({"maxAgeSeconds": 600}),
            "replay compares the date of a request",
        ),
        replace(
            "a date that nothing compares",
            "/spec/endpoints/1/request/fields/date",
            json!("date"),
            "request.fields.date and ttl are compared by replay only",
        ),
        replace(
            "a date from a header",
            "/spec/endpoints/1/request/fields/date",
            json!("header:Date"),
            UNSIGNED,
        ),
        Row {
            name: "replay protection without an end",
            change: json!([
                { "op": "add", "path": "/spec/endpoints/1/request/fields/date", "value": "date" },
                { "op": "add", "path": "/spec/endpoints/1/replay", "value": {} },
            ]),
            message: "replay needs to know for how long a request is good",
        },
        replace(
            "clocks that are a day apart",
            "/spec/endpoints/1/replay",
            json!({"clockSkewSeconds": 86400}),
            "replay.clockSkewSeconds must be between 0 and 3600",
        ),
        replace(
            "requests that are good for nothing",
            "/spec/endpoints/1/replay",
            json!({"maxAgeSeconds": 0}),
            "replay.maxAgeSeconds must be between 1 and 604800",
        ),
    ]
}
