//! The account's credentials: where they come from, and who may be given them.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, object_name, rule};

/// The key of the credentials Secret that holds the account's SID.
pub const ACCOUNT_SID: &str = "ACCOUNT_SID";
/// The key of the credentials Secret that holds the auth token with which Twilio signs.
pub const AUTH_TOKEN: &str = "AUTH_TOKEN";
/// The optional key that holds the next auth token during a rotation; requests signed with either are accepted.
pub const AUTH_TOKEN_SECONDARY: &str = "AUTH_TOKEN_SECONDARY";
/// The key of the copy of the Secret that the operator gives the pods: a token that was taken out, and is good for a while yet.
pub const AUTH_TOKEN_PREVIOUS: &str = "AUTH_TOKEN_PREVIOUS";
/// Beside it, until when, as RFC 3339 has it. Without it the token is good no longer.
pub const AUTH_TOKEN_PREVIOUS_UNTIL: &str = "AUTH_TOKEN_PREVIOUS_UNTIL";

/// The Twilio account whose auth token signs the requests.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// A Secret in the add-on's namespace with the keys `ACCOUNT_SID`, `AUTH_TOKEN` and, during a rotation,
    /// `AUTH_TOKEN_SECONDARY`. Only these keys are copied into the pods.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("credentials.secretName"))]
    pub secret_name: String,

    /// For how long requests signed with a token are still accepted that was taken out of the Secret, in seconds. 0: it is
    /// refused as soon as the pods have the change, which is what a token asks for that others may know. One token is kept,
    /// and none when the account is another.
    #[serde(default = "overlap_seconds", skip_serializing_if = "is_usual_overlap")]
    #[schemars(range(min = 0, max = 86400), extend("default" = 600))]
    #[x_kube(validation = between(0, 86400, "credentials.overlapSeconds"))]
    pub overlap_seconds: i32,
}

fn overlap_seconds() -> i32 {
    600
}

/// Left out where it is, so that what a service of an earlier version reads is as it was.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_usual_overlap(seconds: &i32) -> bool {
    *seconds == overlap_seconds()
}

impl Credentials {
    /// What the service reads: how long a token is kept is the operator's to decide.
    pub(crate) fn reduced(self) -> Self {
        Self {
            secret_name: self.secret_name,
            overlap_seconds: overlap_seconds(),
        }
    }
}

/// Results are POSTed to the callback URL of the request, with the account's credentials. So the hosts are limited.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.proxyUrl) || !self.allowInsecure",
    "callbacks.allowInsecure does not go with callbacks.proxyUrl, which carries https only: remove one of them",
))]
pub struct Callbacks {
    /// Host names that may be sent a result: a full name, or `*.` and a domain for every name below it. The host may
    /// also be an IP address.
    #[serde(default = "twilio_hosts")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 253)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = rule(
            "self.all(h, h.matches('^([*][.])?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'))",
            "callbacks.allowedHosts takes lower-case host names such as status.example.com, or *.example.com for every name below it, without scheme, port or path",
        ),
    )]
    pub allowed_hosts: Vec<String>,

    /// For a local try only: results may also go over plain http, and to addresses of private networks. The hosts stay
    /// limited to allowedHosts.
    #[serde(default)]
    pub allow_insecure: bool,

    /// Through which proxy results are sent: `http://HOST:PORT` of an HTTP proxy that takes CONNECT, without user and
    /// password. Only callbacks over https go through it. The proxy resolves their hosts, so that the service cannot check
    /// that an address is public, as it does without a proxy: the proxy must refuse private addresses itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 300))]
    #[x_kube(validation = rule(
        "self.matches('^http://[^/?#@[:space:]]+/?$') && isURL(self)",
        "callbacks.proxyUrl must be http://HOST[:PORT] without user, password, path or query",
    ))]
    pub proxy_url: Option<String>,
}

impl Default for Callbacks {
    fn default() -> Self {
        Self {
            allowed_hosts: twilio_hosts(),
            allow_insecure: false,
            proxy_url: None,
        }
    }
}

fn twilio_hosts() -> Vec<String> {
    vec!["*.twilio.com".to_owned()]
}
