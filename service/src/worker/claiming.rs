//! The loop that both stages share: as many tasks as there are permits, each with a lease of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marketplace_daemon::cause::chain;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::queue::QueueError;

/// How long the queue is left alone when it has nothing and nobody says otherwise: for waits that end, and for leases of
/// others that end.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is leased, and what is done with it.
#[async_trait]
pub(super) trait Stage: Send + Sync + 'static {
    type Lease: Send + 'static;

    /// For the log.
    const NAME: &'static str;

    async fn claim(&self, limit: usize) -> Result<Vec<Self::Lease>, QueueError>;

    /// Does the work and ends the lease. Whatever goes wrong is handled here.
    async fn handle(&self, lease: Self::Lease);

    /// Says that there may be something to claim.
    fn arrived(&self) -> &Notify;
}

/// How to end.
pub(super) struct Drain {
    pub(super) stop: CancellationToken,
    pub(super) given_up: CancellationToken,
    pub(super) grace: Duration,
}

/// Claims and works until told to stop, then drains.
pub(super) async fn run<S: Stage>(stage: Arc<S>, permits: usize, drain: &Drain) {
    let mut tasks = JoinSet::new();
    while !drain.stop.is_cancelled() {
        while let Some(ended) = tasks.try_join_next() {
            report::<S>(ended);
        }
        let free = permits.saturating_sub(tasks.len());
        let leases = if free == 0 {
            Vec::new()
        } else {
            claim(stage.as_ref(), free).await
        };
        let found = !leases.is_empty();
        for lease in leases {
            let stage = Arc::clone(&stage);
            tasks.spawn(async move { stage.handle(lease).await });
        }
        if found && tasks.len() < permits {
            continue;
        }
        tokio::select! {
            () = drain.stop.cancelled() => {}
            Some(ended) = tasks.join_next(), if tasks.len() >= permits => report::<S>(ended),
            () = stage.arrived().notified(), if tasks.len() < permits => {}
            () = tokio::time::sleep(LOOK_EVERY), if tasks.len() < permits => {}
        }
    }
    finish::<S>(tasks, drain).await;
}

async fn claim<S: Stage>(stage: &S, free: usize) -> Vec<S::Lease> {
    match stage.claim(free).await {
        Ok(leases) => leases,
        Err(error) => {
            tracing::error!(error = chain(&error), stage = S::NAME, "the queue gives no work");
            Vec::new()
        }
    }
}

/// Waits for what has begun; what the grace period is too short for is told to give its lease back.
async fn finish<S: Stage>(mut tasks: JoinSet<()>, drain: &Drain) {
    let grace = tokio::time::sleep(drain.grace);
    tokio::pin!(grace);
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(ended) => report::<S>(ended),
                None => return,
            },
            () = &mut grace, if !drain.given_up.is_cancelled() => drain.given_up.cancel(),
        }
    }
}

/// A task that panics leaves its lease to end by itself, and the attempt counts.
fn report<S: Stage>(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(
            error = chain(&error),
            stage = S::NAME,
            "a task of the worker ended badly"
        );
    }
}
