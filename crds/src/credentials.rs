//! The account's credentials: where they come from, and who may be given them.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{object_name, rule};

/// The key of the credentials Secret that holds the account's SID.
pub const ACCOUNT_SID: &str = "ACCOUNT_SID";
/// The key of the credentials Secret that holds the auth token with which Twilio signs.
pub const AUTH_TOKEN: &str = "AUTH_TOKEN";
/// The optional key that holds the next auth token during a rotation; requests signed with either are accepted.
pub const AUTH_TOKEN_SECONDARY: &str = "AUTH_TOKEN_SECONDARY";

/// The Twilio account whose auth token signs the requests.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// A Secret in the add-on's namespace with the keys `ACCOUNT_SID`, `AUTH_TOKEN` and, during a rotation,
    /// `AUTH_TOKEN_SECONDARY`. Only these keys are copied into the pods.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("credentials.secretName"))]
    pub secret_name: String,
}

/// Results are POSTed to the callback URL of the request, with the account's credentials. So the hosts are limited.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
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
}

impl Default for Callbacks {
    fn default() -> Self {
        Self {
            allowed_hosts: twilio_hosts(),
            allow_insecure: false,
        }
    }
}

fn twilio_hosts() -> Vec<String> {
    vec!["*.twilio.com".to_owned()]
}
