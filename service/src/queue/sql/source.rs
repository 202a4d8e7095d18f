//! Where audio is still to be fetched from, as it is stored. The only place beside the fetch itself where the URL is written
//! out: the types of the domain show no more than its host.

use serde::{Deserialize, Serialize};

use super::QueueError;
use crate::domain::{AudioUrl, RawFormat, RemoteAudio};

#[derive(Serialize, Deserialize)]
struct Source {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<RawFormat>,
}

/// As JSON, the same for the same.
pub(super) fn write(remote: &RemoteAudio) -> String {
    let RemoteAudio { url, bytes, raw } = remote;
    let source = Source {
        url: url.expose().as_str().to_owned(),
        bytes: *bytes,
        raw: *raw,
    };
    serde_json::to_string(&source).expect("strings and numbers always serialise")
}

/// Back from JSON.
pub(super) fn read(json: &str) -> Result<RemoteAudio, QueueError> {
    let column = "audio_source";
    let Source { url, bytes, raw } = serde_json::from_str(json).map_err(|_| QueueError::ReadRow { column })?;
    Ok(RemoteAudio {
        url: AudioUrl::parse(&url).map_err(|_| QueueError::ReadRow { column })?,
        bytes,
        raw,
    })
}
