//! Accepts a recording: measured, made safe, enqueued, and only then 202. What happens to it afterwards is the worker's.

use std::sync::Arc;

use crate::admission::{Analyze, AudioSource, Refusal, Upload};
use crate::deadline::{self, Sla};
use crate::domain::{
    AudioFormat, AudioUrl, Deadlines, EndpointName, NewJob, RemoteAudio, RequestKey, SpoolKey, StoredAudio,
};
use crate::intake::{self, Claims, TakeIn};
use crate::queue::{Enqueued, Queue, QueueError};
use crate::request::AudioClaims;
use crate::spool::{Area, Quarantined, Spool, SpoolError};

/// Where accepted recordings go.
#[derive(Clone)]
pub struct Recordings {
    /// The audio.
    pub spool: Arc<Spool>,
    /// The jobs.
    pub queue: Arc<dyn Queue>,
    /// When they are due.
    pub sla: Sla,
    /// For how long fetching them is tried.
    pub fetch_seconds: f64,
}

/// An admitted recording, not safe yet.
pub struct Recording {
    /// Where it came in.
    pub endpoint: EndpointName,
    /// What makes a repetition the same request.
    pub request: RequestKey,
    /// What admission says of it.
    pub analyze: Analyze,
    /// The file part, if there was one.
    pub file: Option<Box<Quarantined>>,
}

/// Why a recording is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptRecording {
    /// Its own fault: answered as a refusal.
    #[error("failed to accept the recording: {}", .0.error_code())]
    Refuse(Refusal),
    /// The file part went missing between the reader of the request and here.
    #[error("failed to find the file part of the recording")]
    FindFile,
    /// Its bytes; those that are its own fault are refusals.
    #[error(transparent)]
    TakeIn(TakeIn),
    /// The disk.
    #[error("failed to keep the recording")]
    StoreAudio(#[source] SpoolError),
    /// A row names the audio, and it is gone.
    #[error("failed to keep the recording: its audio is gone")]
    FindAudio,
    /// As many jobs as may be are unfinished.
    #[error("failed to enqueue the recording: the queue is full")]
    FindRoom,
    /// As many jobs of its installation as may be are unfinished.
    #[error("failed to enqueue the recording: the queue has no more room for its installation")]
    FindInstallRoom,
    /// The database.
    #[error("failed to enqueue the recording")]
    EnqueueJob(#[source] QueueError),
}

impl AcceptRecording {
    /// The word for metrics and logs.
    #[must_use]
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Refuse(refusal) => refusal.error_code(),
            Self::FindFile => "not_configured",
            Self::TakeIn(TakeIn::ReceiveWhole { .. }) => "audio_size_mismatch",
            Self::TakeIn(TakeIn::MeasureAudio(_)) => "audio_unavailable",
            Self::TakeIn(TakeIn::ReadAudio | TakeIn::KeepTooLarge | TakeIn::StoreAudio(_))
            | Self::StoreAudio(_)
            | Self::FindAudio => "spool_failed",
            Self::FindRoom => "queue_full",
            Self::FindInstallRoom => "install_queue_full",
            Self::EnqueueJob(_) => "queue_failed",
        }
    }
}

impl From<TakeIn> for AcceptRecording {
    fn from(error: TakeIn) -> Self {
        match error {
            TakeIn::ReadAudio => Self::Refuse(Refusal::AudioUnreadable),
            TakeIn::KeepTooLarge => Self::Refuse(Refusal::AudioTooLarge),
            error @ (TakeIn::ReceiveWhole { .. } | TakeIn::MeasureAudio(_) | TakeIn::StoreAudio(_)) => {
                Self::TakeIn(error)
            }
        }
    }
}

impl From<AudioClaims> for Claims {
    fn from(claims: AudioClaims) -> Self {
        let AudioClaims { bytes, raw } = claims;
        Self { bytes, raw }
    }
}

/// Where the bytes of an upload are.
enum Received {
    Here(Box<Quarantined>),
    Elsewhere(AudioUrl),
}

/// What is stored of the audio of a job.
struct Kept {
    audio: StoredAudio,
    format: AudioFormat,
    remote: Option<RemoteAudio>,
    deadlines: Deadlines,
}

impl Recordings {
    /// Returns when nothing can take the recording away any more.
    pub async fn accept(&self, recording: Recording) -> Result<(), AcceptRecording> {
        let Recording {
            endpoint,
            request,
            analyze,
            file,
        } = recording;
        let Analyze {
            upload,
            callback,
            details,
            sids,
            fields_digest,
        } = analyze;
        let Kept {
            audio,
            format,
            remote,
            deadlines,
        } = self.keep(upload, file).await?;
        let (key, is_here) = (audio.key.clone(), remote.is_none());
        let job = NewJob {
            endpoint,
            request,
            sids: Arc::unwrap_or_clone(sids),
            details,
            callback,
            audio,
            format,
            remote,
            fields_digest,
            deadlines,
        };
        // If this fails it may have happened all the same; the audio is left to the sweeper, which asks for its row.
        let enqueued = self.queue.enqueue(job).await.map_err(AcceptRecording::EnqueueJob)?;
        if let Some(unneeded) = enqueued.unneeded()
            && let Err(error) = self.spool.remove(Area::Audio, unneeded).await
        {
            tracing::warn!(
                reason = error.category(),
                "audio that is not needed stays until the next sweep"
            );
        }
        if is_here && enqueued.unneeded() != Some(&key) {
            self.find(&key).await?;
        }
        match enqueued {
            Enqueued::Accepted | Enqueued::Duplicate { .. } | Enqueued::Redeliver { .. } => Ok(()),
            Enqueued::Reused { .. } => Err(AcceptRecording::Refuse(Refusal::RequestSidReused)),
            Enqueued::Full { .. } => Err(AcceptRecording::FindRoom),
            Enqueued::InstallFull { .. } => Err(AcceptRecording::FindInstallRoom),
        }
    }

    /// A process that stood still for so long that its audio was swept as nobody's must not say that it is safe. Where no
    /// row names the audio any more it is not missed: a repetition has brought its own, or the work is done.
    async fn find(&self, key: &SpoolKey) -> Result<(), AcceptRecording> {
        if self.spool.has(key).await.map_err(AcceptRecording::StoreAudio)? {
            return Ok(());
        }
        let named = self.queue.known_files(std::slice::from_ref(key)).await;
        if named.map_err(AcceptRecording::EnqueueJob)?.contains(key) {
            return Err(AcceptRecording::FindAudio);
        }
        Ok(())
    }

    /// Reads a recording as if it were accepted, and keeps nothing of it. One that is elsewhere is not fetched: the answer
    /// would have to wait for it.
    pub async fn rehearse(&self, upload: Upload, file: Option<Box<Quarantined>>) -> Result<(), AcceptRecording> {
        match self.receive(upload.source, file).await? {
            Received::Here(audio) => drop(intake::take_in(&self.spool, *audio, upload.claims.into()).await?),
            Received::Elsewhere(_) => {}
        }
        Ok(())
    }

    /// Makes the audio safe, or where it is.
    async fn keep(&self, upload: Upload, file: Option<Box<Quarantined>>) -> Result<Kept, AcceptRecording> {
        let Upload { source, claims } = upload;
        match self.receive(source, file).await? {
            Received::Here(audio) => {
                let (audio, format) = intake::take_in(&self.spool, *audio, claims.into()).await?;
                Ok(Kept {
                    deadlines: deadline::deadlines(format.seconds, &self.sla),
                    audio: audio.store().await.map_err(AcceptRecording::StoreAudio)?,
                    format,
                    remote: None,
                })
            }
            Received::Elsewhere(url) => Ok(Kept {
                deadlines: deadline::until_fetched(self.fetch_seconds, &self.sla),
                audio: StoredAudio::awaited(),
                format: AudioFormat::UNKNOWN,
                remote: Some(RemoteAudio {
                    url,
                    bytes: claims.bytes,
                    raw: claims.raw,
                }),
            }),
        }
    }

    /// Brings the bytes into quarantine if they are with the request and not there yet.
    async fn receive(&self, source: AudioSource, file: Option<Box<Quarantined>>) -> Result<Received, AcceptRecording> {
        Ok(match source {
            AudioSource::FilePart => Received::Here(file.ok_or(AcceptRecording::FindFile)?),
            AudioSource::Inline(bytes) => Received::Here(Box::new(intake::keep(&self.spool, &bytes).await?)),
            AudioSource::Url(url) => Received::Elsewhere(url),
        })
    }
}
