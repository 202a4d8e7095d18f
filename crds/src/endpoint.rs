//! One URL of an add-on: what makes Twilio call it, in which form, and who answers.

use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handler::Handler;
use crate::handler::container::Container;
use crate::replay::Replay;
pub use crate::request::{Encoding, Fields, Request};
use crate::request::{RECORDING_FIELDS, any_set};
use crate::rules::{public_url, rule};
use crate::signature::{BasicAuth, Signature};

/// One URL that Twilio calls: publicUrl followed by `path`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "self.integration == 'RecordingAnalysis' ? !(has(self.handler.table) || has(self.handler.sql)) : !has(self.handler.analysis)",
        "an endpoint of integration RecordingAnalysis is answered by handler.analysis, http or container, and every other integration by handler.table, sql, http or container",
    ),
    validation = rule(
        "self.integration != 'RecordingAnalysis' || self.request.encoding != 'Query'",
        "a recording arrives in the body of a POST: set request.encoding to Multipart, Form or Json",
    ),
    validation = rule(
        "self.integration != 'RecordingAnalysis' || ((has(self.request.fields.audio) || has(self.request.fields.audioUrl)) && has(self.request.fields.callback))",
        "an endpoint of integration RecordingAnalysis must name its fields: set request.fields.callback, and request.fields.audio or request.fields.audioUrl",
    ),
    validation = rule(
        "self.integration == 'RecordingAnalysis' || has(self.request.fields.phoneNumber)",
        "this integration looks up a phone number: set request.fields.phoneNumber to the name under which it is sent",
    ),
    validation = recording_fields_only_for_recordings(),
    validation = rule(
        "self.integration != 'RecordingAnalysis' || !(has(self.request.fields.phoneNumber) || has(self.request.fields.secondaryPhoneNumber) || has(self.request.fields.body))",
        "a recording carries no phone number and no message: remove request.fields.phoneNumber, secondaryPhoneNumber and body",
    ),
    validation = rule(
        "!has(self.request.fields.body) || self.integration == 'IncomingSms'",
        "only integration IncomingSms carries a message: remove request.fields.body",
    ),
    validation = rule(
        "self.integration != 'RecordingAnalysis' || !has(self.request.defaultCountryCode)",
        "request.defaultCountryCode is for phone numbers, and a recording carries none: remove it",
    ),
    validation = rule(
        "self.integration == 'RecordingAnalysis' || !has(self.integrationKeys)",
        "integrationKeys belong to integration RecordingAnalysis only: remove them",
    ),
    validation = rule(
        "!has(self.replay) || has(self.request.fields.date)",
        "replay compares the date of a request: set request.fields.date to the name under which it is sent",
    ),
    validation = rule(
        "has(self.replay) || !(has(self.request.fields.date) || has(self.request.fields.ttl))",
        "request.fields.date and ttl are compared by replay only: write replay: {maxAgeSeconds: 3600}, or remove them",
    ),
    validation = rule(
        "!has(self.replay) || has(self.replay.maxAgeSeconds) || has(self.request.fields.ttl)",
        "replay needs to know for how long a request is good: set replay.maxAgeSeconds, or request.fields.ttl",
    ),
)]
pub struct Endpoint {
    /// The name of the endpoint, for logs, metrics and results.
    #[schemars(length(min = 1, max = 40))]
    #[x_kube(validation = rule(
        "self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "the name of an endpoint must start with a letter and contain only lower-case letters, digits and '-'",
    ))]
    pub name: String,

    /// The path below publicUrl, starting with a slash. Only letters, digits and `-._~/`, because every other character
    /// has two spellings, and Twilio signs one of them.
    #[schemars(length(min = 1, max = 200))]
    #[x_kube(validation = rule(
        "self.matches('^(/[A-Za-z0-9._~-]+)+/?$|^/$') && !self.matches('(^|/)[.][.]?(/|$)')",
        "path must start with '/' and contain only letters, digits, '-', '.', '_', '~' and '/', without empty, '.' or '..' segments",
    ))]
    pub path: String,

    /// The base of this one endpoint's URL, where it is another than spec.publicUrl: an old and a new version of an add-on
    /// are registered under different URLs and served together. Written as spec.publicUrl is. Endpoints are told apart by
    /// the paths of their whole URLs, never by their hosts, so no two may have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 9, max = 1024))]
    #[x_kube(validation = public_url())]
    pub public_url: Option<String>,

    /// What makes Twilio call this URL, as registered for the add-on.
    pub integration: Integration,

    /// Which recordings customers may choose when they install the add-on. Shown with the endpoint in its metrics. Where
    /// `request.fields.integrationKey` is set, a recording of another kind is refused as `integration_key_not_accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub integration_keys: Option<Vec<IntegrationKey>>,

    /// The form of the request, as registered for the add-on.
    pub request: Request,

    /// Until when a request is good, by the date and time to live that it carries itself. Without it a signed request is
    /// good for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,

    /// How the signature of a request is verified.
    #[serde(default)]
    pub signature: Signature,

    /// A name and a password that requests must carry beside their signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,

    /// What answers. Exactly one member.
    pub handler: Handler,
}

impl Endpoint {
    /// What of it the service reads.
    #[must_use]
    pub fn reduced(self) -> Self {
        let container = self.handler.container.map(Container::reduced);
        Self {
            handler: Handler {
                container,
                ..self.handler
            },
            ..self
        }
    }
}

/// The integration points of the Marketplace. All but `RecordingAnalysis` are answered at once.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integration {
    /// An SMS has come in: a phone number, and the message where it is mapped.
    IncomingSms,
    /// A call has come in: a phone number.
    IncomingVoiceCall,
    /// A phone number is looked up.
    Lookup,
    /// A recording is to be analyzed: accepted with 202, answered later at the callback URL.
    RecordingAnalysis,
}

impl Integration {
    /// Whether the answer is sent later, to a callback URL.
    pub fn is_asynchronous(self) -> bool {
        matches!(self, Self::RecordingAnalysis)
    }

    /// The name as it is written in the resource; also a metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncomingSms => "IncomingSms",
            Self::IncomingVoiceCall => "IncomingVoiceCall",
            Self::Lookup => "Lookup",
            Self::RecordingAnalysis => "RecordingAnalysis",
        }
    }
}

/// The four kinds of recording that a customer may choose from (Twilio's recording integration points).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IntegrationKey {
    /// Recordings made by the TwiML verb Record.
    RecordingVerb,
    /// Recordings of outgoing calls of the REST API.
    RecordingApi,
    /// Recordings of conferences.
    RecordingConference,
    /// Recordings made by the TwiML verb Dial.
    RecordingDial,
}

impl IntegrationKey {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::RecordingVerb,
        Self::RecordingApi,
        Self::RecordingConference,
        Self::RecordingDial,
    ];

    /// The key as Twilio writes it; also a metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecordingVerb => "RECORDING_VERB",
            Self::RecordingApi => "RECORDING_API",
            Self::RecordingConference => "RECORDING_CONFERENCE",
            Self::RecordingDial => "RECORDING_DIAL",
        }
    }
}

fn recording_fields_only_for_recordings() -> Rule {
    rule(
        &format!(
            "self.integration == 'RecordingAnalysis' || !({})",
            any_set("self.request.fields", &RECORDING_FIELDS)
        ),
        "request.fields.audio, callback and what describes a recording belong to integration RecordingAnalysis only: remove them",
    )
}
