//! How the requests of an endpoint prove that they are Twilio's: what of them must be signed, in which spelling, and the
//! password that they may carry besides.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{object_name, rule};

/// The key of a basicAuth Secret that holds the name.
pub const USERNAME: &str = "username";
/// The key of a basicAuth Secret that holds the password.
pub const PASSWORD: &str = "password";

/// How the signature of a request is verified. The defaults fit everything that Twilio documents; the rest is for what it
/// does not, and for URLs that something on the way spells differently.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// What of a request must be signed for it to be accepted. `Strict`: all of it. `UrlOnly`: at least the URL.
    /// `Commission`: nothing is accepted; every request is answered 503, and log and metrics say what its signature covers.
    #[serde(default)]
    pub mode: SignatureMode,

    /// The URL with its query exactly as it is registered in the Twilio Console, placeholders such as
    /// `{{primary_address}}` included. When set, a signature also counts that was made over the received pairs in the order
    /// of this URL: Twilio has been seen to send a query sorted and to sign it unsorted. Only the order of the names
    /// matters; scheme, host and path come from publicUrl and `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rule(
        "self.matches('^https://[^?#[:space:]]+[?][^#[:space:]]+$')",
        "signature.urlTemplate must be the whole registered URL with its query, https://HOST/PATH?NAME=VALUE; without a query there is no order to state: remove it",
    ))]
    pub url_template: Option<String>,

    /// Whether signatures over an escaped or decoded spelling of the query count as well, as in Twilio's library for Node:
    /// `%27` for `'`, `%20` for `+`, and the like. Every such spelling means the same request.
    #[serde(default = "legacy_query")]
    pub legacy_query: bool,

    /// What is answered to a request whose signature does not match: 403, which Twilio never repeats, or 503, which it
    /// does. Set 503 while a token is being rotated, if Twilio may promote the new one before it has reached the pods.
    #[serde(default = "unverified_status")]
    #[schemars(range(min = 403, max = 503))]
    #[x_kube(validation = rule(
        "self == 403 || self == 503",
        "signature.unverifiedStatus must be 403 (Twilio gives up) or 503 (Twilio tries again)",
    ))]
    pub unverified_status: i32,
}

impl Default for Signature {
    fn default() -> Self {
        Self {
            mode: SignatureMode::default(),
            url_template: None,
            legacy_query: legacy_query(),
            unverified_status: unverified_status(),
        }
    }
}

/// What of a request must be signed.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureMode {
    /// The URL, and every form parameter and text part, or the body by its hash.
    #[default]
    Strict,
    /// At least the URL; what comes in the body is not proven to be Twilio's. For encodings whose signature Twilio does not
    /// document: multipart, and JSON without `bodySHA256`. Needs basicAuth or an enforced spec.allowList besides.
    UrlOnly,
    /// Nothing is accepted. For the first requests to a new endpoint, which then decide between the other two.
    Commission,
}

/// A name and a password that requests must carry in `Authorization`, beside their signature. Register them with the URL,
/// as `https://NAME:PASSWORD@HOST/PATH`; they are no part of publicUrl, because Twilio does not sign them. Twilio sends a
/// request without them first, and repeats it with them when it is answered 401.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BasicAuth {
    /// A Secret in the add-on's namespace with the keys `username` and `password`. A change of it reaches running pods.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("basicAuth.secretName"))]
    pub secret_name: String,
}

fn legacy_query() -> bool {
    true
}

fn unverified_status() -> i32 {
    403
}
