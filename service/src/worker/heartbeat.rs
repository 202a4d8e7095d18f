//! Keeps a lease while its work goes on, and says so when it is lost.

use std::sync::Arc;
use std::time::Duration;

use marketplace_daemon::cause::chain;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::queue::{Fence, Queue, QueueError};

/// Beats per lease: two may fail before it is lost.
const BEATS_PER_LEASE: u32 = 3;

/// Beats until dropped.
pub(super) struct Heartbeat {
    lost: CancellationToken,
    task: AbortHandle,
}

impl Heartbeat {
    /// Renews this lease of that length from now on.
    pub(super) fn start(queue: Arc<dyn Queue>, fence: Fence, lease: Duration) -> Self {
        let lost = CancellationToken::new();
        let task = tokio::spawn(beat(queue, fence, lease / BEATS_PER_LEASE, lost.clone())).abort_handle();
        Self { lost, task }
    }

    /// Resolves when another may have the lease.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn beat(queue: Arc<dyn Queue>, fence: Fence, every: Duration, lost: CancellationToken) {
    loop {
        tokio::time::sleep(every).await;
        match queue.renew(&fence).await {
            Ok(()) => {}
            Err(QueueError::LoseLease) => {
                lost.cancel();
                return;
            }
            // The database may be back for the next beat. Should the lease end before, the fence voids what we do.
            Err(error) => {
                tracing::warn!(error = chain(&error), job.id = %fence.id(), "a lease was not renewed");
            }
        }
    }
}
