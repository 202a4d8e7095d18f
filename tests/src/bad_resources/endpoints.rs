//! The rows about one URL of the add-on.

use serde_json::json;

use super::{Row, remove, replace};

const PATH: &str = "path must start with '/' and contain only letters";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = places();
    rows.extend(fields());
    rows
}

fn places() -> Vec<Row> {
    vec![
        replace(
            "no endpoint at all",
            "/spec/endpoints",
            json!([]),
            "endpoints must name at least one endpoint",
        ),
        replace(
            "two endpoints of one path",
            "/spec/endpoints/2/path",
            json!("/incoming-sms"),
            "each endpoint must have a path of its own",
        ),
        Row {
            name: "two endpoints of one URL",
            change: json!([
                { "op": "add", "path": "/spec/endpoints/1/publicUrl", "value": "https://old.example.com/v1" },
                { "op": "add", "path": "/spec/endpoints/2/publicUrl", "value": "https://old.example.com/v1" },
                { "op": "add", "path": "/spec/endpoints/2/path", "value": "/incoming-sms" },
            ]),
            message: "each endpoint must have a path of its own",
        },
        replace(
            "an endpoint's own public URL over http",
            "/spec/endpoints/1/publicUrl",
            json!("http://old.example.com"),
            "publicUrl must be https://HOST[:PORT][/PATH]",
        ),
        replace(
            "an endpoint's name in capitals",
            "/spec/endpoints/1/name",
            json!("Sms"),
            "the name of an endpoint must start with a letter",
        ),
        replace(
            "a path without a slash",
            "/spec/endpoints/1/path",
            json!("incoming-sms"),
            PATH,
        ),
        replace(
            "a path with an escape",
            "/spec/endpoints/1/path",
            json!("/incoming%20sms"),
            PATH,
        ),
        replace(
            "a path with two slashes",
            "/spec/endpoints/1/path",
            json!("/incoming//sms"),
            PATH,
        ),
        replace(
            "a path that climbs",
            "/spec/endpoints/1/path",
            json!("/incoming/../sms"),
            PATH,
        ),
    ]
}

fn fields() -> Vec<Row> {
    vec![
        replace(
            "a recording in a query",
            "/spec/endpoints/0/request/encoding",
            json!("Query"),
            "a recording arrives in the body of a POST",
        ),
        remove(
            "a recording without a callback field",
            "/spec/endpoints/0/request/fields/callback",
            "set request.fields.callback, and request.fields.audio or request.fields.audioUrl",
        ),
        remove(
            "a recording without an audio field",
            "/spec/endpoints/0/request/fields/audio",
            "set request.fields.callback, and request.fields.audio or request.fields.audioUrl",
        ),
        replace(
            "a recording with a phone number",
            "/spec/endpoints/0/request/fields/phoneNumber",
            json!("phone"),
            "a recording carries no phone number and no message",
        ),
        remove(
            "a message without a phone number",
            "/spec/endpoints/1/request/fields/phoneNumber",
            "set request.fields.phoneNumber to the name under which it is sent",
        ),
        replace(
            "a message with audio",
            "/spec/endpoints/1/request/fields/audio",
            json!("audio"),
            "belong to integration RecordingAnalysis only",
        ),
        replace(
            "a lookup with a message",
            "/spec/endpoints/2/request/fields/body",
            json!("body"),
            "only integration IncomingSms carries a message",
        ),
        replace(
            "a message with recording keys",
            "/spec/endpoints/1/integrationKeys",
            json!(["RECORDING_VERB"]),
            "integrationKeys belong to integration RecordingAnalysis only",
        ),
    ]
}
