//! Brings the audio of a job to where analyzers can read it, and tells what to do when it cannot be had. Called by `work`.

use std::io;

use marketplace_daemon::cause::chain;

use super::work::Conclusion;
use crate::domain::Job;
use crate::retry::{self, Jitter};
use crate::spool::{Area, Opened, Spool, SpoolError};

/// The wait that follows this many attempts: some seconds, for a store that restarts.
const WAITS_AS_AFTER_ATTEMPTS: u32 = 4;

/// Why there is nothing to analyze.
#[derive(Debug)]
pub(super) enum NoAudio {
    /// What keeps it does not answer. That says nothing of the job, which waits for as long as it has time.
    Yet,
    /// It is gone, or the disk is ill.
    AnyMore(io::Error),
}

pub(super) async fn open_audio(spool: &Spool, job: &Job) -> Result<Opened, NoAudio> {
    let opened = spool.read(Area::Audio, &job.work.audio.key).await;
    opened.map_err(|error| {
        tracing::warn!(error = chain(&error), job.id = %job.id, "the audio of a job is not readable");
        why(error)
    })
}

fn why(error: SpoolError) -> NoAudio {
    match error {
        error if error.is_passing() => NoAudio::Yet,
        SpoolError::UseDisk { source, .. } => NoAudio::AnyMore(source),
        SpoolError::FindFile => NoAudio::AnyMore(io::ErrorKind::NotFound.into()),
        error => NoAudio::AnyMore(io::Error::other(error)),
    }
}

/// Lets the job wait.
pub(super) fn postpone(jitter: &Jitter) -> Conclusion {
    Conclusion::Postpone {
        reason: "audio_out_of_reach",
        after_seconds: retry::wait_seconds(WAITS_AS_AFTER_ATTEMPTS, jitter.next()),
    }
}
