//! The queue of accepted work, and the rules that hold for every database under it. `server` enqueues, `worker` claims;
//! they meet only here.
//!
//! A job goes `queued -> running -> delivering -> confirmed | rejected | expired`; one whose audio is still to be fetched is
//! `fetching` before, and somebody may hold or discard it (`jobs`). The right to work on it is a [`Lease`]: a random token
//! with an end, which must be shown to change the job. Whoever comes back after its end changes nothing. The
//! database's clock is the only clock, and a queue sees the rows of one add-on alone.

use std::collections::HashSet;
use std::path::PathBuf;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::domain::{Job, JobId, NewJob, SpoolKey};

mod again;
#[cfg(test)]
pub(crate) mod contract;
pub mod jobs;
mod lease;
pub mod load;
mod postgres;
mod room;
mod sql;
mod sqlite;
mod standing;

pub use lease::{Delivery, DeliveryRecord, Fence, FetchRecord, Fetched, Lease, Outcome, ResultBody, WorkRecord};
pub use postgres::{PostgresQueue, RefuseServer};
pub use room::Room;
pub use sqlite::SqliteQueue;
pub use standing::Standing;

use load::Load;

/// A result is tried for at least this long, however near the cut-off it came: a receiver that restarts needs minutes.
pub const CALLBACK_FLOOR_SECONDS: f64 = 600.0;

/// Why the queue could not do as told.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The database could not be opened or brought to our schema.
    #[error("failed to open the queue")]
    OpenDatabase(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("failed to migrate the queue")]
    MigrateDatabase(#[source] sqlx::migrate::MigrateError),
    /// The server works in a way in which accepted work could be lost, or not for us at all.
    #[error(transparent)]
    RefuseServer(RefuseServer),
    /// There is no address of a database yet.
    #[error("failed to find the database: its secret has no DATABASE_URL")]
    FindUrl,
    /// The address is none. It may hold a password, so it is not told.
    #[error("failed to read DATABASE_URL: it must be postgres://USER:PASSWORD@HOST/DATABASE")]
    ReadUrl,
    /// The database was out of reach a moment ago.
    #[error("failed to open the queue: the database was out of reach a moment ago")]
    AwaitDatabase,
    /// SQLite's locks mean nothing there.
    #[error(
        "failed to open the queue in {}: it lies on {kind}, where SQLite's locks keep nobody out; use a volume of the node or a block device, or storage.postgres",
        folder.display()
    )]
    RefuseFilesystem {
        /// The data folder.
        folder: PathBuf,
        /// The file system.
        kind: String,
    },
    /// A statement failed: the database is down, full or busy.
    #[error("failed to {action}")]
    UseDatabase {
        /// What was tried.
        action: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what this service never writes.
    #[error("failed to read column {column} of a job")]
    ReadRow {
        /// The column.
        column: &'static str,
    },
    /// The lease is over and the job belongs to another; what was done under it is void.
    #[error("failed to use a lease: it has ended")]
    LoseLease,
}

impl QueueError {
    /// The only part of the error that reaches a metric label.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::OpenDatabase(_) => "open",
            Self::MigrateDatabase(_) => "migrate",
            Self::RefuseServer(_) => "server_refused",
            Self::FindUrl => "url_missing",
            Self::ReadUrl => "url_invalid",
            Self::RefuseFilesystem { .. } => "filesystem_refused",
            Self::AwaitDatabase | Self::UseDatabase { .. } => "database",
            Self::ReadRow { .. } => "row",
            Self::LoseLease => "lease_lost",
        }
    }
}

/// What became of a request that was enqueued. All but the first leave one file of audio that the caller must remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// A new job, safe from now on: 202.
    Accepted,
    /// The same request again, and nothing more to do for it: 202.
    Duplicate {
        /// The audio that is not needed: the earlier one where the new one took its place.
        unneeded: SpoolKey,
    },
    /// The same request again, finished; its stored result is delivered once more: 202.
    Redeliver {
        /// The audio that is not needed.
        unneeded: SpoolKey,
    },
    /// Another request under a known SID: refused as `request_sid_reused`.
    Reused {
        /// The audio that is not needed.
        unneeded: SpoolKey,
    },
    /// A new request, and as many jobs as may be are unfinished: 503, nothing is stored.
    Full {
        /// The audio that is not needed.
        unneeded: SpoolKey,
    },
    /// The same for the jobs of its installation alone.
    InstallFull {
        /// The audio that is not needed.
        unneeded: SpoolKey,
    },
}

impl Enqueued {
    /// The audio that the caller must remove from the spool.
    #[must_use]
    pub fn unneeded(&self) -> Option<&SpoolKey> {
        match self {
            Self::Accepted => None,
            Self::Duplicate { unneeded }
            | Self::Redeliver { unneeded }
            | Self::Reused { unneeded }
            | Self::Full { unneeded }
            | Self::InstallFull { unneeded } => Some(unneeded),
        }
    }
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Its audio is still to be fetched.
    Fetching,
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// The result is stored and on its way.
    Delivering,
    /// The receiver has it.
    Confirmed,
    /// The receiver does not want it.
    Rejected,
    /// The receiver could not be told in time.
    Expired,
}

impl JobState {
    const ALL: [Self; 7] = [
        Self::Fetching,
        Self::Queued,
        Self::Running,
        Self::Delivering,
        Self::Confirmed,
        Self::Rejected,
        Self::Expired,
    ];

    /// The state in the database, but that there a job is queued while its audio is fetched, because the version
    /// before knows no such state.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Fetching => "fetching",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Delivering => "delivering",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    /// Reads a stored state.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.label() == text)
    }
}

/// How full the queue is.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauges {
    /// Jobs in each of [`Standing::GAUGED`].
    pub jobs: Vec<(Standing, u64)>,
    /// Age of the oldest job that has no result yet and is not held; zero when there is none.
    pub oldest_seconds: f64,
}

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retention {
    /// From the result on: the result, the callback and the memory that this request was seen.
    pub result_seconds: f64,
    /// From acceptance on: the row itself.
    pub row_seconds: f64,
}

/// Wakes the worker at once instead of at its next look.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Audio may be fetched.
    pub fetches: Notify,
    /// A job may be claimed.
    pub work: Notify,
    /// A result may be delivered.
    pub deliveries: Notify,
}

/// The queue of one add-on.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Stores the job if there is room, or decides what a repeated request means. One transaction; safe against power loss
    /// on return.
    async fn enqueue(&self, job: NewJob) -> Result<Enqueued, QueueError>;

    /// Frees every lease at once. For a process that knows itself to be alone with the data, when it starts.
    async fn recover(&self) -> Result<u64, QueueError>;

    /// Takes up to `limit` jobs whose audio is to be fetched by now, the earliest deadline first. The attempt that is shown
    /// counts fetches.
    async fn claim_fetches(&self, limit: usize) -> Result<Vec<Lease<Job>>, QueueError>;

    /// Ends an attempt at a fetch. Once the audio is there, its URL is forgotten and the job may be worked on.
    async fn end_fetch(&self, lease: Lease<Job>, record: FetchRecord) -> Result<(), QueueError>;

    /// Takes up to `limit` jobs that are nobody's, the earliest deadline first, and of no installation more than may run.
    /// Their attempt counts from now on.
    async fn claim(&self, limit: usize) -> Result<Vec<Lease<Job>>, QueueError>;

    /// Takes up to `limit` results that are to be sent by now, the earliest due first.
    async fn claim_deliveries(&self, limit: usize) -> Result<Vec<Lease<Delivery>>, QueueError>;

    /// Makes the lease last one full length from now.
    async fn renew(&self, fence: &Fence) -> Result<(), QueueError>;

    /// What is finished of a leased job by this engine: by its place, as JSON.
    async fn kept_pieces(&self, fence: &Fence, engine: &str) -> Result<Vec<(u32, String)>, QueueError>;

    /// Keeps a finished piece of a leased job until the job has a result.
    async fn keep_piece(&self, fence: &Fence, engine: &str, piece: (u32, &str)) -> Result<(), QueueError>;

    /// Ends work on a job: its result and the intent to call back are one transaction, as is the choice to try again.
    async fn finish(&self, lease: Lease<Job>, record: WorkRecord) -> Result<(), QueueError>;

    /// Ends an attempt at a callback.
    async fn record(&self, lease: Lease<Delivery>, record: DeliveryRecord) -> Result<(), QueueError>;

    /// Gives a result back unsent.
    async fn release_delivery(&self, lease: Lease<Delivery>) -> Result<(), QueueError>;

    /// How full the queue is.
    async fn gauges(&self) -> Result<Gauges, QueueError>;

    /// How much work waits, and how fast work goes.
    async fn load(&self) -> Result<Load, QueueError>;

    /// Audio that nobody needs any more: its callback is confirmed or given up, or its cut-off is past and it has a result.
    async fn removable_audio(&self, limit: usize) -> Result<Vec<(JobId, SpoolKey)>, QueueError>;

    /// Notes that a job's audio is gone.
    async fn audio_removed(&self, id: JobId) -> Result<(), QueueError>;

    /// Forgets results and then rows that were kept long enough. Only jobs that have ended; says how many rows changed.
    async fn retire(&self, retention: &Retention) -> Result<u64, QueueError>;

    /// Which of these files some row names.
    async fn known_files(&self, keys: &[SpoolKey]) -> Result<HashSet<SpoolKey>, QueueError>;

    /// What wakes the worker.
    fn arrivals(&self) -> &Arrivals;
}
