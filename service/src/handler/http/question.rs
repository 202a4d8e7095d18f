//! What a partner is sent: JSON, and with a recording the audio. docs/handlers.md shows both.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use marketplace_crds::endpoint::{Integration, IntegrationKey};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, RequestBuilder};
use serde::Serialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::admission::Lookup;
use crate::config::Endpoint;
use crate::domain::{Job, TwilioSids};

/// The part with the JSON, before the audio.
const REQUEST_PART: &str = "request";
/// The part with the audio.
const AUDIO_PART: &str = "audio";
/// How much of the audio is read at one time.
const PIECE_BYTES: usize = 64 * 1024;
const JSON: &str = "application/json";

/// What every question says.
#[derive(Debug, Serialize)]
struct Asked<'a> {
    endpoint: &'a str,
    integration: &'static str,
    sids: &'a TwilioSids,
    configuration: &'a BTreeMap<String, String>,
}

/// A question about a phone number, or about a message.
#[derive(Debug, Serialize)]
pub struct AboutNumber<'a> {
    #[serde(flatten)]
    asked: Asked<'a>,
    phone_number: &'a str,
    secondary_phone_number: Option<&'a str>,
    body: Option<&'a str>,
}

impl<'a> AboutNumber<'a> {
    /// The question of a request.
    #[must_use]
    pub fn new(endpoint: &'a Endpoint, lookup: &'a Lookup) -> Self {
        let Lookup {
            phone_number,
            sent_phone_number: _,
            secondary_phone_number,
            body,
            configuration,
            sids,
        } = lookup;
        Self {
            asked: Asked {
                endpoint: endpoint.name.as_str(),
                integration: endpoint.integration.as_str(),
                sids,
                configuration,
            },
            phone_number,
            secondary_phone_number: secondary_phone_number.as_deref(),
            body: body.as_deref(),
        }
    }
}

/// A question about a recording.
#[derive(Debug, Serialize)]
pub struct AboutRecording<'a> {
    #[serde(flatten)]
    asked: Asked<'a>,
    integration_key: Option<IntegrationKey>,
    attempt: u32,
    audio: Audio<'a>,
}

#[derive(Debug, Serialize)]
struct Audio<'a> {
    bytes: u64,
    sha256: &'a str,
    seconds: f64,
    channels: u16,
    sample_rate_hertz: u32,
    bits_per_sample: u16,
}

impl<'a> AboutRecording<'a> {
    /// The question of a job.
    #[must_use]
    pub fn new(job: &'a Job) -> Self {
        let (work, format) = (&job.work, &job.work.format);
        Self {
            asked: Asked {
                endpoint: work.endpoint.as_str(),
                integration: Integration::RecordingAnalysis.as_str(),
                sids: &work.sids,
                configuration: &work.details.configuration,
            },
            integration_key: work.details.integration_key,
            attempt: job.attempt,
            audio: Audio {
                bytes: work.audio.bytes,
                sha256: &work.audio.sha256_hex,
                seconds: format.seconds,
                channels: format.channels,
                sample_rate_hertz: format.sample_rate_hertz,
                bits_per_sample: format.bits_per_sample,
            },
        }
    }
}

fn json(question: &impl Serialize) -> String {
    serde_json::to_string(question).expect("strings and numbers always serialise")
}

pub(super) fn number(request: RequestBuilder, question: &AboutNumber<'_>) -> RequestBuilder {
    request.header(reqwest::header::CONTENT_TYPE, JSON).body(json(question))
}

/// Streamed from the disk, with the length of the whole told in advance: a server of few lines reads no chunks.
pub(super) async fn recording(
    request: RequestBuilder,
    question: &AboutRecording<'_>,
    audio: &Path,
) -> io::Result<RequestBuilder> {
    let mut file = File::open(audio).await?;
    let bytes = file.metadata().await?.len();
    let mut start = [0; 4];
    let read = file.read(&mut start).await?;
    file.rewind().await?;
    let body = Body::wrap_stream(ReaderStream::with_capacity(file, PIECE_BYTES));
    let kind = media_type(&start[..read]);
    let known = "a media type that is written here is one";
    let form = Form::new()
        .part(REQUEST_PART, Part::text(json(question)).mime_str(JSON).expect(known))
        .part(
            AUDIO_PART,
            Part::stream_with_length(body, bytes)
                .file_name("recording")
                .mime_str(kind)
                .expect(known),
        );
    Ok(request.multipart(form))
}

/// By what the file begins with: nothing that was said of it is believed.
fn media_type(start: &[u8]) -> &'static str {
    match start {
        [b'R', b'I', b'F', b'F', ..] => "audio/wav",
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => "audio/mpeg",
        _ => "application/octet-stream",
    }
}
