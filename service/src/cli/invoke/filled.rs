//! Fills in what Twilio would send of itself: every field that the manifest maps and nobody gave. Called by `invoke`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use marketplace_crds::endpoint::IntegrationKey;
use marketplace_crds::replay::TtlUnit;

use super::InvokeError;
use crate::analysis;
use crate::config::Endpoint;
use crate::domain::AudioFormat;
use crate::request::{ConstantSecrets, FieldSources, Source};

/// A phone number that belongs to nobody.
const EXAMPLE_PHONE_NUMBER: &str = "+14155551212";
/// For how long a request is good that carries a time to live.
const TTL_SECONDS: u64 = 600;
const MILLISECONDS_PER_SECOND: f64 = 1000.0;

/// A value and where it is sent.
pub type Field = (Source, String);

/// The recording that is sent.
pub struct AudioFile {
    /// How large it is.
    pub bytes: u64,
    /// What it is, if it has a header that says so.
    pub format: Option<AudioFormat>,
    /// It as text, for an endpoint that takes it so.
    base64: Option<String>,
}

/// What differs from call to call.
pub struct Call<'a> {
    /// The SID of the request.
    pub request_sid: &'a str,
    /// Where the result is awaited.
    pub callback: Option<&'a str>,
    /// The recording.
    pub audio: Option<&'a AudioFile>,
    /// Where it is instead.
    pub audio_url: Option<&'a str>,
    /// What the Secrets hold of the endpoint's constants.
    pub constants: &'a ConstantSecrets,
    /// Whether it only tries the endpoint.
    pub is_test: bool,
    /// When it is made.
    pub now: Timestamp,
}

impl AudioFile {
    /// Looks at the file; reads it whole only for an endpoint that takes it as text.
    pub fn open(path: &Path, endpoint: &Endpoint) -> Result<Self, InvokeError> {
        let failed = |source| InvokeError::ReadAudio {
            file: path.display().to_string(),
            source,
        };
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        let base64 = if endpoint.mapping.file_part.is_none() {
            Some(STANDARD.encode(std::fs::read(path).map_err(failed)?))
        } else {
            None
        };
        Ok(Self {
            bytes,
            format: analysis::probe(path).ok(),
            base64,
        })
    }
}

/// The fields that were given, and what Twilio adds.
pub fn fill(endpoint: &Endpoint, given: Vec<Field>, call: &Call<'_>) -> Vec<Field> {
    let mut fields = given;
    let constants = endpoint.mapping.constants.iter().filter_map(|constant| {
        let value = constant.expected.text(call.constants)?;
        Some((constant.source.clone(), value.to_owned()))
    });
    for (source, value) in of_twilio(endpoint, call).into_iter().chain(constants) {
        if fields.iter().all(|(given, _)| *given != source) {
            fields.push((source, value));
        }
    }
    fields
}

fn of_twilio(endpoint: &Endpoint, call: &Call<'_>) -> Vec<Field> {
    let FieldSources {
        phone_number,
        secondary_phone_number: _,
        body: _,
        audio,
        audio_url,
        callback,
        size,
        duration,
        format,
        sample_size,
        sample_rate,
        channels,
        test_flag,
        integration_key,
        request_sid,
        date,
        ttl,
    } = &endpoint.mapping.fields;
    let file = call.audio;
    let measured = file.and_then(|file| file.format);
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    let values = [
        (phone_number, Some(EXAMPLE_PHONE_NUMBER.to_owned())),
        (audio, file.and_then(|file| file.base64.clone())),
        (audio_url, call.audio_url.map(str::to_owned)),
        (callback, call.callback.map(str::to_owned)),
        (size, number(file.map(|file| file.bytes))),
        (duration, measured.map(duration_milliseconds)),
        (format, measured.map(|_| "audio/x-wav".to_owned())),
        (
            sample_size,
            number(measured.map(|format| u64::from(format.bits_per_sample / 8))),
        ),
        (
            sample_rate,
            number(measured.map(|format| format.sample_rate_hertz.into())),
        ),
        (channels, number(measured.map(|format| format.channels.into()))),
        (test_flag, call.is_test.then(|| "yes".to_owned())),
        (integration_key, Some(key(endpoint).as_str().to_owned())),
        (request_sid, Some(call.request_sid.to_owned())),
        (date, Some(call.now.to_string())),
        (ttl, Some(ttl_value(endpoint).to_string())),
    ];
    values
        .into_iter()
        .filter_map(|(source, value)| Some((source.clone()?, value?)))
        .collect()
}

fn key(endpoint: &Endpoint) -> IntegrationKey {
    let first = endpoint.integration_keys.first();
    first.copied().unwrap_or(IntegrationKey::RecordingVerb)
}

fn duration_milliseconds(format: AudioFormat) -> String {
    format!("{:.0}", format.seconds * MILLISECONDS_PER_SECOND)
}

fn ttl_value(endpoint: &Endpoint) -> u64 {
    match endpoint.replay.as_ref().map(|replay| replay.ttl_unit) {
        Some(TtlUnit::Milliseconds) => TTL_SECONDS * 1000,
        Some(TtlUnit::Seconds) | None => TTL_SECONDS,
    }
}
