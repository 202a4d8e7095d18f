//! Forgets what was kept long enough, removes what nobody names, and reads the queue's figures.

use std::sync::Arc;
use std::time::Duration;

use marketplace_daemon::cause::chain;
use tokio_util::sync::CancellationToken;

use super::WorkMetrics;
use crate::queue::{Queue, QueueError, Retention};
use crate::spool::{Area, Spool, SpoolError};

/// Audio is a stranger's voice: it goes soon after it is done with.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Retention and orphans need a look this many sweeps apart: ten minutes.
const SWEEPS_PER_TIDYING: u64 = 120;
/// A younger file may be an upload, of this process or of another, whose row is about to be committed (see `spool`).
const ORPHAN_AGE: Duration = Duration::from_hours(1);
/// How much one statement is asked for.
const BATCH: usize = 500;

/// Why a sweep ended early; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SweepError {
    #[error("failed to sweep the queue")]
    Queue(#[from] QueueError),
    #[error("failed to sweep the spool")]
    Spool(#[from] SpoolError),
}

pub(super) struct Sweeper {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) spool: Arc<Spool>,
    pub(super) metrics: WorkMetrics,
    pub(super) retention: Retention,
}

impl Sweeper {
    /// Sweeps until told to stop.
    pub(super) async fn run(&self, stop: &CancellationToken) {
        for sweep in 0_u64.. {
            let swept = async {
                self.sweep().await?;
                if sweep.is_multiple_of(SWEEPS_PER_TIDYING) {
                    self.tidy(ORPHAN_AGE).await
                } else {
                    Ok(())
                }
            };
            if let Err(error) = swept.await {
                tracing::error!(error = chain(&error), "a sweep ended early");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
        }
    }

    /// What is done often: figures, and audio that is done with.
    pub(super) async fn sweep(&self) -> Result<(), SweepError> {
        self.metrics.show(&self.queue.gauges().await?);
        for (id, key) in self.queue.removable_audio(BATCH).await? {
            // The file first: a row without a file is swept again, a file without a row would be an orphan.
            self.spool.remove(Area::Audio, &key).await?;
            self.queue.audio_removed(id).await?;
        }
        Ok(())
    }

    /// What is done seldom: retention, and files that no row names.
    pub(super) async fn tidy(&self, orphan_age: Duration) -> Result<(), SweepError> {
        self.queue.retire(&self.retention).await?;
        self.spool.empty_quarantine(orphan_age).await?;
        for area in [Area::Audio, Area::Results] {
            for keys in self.spool.keys_older_than(area, orphan_age).await?.chunks(BATCH) {
                let known = self.queue.known_files(keys).await?;
                for orphan in keys.iter().filter(|key| !known.contains(key)) {
                    self.spool.remove(area, orphan).await?;
                }
            }
        }
        Ok(())
    }
}
