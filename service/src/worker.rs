//! Does the accepted work: permits, lease, heartbeat, fetch, analysis, record, callback. Three loops that share nothing but
//! the queue, because a host or a receiver that is slow must not keep work from being done, and a sweep that forgets what
//! was kept long enough.
//!
//! Told to stop, it leases nothing more, finishes what fits the grace period, and gives the rest back uncounted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::analysis::AnalysisPlan;
use crate::callback::Callbacks;
use crate::deadline::Sla;
use crate::domain::EndpointName;
use crate::fetch::Fetcher;
use crate::handler::http::Partners;
use crate::queue::{Queue, Retention};
use crate::retry::Jitter;
use crate::speech::Engines;
use crate::spool::Spool;

mod audio;
mod claiming;
mod deliver;
mod fetch;
mod heartbeat;
mod metrics;
mod partner;
mod sweep;
mod work;

pub use metrics::{FetchOutcome, WorkMetrics, WorkOutcome};

use claiming::Drain;
use deliver::DeliveryStage;
use fetch::FetchStage;
use sweep::Sweeper;
use work::WorkStage;

/// Tries at a job before its sender is told that we cannot.
pub const MAX_ATTEMPTS: u32 = 5;
/// How long a lease lasts without a heartbeat: a dead worker's jobs wait no longer than this.
pub const LEASE: Duration = Duration::from_secs(30);

/// What a worker takes on at the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkerLimits {
    /// Analyses at one time: each is a thread that computes.
    pub analyses: usize,
    /// Fetches of audio at one time: each waits for its host, and then for the disk.
    pub fetches: usize,
    /// Callbacks at one time: each only waits.
    pub callbacks: usize,
    /// How long a lease lasts; the queue was opened with the same.
    pub lease: Duration,
    /// How long work may go on after the order to stop.
    pub grace: Duration,
    /// What is kept how long.
    pub retention: Retention,
    /// The largest result that is sent.
    pub result_bytes: usize,
}

/// What a worker works with.
pub struct Worker {
    /// Where work comes from and results go.
    pub queue: Arc<dyn Queue>,
    /// Where the audio lies.
    pub spool: Arc<Spool>,
    /// What each endpoint wants to know.
    pub plans: HashMap<EndpointName, AnalysisPlan>,
    /// Who is asked in the place of an analysis of ours.
    pub partners: Partners,
    /// Who writes down what is said.
    pub engines: Engines,
    /// When a result is due, once the length of its audio is known.
    pub sla: Sla,
    /// Who brings audio that is elsewhere.
    pub fetcher: Fetcher,
    /// Who tells Twilio.
    pub callbacks: Callbacks,
    /// What is told of it.
    pub metrics: WorkMetrics,
    /// Spreads retries.
    pub jitter: Jitter,
    /// How much at one time.
    pub limits: WorkerLimits,
}

impl Worker {
    /// Works until told to stop, and then until what has begun is finished or given back.
    pub async fn run(self, stop: CancellationToken) {
        let Self {
            queue,
            spool,
            plans,
            partners,
            engines,
            sla,
            fetcher,
            callbacks,
            metrics,
            jitter,
            limits,
        } = self;
        let jitter = Arc::new(jitter);
        // Cancelled when the grace period is over.
        let given_up = CancellationToken::new();
        let drain = Drain {
            stop: stop.clone(),
            given_up: given_up.clone(),
            grace: limits.grace,
        };
        let fetch = Arc::new(FetchStage {
            queue: Arc::clone(&queue),
            spool: Arc::clone(&spool),
            fetcher,
            sla,
            metrics: metrics.clone(),
            jitter: Arc::clone(&jitter),
            lease: limits.lease,
            given_up: given_up.clone(),
        });
        let work = Arc::new(WorkStage {
            queue: Arc::clone(&queue),
            spool: Arc::clone(&spool),
            plans,
            partners,
            engines,
            metrics: metrics.clone(),
            jitter: Arc::clone(&jitter),
            lease: limits.lease,
            result_bytes: limits.result_bytes,
            given_up: given_up.clone(),
        });
        let delivery = Arc::new(DeliveryStage {
            queue: Arc::clone(&queue),
            spool: Arc::clone(&spool),
            callbacks,
            metrics: metrics.clone(),
            jitter,
            lease: limits.lease,
            given_up,
        });
        let sweeper = Sweeper {
            queue,
            spool,
            metrics,
            retention: limits.retention,
        };
        tokio::join!(
            claiming::run(fetch, limits.fetches, &drain),
            claiming::run(work, limits.analyses, &drain),
            claiming::run(delivery, limits.callbacks, &drain),
            sweeper.run(&stop),
        );
    }
}

#[cfg(test)]
mod tests;
