//! Accepts a recording: measured, made safe, enqueued, and only then 202. What happens to it afterwards is the worker's.

mod intake;

use std::sync::Arc;

use crate::admission::{Analyze, Refusal, Upload};
use crate::analysis::AnalysisError;
use crate::deadline::{self, Sla};
use crate::domain::{EndpointName, NewJob, RequestKey, SpoolKey};
use crate::queue::{Enqueued, Queue, QueueError};
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
    pub file: Option<Quarantined>,
}

/// Why a recording is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptRecording {
    /// Its own fault: answered as a refusal.
    #[error("failed to accept the recording: {}", .0.error_code())]
    Refuse(Refusal),
    /// Fewer or more bytes came than were announced; another try may bring them all.
    #[error("failed to receive the recording whole: {received} bytes came of {announced}")]
    ReceiveWhole {
        /// How many there are.
        received: u64,
        /// How many there should be.
        announced: u64,
    },
    /// The file part went missing between the reader of the request and here.
    #[error("failed to find the file part of the recording")]
    FindFile,
    /// The audio could not be looked at.
    #[error("failed to measure the recording")]
    MeasureAudio(#[source] AnalysisError),
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
            Self::ReceiveWhole { .. } => "audio_size_mismatch",
            Self::FindFile => "not_configured",
            Self::MeasureAudio(_) => "audio_unavailable",
            Self::StoreAudio(_) | Self::FindAudio => "spool_failed",
            Self::FindRoom => "queue_full",
            Self::FindInstallRoom => "install_queue_full",
            Self::EnqueueJob(_) => "queue_failed",
        }
    }
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
        let (audio, format) = self.take_in(upload, file).await?;
        let deadlines = deadline::deadlines(format.seconds, &self.sla);
        let audio = audio.store().await.map_err(AcceptRecording::StoreAudio)?;
        let key = audio.key.clone();
        let job = NewJob {
            endpoint,
            request,
            sids,
            details,
            callback,
            audio,
            format,
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
        if enqueued.unneeded() != Some(&key) {
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

    /// Reads a recording as if it were accepted, and keeps nothing of it.
    pub async fn rehearse(&self, upload: Upload, file: Option<Quarantined>) -> Result<(), AcceptRecording> {
        self.take_in(upload, file).await.map(drop)
    }
}
