//! One URL of an add-on: what makes Twilio call it, in which form, and who answers.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handler::Handler;
use crate::rules::rule;
use crate::signature::{BasicAuth, Signature};

/// One URL that Twilio calls: publicUrl followed by `path`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "(self.integration == 'RecordingAnalysis') == has(self.handler.analysis)",
        "an endpoint of integration RecordingAnalysis is answered by handler.analysis, and every other integration by handler.table or handler.sql",
    ),
    validation = rule(
        "self.integration != 'RecordingAnalysis' || self.request.encoding == 'Multipart'",
        "a recording arrives as a file part: set request.encoding to Multipart",
    ),
    validation = rule(
        "self.integration != 'RecordingAnalysis' || (has(self.request.fields.audio) && has(self.request.fields.callback))",
        "an endpoint of integration RecordingAnalysis must name its fields: set request.fields.audio and request.fields.callback",
    ),
    validation = rule(
        "self.integration == 'RecordingAnalysis' || has(self.request.fields.phoneNumber)",
        "this integration looks up a phone number: set request.fields.phoneNumber to the name under which it is sent",
    ),
    validation = rule(
        "self.integration == 'RecordingAnalysis' || !(has(self.request.fields.audio) || has(self.request.fields.callback))",
        "request.fields.audio and request.fields.callback belong to integration RecordingAnalysis only: remove them",
    ),
    validation = rule(
        "self.integration != 'RecordingAnalysis' || !(has(self.request.fields.phoneNumber) || has(self.request.fields.secondaryPhoneNumber) || has(self.request.fields.body))",
        "a recording carries no phone number and no message: remove request.fields.phoneNumber, secondaryPhoneNumber and body",
    ),
    validation = rule(
        "!has(self.request.fields.body) || self.integration == 'IncomingSms'",
        "only integration IncomingSms carries a message: remove request.fields.body",
    ),
    validation = rule(
        "self.integration == 'RecordingAnalysis' || !has(self.integrationKeys)",
        "integrationKeys belong to integration RecordingAnalysis only: remove them",
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

    /// What makes Twilio call this URL, as registered for the add-on.
    pub integration: Integration,

    /// Which recordings customers may choose when they install the add-on. Shown with the endpoint in its metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub integration_keys: Option<Vec<IntegrationKey>>,

    /// The form of the request, as registered for the add-on.
    pub request: Request,

    /// How the signature of a request is verified.
    #[serde(default)]
    pub signature: Signature,

    /// A name and a password that requests must carry beside their signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,

    /// What answers. Exactly one member.
    pub handler: Handler,
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

/// The one form in which this endpoint accepts requests. Any other form is refused, because some different requests
/// sign alike.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// How the fields are sent: `Query` (GET), `Form` (POST, urlencoded), `Json` (POST, with bodySHA256 in the query) or
    /// `Multipart` (POST, with a file part).
    pub encoding: Encoding,

    /// The publisher's own names of the fields, as registered for the add-on.
    pub fields: Fields,
}

/// How the fields of a request are sent.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// GET with the fields in the query.
    Query,
    /// POST of `application/x-www-form-urlencoded`.
    Form,
    /// POST of a JSON object, whose hash is in the query as `bodySHA256`.
    Json,
    /// POST of `multipart/form-data`.
    Multipart,
}

/// For each thing that Twilio sends, the name under which this add-on receives it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Fields {
    /// The field that holds the phone number (`{{primary_address}}` in the Twilio Console), in E.164 form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub phone_number: Option<String>,

    /// The field that holds the other party's phone number (`{{secondary_address}}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub secondary_phone_number: Option<String>,

    /// The field that holds the text of the message (`{{body}}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub body: Option<String>,

    /// The file part that holds the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub audio: Option<String>,

    /// The field that holds the URL to which the result is POSTed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub callback: Option<String>,
}
