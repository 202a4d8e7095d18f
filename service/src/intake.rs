//! From bytes in quarantine to audio: whole, with a header, measured. The same for what came with a request, called by
//! `handler`, and for what was fetched, called by `worker`.

use std::path::PathBuf;

use tokio::io::AsyncReadExt as _;

use crate::analysis::{self, AnalysisError, raw};
use crate::domain::{AudioFormat, RawFormat};
use crate::spool::{Quarantined, Spool, SpoolError};

/// How much is rewritten at once: whole samples of every size that there is.
const BLOCK_BYTES: usize = 48 * 1024;

/// Why bytes are not taken for audio.
#[derive(Debug, thiserror::Error)]
pub enum TakeIn {
    /// Fewer or more bytes came than were announced; another try may bring them all.
    #[error("failed to receive the recording whole: {received} bytes came of {announced}")]
    ReceiveWhole {
        /// How many there are.
        received: u64,
        /// How many there should be.
        announced: u64,
    },
    /// They are no audio that can be read.
    #[error("failed to read the recording")]
    ReadAudio,
    /// They are more than a recording may have.
    #[error("failed to keep the recording: it is larger than a recording may be")]
    KeepTooLarge,
    /// The audio could not be looked at.
    #[error("failed to measure the recording")]
    MeasureAudio(#[source] AnalysisError),
    /// The disk.
    #[error("failed to keep the recording")]
    StoreAudio(#[source] SpoolError),
}

/// What is said of the bytes beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// How many there are.
    pub bytes: Option<u64>,
    /// What the samples are, if the format has no header.
    pub raw: Option<RawFormat>,
}

/// Judges what has come, puts a header before samples that have none, and says what the audio is.
pub async fn take_in(
    spool: &Spool,
    mut audio: Quarantined,
    claims: Claims,
) -> Result<(Quarantined, AudioFormat), TakeIn> {
    if let Some(announced) = claims.bytes
        && announced != audio.bytes()
    {
        return Err(TakeIn::ReceiveWhole {
            received: audio.bytes(),
            announced,
        });
    }
    if let Some(format) = claims.raw
        && !has_header(&mut audio).await?
    {
        audio = add_header(spool, audio, format).await?;
    }
    let path = audio.path().await.map_err(TakeIn::StoreAudio)?.to_owned();
    let format = measure(path).await?;
    Ok((audio, format))
}

/// Brings bytes that are here into quarantine.
pub async fn keep(spool: &Spool, bytes: &[u8]) -> Result<Quarantined, TakeIn> {
    let mut audio = spool.quarantine().await.map_err(TakeIn::StoreAudio)?;
    write(&mut audio, bytes).await?;
    Ok(audio)
}

/// Adds a piece to what is in quarantine.
pub async fn write(audio: &mut Quarantined, bytes: &[u8]) -> Result<(), TakeIn> {
    audio.write(bytes).await.map_err(|error| match error {
        SpoolError::ReceiveTooLarge { .. } => TakeIn::KeepTooLarge,
        error => TakeIn::StoreAudio(error),
    })
}

/// A copy in quarantine with the header in front. The first one is gone when this returns.
async fn add_header(spool: &Spool, mut samples: Quarantined, format: RawFormat) -> Result<Quarantined, TakeIn> {
    let header = raw::header(format, samples.bytes()).ok_or(TakeIn::ReadAudio)?;
    let mut audio = keep(spool, &header).await?;
    let path = samples.path().await.map_err(TakeIn::StoreAudio)?;
    let read = |error| TakeIn::MeasureAudio(AnalysisError::ReadFile(error));
    let mut file = tokio::fs::File::open(path).await.map_err(read)?;
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let length = fill(&mut file, &mut block).await.map_err(read)?;
        if length == 0 {
            return Ok(audio);
        }
        raw::convert(format.samples, &mut block[..length]);
        write(&mut audio, &block[..length]).await?;
    }
}

/// As much of the block as the file still has: a sample must not be cut in two.
async fn fill(file: &mut tokio::fs::File, block: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < block.len() {
        match file.read(&mut block[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

async fn has_header(audio: &mut Quarantined) -> Result<bool, TakeIn> {
    let path = audio.path().await.map_err(TakeIn::StoreAudio)?.to_owned();
    off_thread(move || raw::has_header(&path).map_err(AnalysisError::ReadFile)).await
}

async fn measure(path: PathBuf) -> Result<AudioFormat, TakeIn> {
    off_thread(move || analysis::probe(&path)).await
}

/// Reads a file off the threads that serve requests.
async fn off_thread<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, AnalysisError> + Send + 'static,
) -> Result<T, TakeIn> {
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(AnalysisError::ReadAudio { .. })) => Err(TakeIn::ReadAudio),
        Ok(Err(error)) => Err(TakeIn::MeasureAudio(error)),
        Err(error) => Err(TakeIn::MeasureAudio(AnalysisError::ReadFile(error.into()))),
    }
}
