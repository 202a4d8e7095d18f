//! `handler.http`: a partner's own code, called at a URL. Also what `handler.container` has in common with it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, object_name, rule};

/// The key of the Secret of `handler.http` that holds the value of the header `Authorization`.
pub const AUTHORIZATION: &str = "AUTHORIZATION";

/// Answers with what a partner's own code says, called at a URL: with JSON for a phone number or a message, with the audio
/// besides for a recording.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "self.url.startsWith('https://') || self.allowInsecure",
    "handler.http.url must be https: what customers send is in each call. For a URL inside of the cluster set handler.http.allowInsecure: true",
))]
pub struct Http {
    /// Where the partner's code is: `https://HOST[:PORT][/PATH][?QUERY]`. Every request is a POST to exactly this URL; a
    /// redirect is never followed. Its host must have public addresses, unless allowInsecure is true.
    #[schemars(length(min = 8, max = 2048))]
    #[x_kube(validation = rule(
        "self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?([?][^#[:space:]]*)?$') && isURL(self)",
        "handler.http.url must be https://HOST[:PORT][/PATH][?QUERY] without user or fragment",
    ))]
    pub url: String,

    /// A Secret in the add-on's namespace whose key `AUTHORIZATION` is sent as the header Authorization, whole: for example
    /// `Bearer 0123`. A change of it reaches running pods. Not the Secret of spec.credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("handler.http.secretName"))]
    pub secret_name: Option<String>,

    /// Whether plain http and addresses of private networks are called too: a Service of the cluster, or a local try.
    /// Link-local addresses, where clouds give out credentials, never are.
    #[serde(default)]
    pub allow_insecure: bool,

    /// How long one call may take, connection included. Without it: as long as there is time for the answer
    /// (spec.limits.answerSeconds), or for a recording until shortly before spec.sla.cutoffFactor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    #[x_kube(validation = between(1, 86400, "handler.http.timeoutSeconds"))]
    pub timeout_seconds: Option<i32>,

    /// When a partner that fails is left alone for a while.
    #[serde(default)]
    pub breaker: Breaker,
}

/// When a partner that fails is left alone for a while: requests are then answered 503 at once, which Twilio repeats, and
/// recordings wait. Afterwards one call tries whether it is back. Each pod decides for itself.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Breaker {
    /// After how many calls in a row that failed: no connection, no answer in time, or a status of 408, 425, 429 or 5xx.
    #[serde(default = "breaker_failures")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "breaker.failures"))]
    pub failures: i32,

    /// For how long.
    #[serde(default = "breaker_open_seconds")]
    #[schemars(range(min = 1, max = 300))]
    #[x_kube(validation = between(1, 300, "breaker.openSeconds"))]
    pub open_seconds: i32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: breaker_failures(),
            open_seconds: breaker_open_seconds(),
        }
    }
}

fn breaker_failures() -> i32 {
    5
}

fn breaker_open_seconds() -> i32 {
    10
}
