//! Reads the body of a request whose signature header is well-formed, as far as its signature needs it, within bounds:
//! everything here comes from a stranger. Called by `server` before anything is verified.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, Method as HttpMethod, request};
use http_body_util::BodyExt as _;
use marketplace_crds::endpoint::Encoding;
use tokio::time::timeout;

use super::inflow::Inflow;
use super::multipart;
use super::verdict::Verdict;
use crate::admission::{AudioPart, Method};
use crate::request::pairs;
use crate::signature::{Covered, Parameter};
use crate::spool::{Quarantined, Spool, SpoolError};

/// How long and how much is still read of a request that is answered already.
const LINGER_LIMIT: Duration = Duration::from_secs(5);
const LINGER_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// What was read.
pub struct Received {
    /// The method, as far as it matters.
    pub method: Method,
    /// The encoding, where it is one that endpoints know.
    pub encoding: Option<Encoding>,
    /// What the signature covers beside the URL.
    pub signed: Signed,
    /// The file part with the recording.
    pub audio: AudioPart,
    /// Its bytes, if it came whole. In a box: it is large, and most requests have none.
    pub quarantined: Option<Box<Quarantined>>,
}

/// What the signature covers beside the URL.
pub enum Signed {
    /// Nothing; the parameters are those of the query.
    Url,
    /// A form, or the text parts of a multipart body.
    Parameters(Vec<Parameter>),
    /// A body by its hash.
    Body(Bytes),
}

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveBody {
    /// Compressed: the signature covers what we would have to unpack first.
    #[error("failed to read the body: it has a content encoding")]
    RefuseCompressed,
    /// More than a form or JSON may have, or more than the file and all parts together.
    #[error("failed to read the body: it is too large")]
    FitLimit,
    /// No multipart body, or one with more or larger parts than we take.
    #[error("failed to read the parts of the body: {0}")]
    ReadParts(&'static str),
    /// More parameters than any add-on has.
    #[error("failed to read the parameters: there are too many")]
    CountParameters,
    /// The sender was silent for too long.
    #[error("failed to read the body: nothing more came")]
    WaitForMore,
    /// The sender was too slow on the whole.
    #[error("failed to read the body: it came too slowly")]
    KeepPace,
    /// There were more requests than places, and this one was the slowest.
    #[error("failed to read the body: its place was needed for a faster request")]
    KeepPlace,
    /// The connection broke.
    #[error("failed to read the body: the connection broke")]
    KeepConnection,
    /// The quarantine did not take the file.
    #[error("failed to keep the file part")]
    Quarantine(#[source] SpoolError),
}

impl ReceiveBody {
    /// What cannot be read cannot be verified. What failed on the way, or with us, may come again.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::RefuseCompressed => Verdict::Unverified("body_compressed"),
            Self::FitLimit => Verdict::Unverified("body_too_large"),
            Self::ReadParts(reason) => Verdict::Unverified(reason),
            Self::CountParameters => Verdict::Unverified("parameters_too_many"),
            Self::WaitForMore => Verdict::Unavailable("body_stalled"),
            Self::KeepPace => Verdict::Unavailable("body_too_slow"),
            Self::KeepPlace => Verdict::Unavailable("displaced"),
            Self::KeepConnection => Verdict::Unavailable("body_broken"),
            Self::Quarantine(error) => Verdict::Unavailable(error.category()),
        }
    }
}

impl Received {
    /// What is held against the signature.
    #[must_use]
    pub fn covered(&self) -> Covered<'_> {
        match &self.signed {
            Signed::Url => Covered::UrlAlone,
            Signed::Parameters(parameters) => Covered::Parameters(parameters),
            Signed::Body(body) => Covered::BodyHash(body),
        }
    }
}

/// Reads by what the request says it is, not by what the endpoint wants: only a request that is verified is told what it
/// should have been. `audio_field` and `spool` are there when the endpoint takes recordings.
pub async fn receive(
    head: &request::Parts,
    inflow: &mut Inflow<'_>,
    audio_field: Option<&str>,
    spool: Option<&Spool>,
) -> Result<Received, ReceiveBody> {
    let method = method(&head.method);
    if method != Method::Post {
        inflow.count_parameters(head.uri.query().unwrap_or_default().as_bytes())?;
        let encoding = (method == Method::Get).then_some(Encoding::Query);
        return Ok(without_file(method, encoding, Signed::Url));
    }
    // Apart: the state of all ways to read a body is large, and most requests have none.
    Box::pin(receive_posted(head, inflow, audio_field, spool)).await
}

async fn receive_posted(
    head: &request::Parts,
    inflow: &mut Inflow<'_>,
    audio_field: Option<&str>,
    spool: Option<&Spool>,
) -> Result<Received, ReceiveBody> {
    let method = Method::Post;
    if head.headers.contains_key(CONTENT_ENCODING) {
        return Err(ReceiveBody::RefuseCompressed);
    }
    let encoding = encoding(&head.headers);
    match encoding {
        Some(Encoding::Multipart) => {
            let boundary = content_type(&head.headers).and_then(multipart::boundary);
            let boundary = boundary.ok_or(ReceiveBody::ReadParts("boundary_missing"))?;
            let parts = multipart::receive(inflow, boundary, audio_field.zip(spool)).await?;
            let multipart::Parts {
                parameters,
                audio,
                quarantined,
            } = parts;
            Ok(Received {
                method,
                encoding,
                signed: Signed::Parameters(parameters),
                audio,
                quarantined,
            })
        }
        Some(Encoding::Form) => {
            let form = inflow.whole().await?;
            inflow.count_parameters(&form)?;
            Ok(without_file(method, encoding, Signed::Parameters(pairs(&form))))
        }
        Some(Encoding::Json | Encoding::Query) | None => {
            let body = inflow.whole().await?;
            Ok(without_file(method, encoding, Signed::Body(body)))
        }
    }
}

/// Reads on, for a while and into nothing, after a request was answered early: a client that is still sending would lose
/// the answer if the connection were closed under it.
pub fn linger(mut body: Body) {
    let rest = async move {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > LINGER_LIMIT_BYTES {
                break;
            }
        }
    };
    tokio::spawn(timeout(LINGER_LIMIT, rest));
}

fn without_file(method: Method, encoding: Option<Encoding>, signed: Signed) -> Received {
    Received {
        method,
        encoding,
        signed,
        audio: AudioPart::Missing,
        quarantined: None,
    }
}

fn method(method: &HttpMethod) -> Method {
    match *method {
        HttpMethod::GET => Method::Get,
        HttpMethod::POST => Method::Post,
        _ => Method::Other,
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let essence = content_type(headers)?
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => Some(Encoding::Form),
        "application/json" => Some(Encoding::Json),
        "multipart/form-data" => Some(Encoding::Multipart),
        _ => None,
    }
}
