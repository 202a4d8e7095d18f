//! Reads a multipart body: the text parts are the signed parameters, the file part with the recording streams into the
//! quarantine. Parts come in any order; the examples' own client sends the text parts before the file and others after it.
//!
//! Bounded throughout: the number of parts, the size of each text part, of the parser's own buffer, of the file (the
//! spool's limit), and of everything together.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use futures::stream;
use multer::{Field, Multipart};

use super::body::{ReceiveBody, next_piece};
use crate::admission::AudioPart;
use crate::signature::Parameter;
use crate::spool::{Quarantined, Spool, SpoolError};

const PARTS_LIMIT: usize = 64;
const TEXT_PART_LIMIT_BYTES: usize = 64 * 1024;

/// What may come without the parser making anything of it: the head of a part, or bytes that might be a boundary.
const UNPARSED_LIMIT_BYTES: usize = 192 * 1024;

/// A file that is too large is read to its end, because the signed parts may follow it; but not for ever.
const BODY_LIMIT_BYTES: usize = 2 * 1024 * 1024 * 1024;

/// What a multipart body has.
pub struct Parts {
    /// The text parts.
    pub parameters: Vec<Parameter>,
    /// The file part with the recording.
    pub audio: AudioPart,
    /// Its bytes, if it came whole.
    pub quarantined: Option<Quarantined>,
}

/// Reads to the end of the body. `audio` is the name of the file part that is kept, and where; other files are passed over.
pub async fn receive(body: &mut Body, boundary: String, audio: Option<(&str, &Spool)>) -> Result<Parts, ReceiveBody> {
    let gauge = Gauge::default();
    let mut parts = Parts {
        parameters: Vec::new(),
        audio: AudioPart::Missing,
        quarantined: None,
    };
    {
        let mut multipart = Multipart::new(pieces(body, &gauge), boundary);
        let mut count = 0;
        while let Some(field) = multipart.next_field().await.map_err(explain)? {
            gauge.parsed();
            count += 1;
            if count > PARTS_LIMIT {
                return Err(ReceiveBody::ReadParts("parts_too_many"));
            }
            receive_part(&mut parts, field, audio, &gauge).await?;
        }
    }
    // What follows the last boundary means nothing, but a connection with unread bytes cannot be used again.
    while let Some(piece) = next_piece(body).await? {
        gauge.add(piece.len())?;
    }
    Ok(parts)
}

async fn receive_part(
    parts: &mut Parts,
    mut field: Field<'_>,
    audio: Option<(&str, &Spool)>,
    gauge: &Gauge,
) -> Result<(), ReceiveBody> {
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
        _ => parts.parameters.push(receive_text(&mut field, gauge).await?),
    }
    Ok(())
}

async fn receive_file(
    field: &mut Field<'_>,
    spool: &Spool,
    gauge: &Gauge,
) -> Result<(AudioPart, Option<Quarantined>), ReceiveBody> {
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
    Ok((AudioPart::Received, Some(file)))
}

async fn receive_text(field: &mut Field<'_>, gauge: &Gauge) -> Result<Parameter, ReceiveBody> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut text = Vec::new();
    while let Some(piece) = next_chunk(field, gauge).await? {
        if text.len() + piece.len() > TEXT_PART_LIMIT_BYTES {
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
    body: &'a mut Body,
    gauge: &'a Gauge,
) -> impl stream::Stream<Item = Result<Bytes, ReceiveBody>> + Send + 'a {
    stream::try_unfold(body, move |body| async move {
        tokio::task::yield_now().await;
        let Some(piece) = next_piece(body).await? else {
            return Ok(None);
        };
        gauge.add(piece.len())?;
        Ok(Some((piece, body)))
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
