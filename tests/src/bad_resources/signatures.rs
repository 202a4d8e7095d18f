//! The rows about how an endpoint's requests prove themselves.

use serde_json::json;

use super::{Row, replace};

pub(super) fn rows() -> Vec<Row> {
    vec![
        replace(
            "a registered URL without a query",
            "/spec/endpoints/1/signature",
            json!({"urlTemplate": "https://addons.example.com/insights/incoming-sms"}),
            "signature.urlTemplate must be the whole registered URL with its query",
        ),
        Row {
            name: "an unproven body from anywhere",
            change: json!([
                { "op": "add", "path": "/spec/endpoints/1/signature", "value": { "mode": "UrlOnly" } },
                { "op": "remove", "path": "/spec/allowList" },
            ]),
            message: "signature.mode UrlOnly leaves the body unproven: set basicAuth on the endpoint, or spec.allowList with mode Enforce",
        },
        Row {
            name: "a body that nothing proves, from sources that are only counted",
            change: json!([
                { "op": "add", "path": "/spec/endpoints/1/signature", "value": { "mode": "UrlOnly" } },
                { "op": "add", "path": "/spec/allowList/mode", "value": "Audit" },
            ]),
            message: "signature.mode UrlOnly leaves the body unproven: set basicAuth on the endpoint, or spec.allowList with mode Enforce",
        },
        replace(
            "a refusal that Twilio does not know",
            "/spec/endpoints/1/signature",
            json!({"unverifiedStatus": 429}),
            "signature.unverifiedStatus must be 403",
        ),
        replace(
            "a password in the Secret of the account",
            "/spec/endpoints/1/basicAuth",
            json!({"secretName": "twilio"}),
            "basicAuth.secretName must name a Secret of its own",
        ),
        replace(
            "a password's Secret in capitals",
            "/spec/endpoints/1/basicAuth",
            json!({"secretName": "Door"}),
            "basicAuth.secretName must be the name of an object",
        ),
    ]
}
