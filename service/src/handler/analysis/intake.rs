//! From what came to a file in quarantine that is audio: whole, with a header, measured.

use std::path::PathBuf;

use tokio::io::AsyncReadExt as _;

use super::{AcceptRecording, Recordings};
use crate::admission::{AudioSource, Refusal, Upload};
use crate::analysis::{self, AnalysisError, raw};
use crate::domain::{AudioFormat, RawFormat};
use crate::spool::{Quarantined, SpoolError};

/// How much is rewritten at once: whole samples of every size that there is.
const BLOCK_BYTES: usize = 48 * 1024;

impl Recordings {
    /// Brings the bytes into quarantine if they are not there, and says what they are.
    pub(super) async fn take_in(
        &self,
        upload: Upload,
        file: Option<Quarantined>,
    ) -> Result<(Quarantined, AudioFormat), AcceptRecording> {
        let Upload { source, claims } = upload;
        let mut audio = match source {
            AudioSource::FilePart => file.ok_or(AcceptRecording::FindFile)?,
            AudioSource::Inline(bytes) => self.keep(&bytes).await?,
        };
        if let Some(announced) = claims.bytes
            && announced != audio.bytes()
        {
            return Err(AcceptRecording::ReceiveWhole {
                received: audio.bytes(),
                announced,
            });
        }
        if let Some(format) = claims.raw
            && !has_header(&mut audio).await?
        {
            audio = self.add_header(audio, format).await?;
        }
        let path = audio.path().await.map_err(AcceptRecording::StoreAudio)?.to_owned();
        let format = measure(path).await?;
        Ok((audio, format))
    }

    async fn keep(&self, bytes: &[u8]) -> Result<Quarantined, AcceptRecording> {
        let mut audio = self.spool.quarantine().await.map_err(AcceptRecording::StoreAudio)?;
        write(&mut audio, bytes).await?;
        Ok(audio)
    }

    /// A copy in quarantine with the header in front. The first one is gone when this returns.
    async fn add_header(&self, mut samples: Quarantined, format: RawFormat) -> Result<Quarantined, AcceptRecording> {
        let header = raw::header(format, samples.bytes()).ok_or(AcceptRecording::Refuse(Refusal::AudioUnreadable))?;
        let mut audio = self.keep(&header).await?;
        let path = samples.path().await.map_err(AcceptRecording::StoreAudio)?;
        let read = |error| AcceptRecording::MeasureAudio(AnalysisError::ReadFile(error));
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

async fn write(audio: &mut Quarantined, bytes: &[u8]) -> Result<(), AcceptRecording> {
    audio.write(bytes).await.map_err(|error| match error {
        SpoolError::ReceiveTooLarge { .. } => AcceptRecording::Refuse(Refusal::AudioTooLarge),
        error => AcceptRecording::StoreAudio(error),
    })
}

async fn has_header(audio: &mut Quarantined) -> Result<bool, AcceptRecording> {
    let path = audio.path().await.map_err(AcceptRecording::StoreAudio)?.to_owned();
    off_thread(move || raw::has_header(&path).map_err(AnalysisError::ReadFile)).await
}

async fn measure(path: PathBuf) -> Result<AudioFormat, AcceptRecording> {
    off_thread(move || analysis::probe(&path)).await
}

/// Reads a file off the threads that serve requests.
async fn off_thread<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, AnalysisError> + Send + 'static,
) -> Result<T, AcceptRecording> {
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(AnalysisError::ReadAudio { .. })) => Err(AcceptRecording::Refuse(Refusal::AudioUnreadable)),
        Ok(Err(error)) => Err(AcceptRecording::MeasureAudio(error)),
        Err(error) => Err(AcceptRecording::MeasureAudio(AnalysisError::ReadFile(error.into()))),
    }
}
