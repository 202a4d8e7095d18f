//! Decides what the fields of a request are, in each of the encodings, and which of them the endpoint means. Pure: called by
//! `server` for the parameters that a signature covers, and by `admission` for the endpoint's own names.

mod audio;
mod constant;
mod mapping;
mod phone;
mod source;
mod values;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::domain::RequestSid;
use crate::signature::Parameter;

pub use self::audio::AudioClaims;
pub use self::constant::{
    Constant, ConstantSecrets, Expected, NamedKeys, SecretKey, keeps_constants, knows_constants, named_keys,
};
pub use self::mapping::{FieldSources, Mapping};
pub use self::phone::normalised;
pub use self::source::Source;
pub use self::values::Values;

/// What a customer's choice may be long: it is stored with the job and sent with the result.
const CONFIGURATION_LIMIT_BYTES: usize = 1024;

/// What a test flag says when it is up, in any case.
const TEST_WORDS: [&str; 3] = ["yes", "true", "1"];

/// With or without the `=` at the end: some libraries leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Everything of a request that a field may be taken from, as it was sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The parameters of the query.
    pub query: Vec<Parameter>,
    /// What the body has.
    pub body: SentBody,
    /// The headers that the endpoint maps, in lower case. Not signed.
    pub headers: Vec<Parameter>,
}

/// What the body of a request has.
#[derive(Clone, Debug, Default)]
pub enum SentBody {
    /// Nothing: a GET.
    #[default]
    Nothing,
    /// The parameters of a form, or the text parts.
    Parameters(Vec<Parameter>),
    /// JSON, whose hash is signed.
    Bytes(Bytes),
}

/// The fields of a question about a phone number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookupFields {
    /// The phone number that is asked about.
    pub phone_number: Option<String>,
    /// The other party's.
    pub secondary_phone_number: Option<String>,
    /// The text of a message.
    pub body: Option<String>,
}

/// The fields of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingFields {
    /// Where the result goes.
    pub callback: Option<String>,
    /// The recording itself, where it is a field and no file part.
    pub audio: Option<Vec<u8>>,
    /// Where it is, if it is not here.
    pub audio_url: Option<String>,
    /// What is said of it.
    pub claims: AudioClaims,
    /// Whether the request only tries the endpoint.
    pub is_test: bool,
    /// The kind of recording.
    pub integration_key: Option<String>,
}

/// Why fields are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFields {
    /// A mapped field has two values. The signature does not cover their order, so neither is the right one.
    #[error("failed to choose between two values of a field")]
    ChooseValue,
    /// A field that another one needs is not there.
    #[error("failed to find a field")]
    FindValue,
    /// A field is not of its kind, or too long.
    #[error("failed to read the value of a field")]
    ReadValue,
    /// The field with the recording is no base64.
    #[error("failed to decode the recording")]
    DecodeAudio,
    /// The body is no JSON object.
    #[error("failed to read the body as a JSON object")]
    ReadJson,
}

/// The pairs of a query or of a form body, decoded.
#[must_use]
pub fn pairs(encoded: &[u8]) -> Vec<Parameter> {
    form_urlencoded::parse(encoded)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// Picks the fields of a lookup. Every other parameter is left alone: Twilio adds new ones without notice.
pub fn lookup(fields: &FieldSources, values: &Values<'_>) -> Result<LookupFields, ReadFields> {
    Ok(LookupFields {
        phone_number: text(fields.phone_number.as_ref(), values)?.map(|number| plain_phone_number(&number)),
        secondary_phone_number: text(fields.secondary_phone_number.as_ref(), values)?
            .map(|number| plain_phone_number(&number)),
        body: text(fields.body.as_ref(), values)?,
    })
}

/// Picks the fields of a recording.
pub fn recording(mapping: &Mapping, values: &Values<'_>) -> Result<RecordingFields, ReadFields> {
    let fields = &mapping.fields;
    let test_flag = text(fields.test_flag.as_ref(), values)?;
    let inline = fields.audio.as_ref().filter(|_| mapping.file_part.is_none());
    let audio = match inline {
        Some(source) => values.get(source)?.map(|text| decode(&text)).transpose()?,
        None => None,
    };
    Ok(RecordingFields {
        callback: text(fields.callback.as_ref(), values)?,
        audio,
        audio_url: text(fields.audio_url.as_ref(), values)?,
        claims: AudioClaims::read(fields, values)?,
        is_test: test_flag.is_some_and(|flag| TEST_WORDS.iter().any(|word| flag.eq_ignore_ascii_case(word))),
        integration_key: text(fields.integration_key.as_ref(), values)?,
    })
}

/// The request SID where it is a field. One that is there and is none of ours to keep is an error: passed over, the
/// unsigned header would take its place.
pub fn request_sid(fields: &FieldSources, values: &Values<'_>) -> Result<Option<RequestSid>, ReadFields> {
    let sid = text(fields.request_sid.as_ref(), values)?;
    sid.map(|sid| RequestSid::parse(&sid).map_err(|_| ReadFields::ReadValue))
        .transpose()
}

/// The customer's choices, by our names. Those that are not there are left out.
pub fn configuration(mapping: &Mapping, values: &Values<'_>) -> Result<BTreeMap<String, String>, ReadFields> {
    let mut configuration = BTreeMap::new();
    for (name, source) in &mapping.configuration {
        let Some(value) = values.get(source)? else { continue };
        if value.len() > CONFIGURATION_LIMIT_BYTES {
            return Err(ReadFields::ReadValue);
        }
        configuration.insert(name.clone(), value.into_owned());
    }
    Ok(configuration)
}

/// The hash over every signed field but those that differ by right when Twilio repeats a request: the callback, the URL of
/// the audio, and the date. The audio has a hash of its own. Each is delimited: another hash under the same request SID is
/// another request.
#[must_use]
pub fn digest(fields: &FieldSources, values: &Values<'_>) -> String {
    let left_out: Vec<_> = [
        &fields.callback,
        &fields.audio,
        &fields.audio_url,
        &fields.date,
        &fields.ttl,
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut hash = Sha256::new();
    values.hash_signed_but(&left_out, &mut hash);
    hex::encode(hash.finalize())
}

/// The value of a field, if it is mapped and sent.
pub fn text(source: Option<&Source>, values: &Values<'_>) -> Result<Option<String>, ReadFields> {
    let Some(source) = source else { return Ok(None) };
    Ok(values.get(source)?.map(std::borrow::Cow::into_owned))
}

/// Line ends are passed over: the base64 of e-mail has them.
fn decode(text: &str) -> Result<Vec<u8>, ReadFields> {
    let decoded = if text.contains(['\r', '\n']) {
        BASE64.decode(text.replace(['\r', '\n'], ""))
    } else {
        BASE64.decode(text)
    };
    decoded.map_err(|_| ReadFields::DecodeAudio)
}

/// A plus sign that nobody percent-encoded arrives as a blank: `phone=+1415` is read as ` 1415`.
fn plain_phone_number(sent: &str) -> String {
    let number = sent.trim();
    let lost_plus = sent.starts_with(' ') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if lost_plus {
        format!("+{number}")
    } else {
        number.to_owned()
    }
}

#[cfg(test)]
mod tests;
