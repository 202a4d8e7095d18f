//! The form of a request as it is registered with Twilio: its encoding, and under which names its fields are sent.
//!
//! Where a field is found is one string. A plain name is the parameter of the encoding: of the query, the form, the text
//! parts, or the member of the JSON object. `/contact/number` is a pointer into the JSON (RFC 6901), `query:NAME` a
//! parameter of the query of a POST, and `header:NAME` a header.

use std::collections::BTreeMap;

use kube::KubeSchema;
use kube::core::Rule;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::constant::Constant;
use crate::rules::{rule, signed_source, source};

/// The fields that only a recording has.
pub const RECORDING_FIELDS: [&str; 11] = [
    "audio",
    "audioUrl",
    "callback",
    "size",
    "duration",
    "format",
    "sampleSize",
    "sampleRate",
    "channels",
    "testFlag",
    "integrationKey",
];

const OTHER_FIELDS: [&str; 6] = [
    "phoneNumber",
    "secondaryPhoneNumber",
    "body",
    "requestSid",
    "date",
    "ttl",
];

/// The one form in which this endpoint accepts requests. Any other form is refused, because some different requests
/// sign alike.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = only_with_encoding("self.encoding == 'Json'", "/", "a JSON pointer such as /contact/number needs request.encoding Json: write the field's name alone"),
    validation = only_with_encoding("self.encoding != 'Query'", "query:", "with request.encoding Query every field is in the query: write its name without query:"),
    validation = rule(
        "self.encoding != 'Multipart' || !has(self.fields.audio) || !self.fields.audio.startsWith('query:')",
        "request.fields.audio must be the name of the file part: write it without query:",
    ),
)]
pub struct Request {
    /// How the fields are sent: `Query` (GET), `Form` (POST, urlencoded), `Json` (POST, with bodySHA256 in the query) or
    /// `Multipart` (POST, with a file part).
    pub encoding: Encoding,

    /// The publisher's own names of the fields, as registered for the add-on. Each is a string: the NAME of a parameter
    /// of the query, the form, the text parts or the JSON object; with encoding Json also a pointer such as
    /// `/contact/number`; `query:NAME` for a parameter in the query of a POST; or `header:NAME` for a header. Twilio does
    /// not sign headers: whoever has seen one signed request can send it again with another value there.
    pub fields: Fields,

    /// The country code of phone numbers that come without one, for example `1` or `49`: `(415) 555-1212` is then looked up
    /// as `+14155551212`. Without it such a number is looked up as it was sent. Blanks, dashes, dots and parentheses are
    /// dropped from numbers either way, and a leading `00` is read as `+`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 3))]
    #[x_kube(validation = rule(
        "self.matches('^[1-9][0-9]{0,2}$')",
        "request.defaultCountryCode must be a country code in quotes, without a plus sign: write defaultCountryCode: \"1\"",
    ))]
    pub default_country_code: Option<String>,

    /// Parameters with a fixed value that were registered with the URL, such as an API key. A request without one, or
    /// with another value, is refused as `constant_mismatch`. The value stands here or in a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rule("self.all(c, self.exists_one(o, o.name == c.name))", "each of request.constants must have a name of its own"),
    )]
    pub constants: Option<Vec<Constant>>,

    /// The values that customers chose when they installed the add-on, each under a name of ours with the name under
    /// which it is sent, for example `{language: source_language}`. They are handed to queries as `:config_language`, and
    /// stand in the result of a recording. A value may have 1024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "choices")]
    #[x_kube(
        validation = rule(
            "self.all(name, name.matches('^[a-z][a-z0-9_]{0,39}$'))",
            "the names of request.configuration must start with a lower-case letter and contain only lower-case letters, digits and '_'",
        ),
        validation = rule("size(self) <= 32", "request.configuration must have at most 32 members"),
        validation = rule(
            "self.all(name, size(self[name]) > 0 && size(self[name]) <= 128 && self[name] != 'query:' && (!self[name].startsWith('header:') || self[name].matches('^header:[-_A-Za-z0-9]+$')))",
            "the values of request.configuration must each be a name, a JSON pointer, header:NAME or query:NAME",
        ),
    )]
    pub configuration: Option<BTreeMap<String, String>>,
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

/// For each thing that Twilio sends, where this add-on receives it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Fields {
    /// The phone number (`{{primary_address}}` in the Twilio Console), in E.164 form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.phoneNumber"))]
    pub phone_number: Option<String>,

    /// The other party's phone number (`{{secondary_address}}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.secondaryPhoneNumber"))]
    pub secondary_phone_number: Option<String>,

    /// The text of the message (`{{body}}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.body"))]
    pub body: Option<String>,

    /// The recording (Twilio's AudioData): with encoding Multipart the name of the file part; with Form and Json a field
    /// that holds it in base64, and the limit of a body bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(
        validation = source("request.fields.audio"),
        validation = signed_source("request.fields.audio"),
    )]
    pub audio: Option<String>,

    /// The temporary URL of the recording (Twilio's URL). It is fetched after the request was accepted, as `audioFetch` says;
    /// beside an `audio` that came it is not needed, and is not called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(
        validation = source("request.fields.audioUrl"),
        validation = signed_source("request.fields.audioUrl"),
    )]
    pub audio_url: Option<String>,

    /// The URL to which the result is POSTed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(
        validation = source("request.fields.callback"),
        validation = signed_source("request.fields.callback"),
    )]
    pub callback: Option<String>,

    /// The number of bytes of the recording (Size). A recording of another size was cut short on its way: the request is
    /// answered 503, so that Twilio sends it again; one that is fetched from `audioUrl` is fetched again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.size"))]
    pub size: Option<String>,

    /// The duration of the recording (Duration). It is not believed, because its unit is disputed: the audio is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.duration"))]
    pub duration: Option<String>,

    /// The format of the recording (Format). A file with a header of its own is read by that header. One without is read
    /// as linear PCM where this says so: `SIGNED_16BIT_SLINER`, `audio/L16` and their like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.format"))]
    pub format: Option<String>,

    /// The number of bytes of one sample (SampleSize) of audio without a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.sampleSize"))]
    pub sample_size: Option<String>,

    /// The number of samples a second (SampleRate) of audio without a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.sampleRate"))]
    pub sample_rate: Option<String>,

    /// The number of channels (Channels) of audio without a header. One where it is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.channels"))]
    pub channels: Option<String>,

    /// Says `yes`, `true` or `1` in a request that only tries the endpoint: everything is verified, the recording is read,
    /// and the answer is 202; but nothing is stored, and no result is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.testFlag"))]
    pub test_flag: Option<String>,

    /// Says which kind of recording this is, one of the four of `integrationKeys`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.integrationKey"))]
    pub integration_key: Option<String>,

    /// The request SID, where it is sent as a field too. A field is signed and the header `X-Twilio-RequestSid` is not, so
    /// the field counts: with it nobody can make a new request of a repeated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("request.fields.requestSid"))]
    pub request_sid: Option<String>,

    /// When Twilio made the request: RFC 3339, the date of HTTP or of e-mail, or seconds or milliseconds since 1970. See
    /// `replay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(
        validation = source("request.fields.date"),
        validation = signed_source("request.fields.date"),
    )]
    pub date: Option<String>,

    /// For how long from then on the request is good. See `replay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(
        validation = source("request.fields.ttl"),
        validation = signed_source("request.fields.ttl"),
    )]
    pub ttl: Option<String>,
}

/// A map of short strings; without the bounds the API server would take its rules for too costly.
fn choices(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "nullable": true,
        "maxProperties": 32,
        "additionalProperties": { "type": "string", "minLength": 1, "maxLength": 128 },
    })
}

/// Whether any of these members is set.
pub fn any_set(object: &str, members: &[&str]) -> String {
    let set: Vec<_> = members.iter().map(|member| format!("has({object}.{member})")).collect();
    set.join(" || ")
}

/// A kind of source that only some encodings have.
fn only_with_encoding(condition: &str, prefix: &str, message: &str) -> Rule {
    let fields = RECORDING_FIELDS
        .iter()
        .chain(&OTHER_FIELDS)
        .map(|field| format!("(has(self.fields.{field}) && self.fields.{field}.startsWith('{prefix}'))"));
    let others = [
        format!("(has(self.constants) && self.constants.exists(c, c.name.startsWith('{prefix}')))"),
        format!(
            "(has(self.configuration) && self.configuration.exists(name, self.configuration[name].startsWith('{prefix}')))"
        ),
    ];
    let uses: Vec<_> = fields.chain(others).collect();
    rule(&format!("{condition} || !({})", uses.join(" || ")), message)
}
