//! Audio that a request names by a URL: from where it is fetched, and with what.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, rule};

/// How recordings are fetched whose requests carry a URL (`request.fields.audioUrl`) and not the audio. The request is
/// answered 202 at once, and the fetch follows. Always over https, from public addresses only, through at most 5 redirects
/// of which each is checked, and at most `limits.audioBytes`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "self.credentials != 'Account' || has(self.allowedHosts)",
    "audioFetch.credentials Account sends the account's token: set audioFetch.allowedHosts to the hosts that may have it, such as [api.twilio.com]",
))]
pub struct AudioFetch {
    /// Host names from which recordings may be fetched, and to which a fetch may be redirected: a full name, or `*.` and
    /// a domain for every name below it. Without it every host whose addresses are public: a temporary URL is signed by
    /// who stores the recording, which may be any provider of storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 253)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = rule(
            "self.size() >= 1 && self.all(h, h.matches('^([*][.])?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'))",
            "audioFetch.allowedHosts takes lower-case host names such as media.example.com, or *.example.com for every name below it, without scheme, port or path",
        ),
    )]
    pub allowed_hosts: Option<Vec<String>>,

    /// For a local try only: recordings may also be fetched over plain http, and from addresses of private networks.
    #[serde(default)]
    pub allow_insecure: bool,

    /// What is sent along. `None`: nothing, because a temporary URL is its own proof. `Account`: the account's SID and token
    /// as HTTP Basic credentials, to the host of the request's own URL and to none that it redirects to.
    #[serde(default)]
    pub credentials: AudioCredentials,

    /// For how long a recording is tried to be fetched, in seconds from its acceptance, all attempts together. What is not
    /// there by then is reported to the callback as `audio_unreachable`.
    #[serde(default = "timeout_seconds")]
    #[schemars(range(min = 10, max = 3600))]
    #[x_kube(validation = between(10, 3600, "audioFetch.timeoutSeconds"))]
    pub timeout_seconds: i32,
}

/// What is sent along with a fetch.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AudioCredentials {
    /// Nothing.
    #[default]
    None,
    /// The account's SID and token.
    Account,
}

impl Default for AudioFetch {
    fn default() -> Self {
        Self {
            allowed_hosts: None,
            allow_insecure: false,
            credentials: AudioCredentials::None,
            timeout_seconds: timeout_seconds(),
        }
    }
}

fn timeout_seconds() -> i32 {
    300
}
