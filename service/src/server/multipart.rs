//! Reads a multipart body: the text parts are the signed parameters, the file part with the recording streams into the
//! quarantine. Parts come in any order; the examples' own client sends the text parts before the file and others after it.
//!
//! Bounded throughout: the number of parts, the size of each text part, of the parser's own buffer, of the file (the
//! spool's limit), and of everything together.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use futures::stream;
use multer::{Field, Multipart};

use super::body::ReceiveBody;
use super::inflow::Inflow;
use crate::admission::AudioPart;
use crate::signature::Parameter;
use crate::spool::{Quarantined, Spool, SpoolError};

/// What may come without the parser making anything of it: the head of a part, or bytes that might be a boundary.
const UNPARSED_LIMIT_BYTES: usize = 192 * 1024;

/// A file that is too large is read to its end, because the signed parts may follow it; but not for ever.
const BODY_LIMIT_BYTES: usize = 2 * 1024 * 1024 * 1024;

/// RFC 2046 allows no longer boundary. The parser compares every byte of a file with it.
const BOUNDARY_LIMIT_BYTES: usize = 70;

/// What a multipart body has.
pub struct Parts {
    /// The text parts.
    pub parameters: Vec<Parameter>,
    /// The file part with the recording.
    pub audio: AudioPart,
    /// Its bytes, if it came whole.
    pub quarantined: Option<Box<Quarantined>>,
}

/// The boundary that a content type names, if it is one.
#[must_use]
pub fn boundary(content_type: &str) -> Option<String> {
    let boundary = multer::parse_boundary(content_type).ok()?;
    let fits = (1..=BOUNDARY_LIMIT_BYTES).contains(&boundary.len());
    (fits && boundary.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')).then_some(boundary)
}

/// Reads to the end of the body. `audio` is the name of the file part that is kept, and where; other files are passed over.
pub async fn receive(
    inflow: &mut Inflow<'_>,
    boundary: String,
    audio: Option<(&str, &Spool)>,
) -> Result<Parts, ReceiveBody> {
    let (gauge, limits) = (Gauge::default(), *inflow.limits());
    let mut parts = Parts {
        parameters: Vec::new(),
        audio: AudioPart::Missing,
        quarantined: None,
    };
    {
        let mut multipart = Multipart::new(pieces(inflow, &gauge), boundary);
        let mut count = 0;
        while let Some(field) = multipart.next_field().await.map_err(explain)? {
            gauge.parsed();
            count += 1;
            if count > limits.parts {
                return Err(ReceiveBody::ReadParts("parts_too_many"));
            }
            let reader = PartReader {
                gauge: &gauge,
                text_bytes: limits.text_part_bytes,
            };
            receive_part(&mut parts, field, audio, &reader).await?;
            if parts.parameters.len() > limits.parameters {
                return Err(ReceiveBody::CountParameters);
            }
        }
    }
    // What follows the last boundary means nothing, but a connection with unread bytes cannot be used again.
    while let Some(piece) = inflow.next_piece().await? {
        gauge.add(piece.len())?;
    }
    Ok(parts)
}

/// What one part is held to.
struct PartReader<'a> {
    gauge: &'a Gauge,
    text_bytes: usize,
}

async fn receive_part(
    parts: &mut Parts,
    mut field: Field<'_>,
    audio: Option<(&str, &Spool)>,
    reader: &PartReader<'_>,
) -> Result<(), ReceiveBody> {
    let gauge = reader.gauge;
    match audio {
        Some((name, spool)) if field.name() == Some(name) => {
            let (audio, quarantined) = match parts.audio {
                AudioPart::Missing => receive_file(&mut field, spool, gauge).await?,
                AudioPart::Received | AudioPart::TooLarge | AudioPart::Repeated => {
                    discard(&mut field, gauge).await?;
                    (AudioPart::Repeated, None)
                }
            };
            parts.audio = audio;
            parts.quarantined = quarantined;
        }
        _ if field.file_name().is_some() => discard(&mut field, gauge).await?,
        _ => parts.parameters.push(receive_text(&mut field, reader).await?),
    }
    Ok(())
}

async fn receive_file(
    field: &mut Field<'_>,
    spool: &Spool,
    gauge: &Gauge,
) -> Result<(AudioPart, Option<Box<Quarantined>>), ReceiveBody> {
    let mut file = spool.quarantine().await.map_err(ReceiveBody::Quarantine)?;
    while let Some(piece) = next_chunk(field, gauge).await? {
        match file.write(&piece).await {
            Ok(()) => {}
            Err(SpoolError::ReceiveTooLarge { .. }) => {
                drop(file);
                discard(field, gauge).await?;
                return Ok((AudioPart::TooLarge, None));
            }
            Err(error) => return Err(ReceiveBody::Quarantine(error)),
        }
    }
    Ok((AudioPart::Received, Some(Box::new(file))))
}

async fn receive_text(field: &mut Field<'_>, reader: &PartReader<'_>) -> Result<Parameter, ReceiveBody> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut text = Vec::new();
    while let Some(piece) = next_chunk(field, reader.gauge).await? {
        if text.len() + piece.len() > reader.text_bytes {
            return Err(ReceiveBody::ReadParts("text_part_too_large"));
        }
        text.extend_from_slice(&piece);
    }
    Ok((name, String::from_utf8_lossy(&text).into_owned()))
}

async fn discard(field: &mut Field<'_>, gauge: &Gauge) -> Result<(), ReceiveBody> {
    while next_chunk(field, gauge).await?.is_some() {}
    Ok(())
}

async fn next_chunk(field: &mut Field<'_>, gauge: &Gauge) -> Result<Option<Bytes>, ReceiveBody> {
    let chunk = field.chunk().await.map_err(explain)?;
    gauge.parsed();
    Ok(chunk)
}

/// How much has come, and how much of it the parser still holds.
#[derive(Default)]
struct Gauge {
    unparsed_bytes: AtomicUsize,
    body_bytes: AtomicUsize,
}

impl Gauge {
    fn add(&self, bytes: usize) -> Result<(), ReceiveBody> {
        let unparsed = self.unparsed_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let whole = self.body_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if unparsed > UNPARSED_LIMIT_BYTES {
            return Err(ReceiveBody::ReadParts("part_head_too_large"));
        }
        if whole > BODY_LIMIT_BYTES {
            Err(ReceiveBody::FitLimit)
        } else {
            Ok(())
        }
    }

    fn parsed(&self) {
        self.unparsed_bytes.store(0, Ordering::Relaxed);
    }
}

/// The body as the parser wants it, one piece at a time: the parser takes all that is ready before it makes anything of it,
/// so that without the pause a fast sender would fill the memory.
fn pieces<'a>(
    inflow: &'a mut Inflow<'_>,
    gauge: &'a Gauge,
) -> impl stream::Stream<Item = Result<Bytes, ReceiveBody>> + Send + 'a {
    stream::try_unfold(inflow, move |inflow| async move {
        tokio::task::yield_now().await;
        let Some(piece) = inflow.next_piece().await? else {
            return Ok(None);
        };
        gauge.add(piece.len())?;
        Ok(Some((piece, inflow)))
    })
}

/// Our own errors come back wrapped in the parser's.
fn explain(error: multer::Error) -> ReceiveBody {
    let multer::Error::StreamReadFailed(cause) = error else {
        return ReceiveBody::ReadParts("parts_malformed");
    };
    cause.downcast().map_or(ReceiveBody::KeepConnection, |cause| *cause)
}

#[cfg(test)]
mod tests;
