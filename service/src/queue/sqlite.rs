//! The queue in one SQLite file, for a service that is the only process with that file. WAL with `synchronous=FULL`: a
//! committed row survives a power loss. One connection writes, so that no writer ever waits for another inside SQLite; a
//! few read.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult, SqliteSynchronous,
};
use sqlx::{Sqlite, SqlitePool};

use super::{
    Arrivals, Delivery, DeliveryRecord, Enqueued, Fence, Gauges, Lease, Queue, QueueError, Retention, WorkRecord,
};
use crate::domain::{AddonKey, Job, JobId, NewJob, SpoolKey};

mod delivery;
mod enqueue;
mod row;
mod tidy;
mod work;

/// The schema, oldest part first. Never edited once released: a change is a new file.
const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "job", include_str!("../../migrations/sqlite/0001_job.sql"))];

/// Gauges and sweeps, at most this many at once.
const READERS: u32 = 3;
/// How long a statement waits for a lock that another process holds, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection before it is told that we cannot now.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The queue of one add-on in one file.
#[derive(Debug)]
pub struct SqliteQueue {
    writer: SqlitePool,
    readers: SqlitePool,
    addon: AddonKey,
    lease_seconds: f64,
    arrivals: Arrivals,
}

impl SqliteQueue {
    /// Opens or makes the file, and brings its schema up to date.
    pub async fn open(file: &Path, addon: AddonKey, lease: Duration) -> Result<Self, QueueError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
        };
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(QueueError::OpenDatabase)?;
        migrate(&writer).await.map_err(QueueError::MigrateDatabase)?;
        sync_folder_of(file).map_err(|error| QueueError::OpenDatabase(sqlx::Error::Io(error)))?;
        let readers = pool(READERS).connect_lazy_with(options.read_only(true));
        Ok(Self {
            writer,
            readers,
            addon,
            lease_seconds: lease.as_secs_f64(),
            arrivals: Arrivals::default(),
        })
    }

    /// Closes every connection, so that the file is complete in itself.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn migrate(writer: &SqlitePool) -> Result<(), MigrateError> {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into()).run(writer).await
}

/// The names of the new files must survive a power loss as their contents do.
fn sync_folder_of(file: &Path) -> std::io::Result<()> {
    match file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Adds what was tried to what the database said.
fn failed(action: &'static str) -> impl FnOnce(sqlx::Error) -> QueueError {
    move |source| QueueError::UseDatabase { action, source }
}

/// A statement that shows a fence changes one row, or the fence is stale.
fn fenced(result: &SqliteQueryResult) -> Result<(), QueueError> {
    if result.rows_affected() == 0 {
        Err(QueueError::LoseLease)
    } else {
        Ok(())
    }
}

/// Runs a statement whose last four parameters are the add-on and the fence.
async fn change(
    queue: &SqliteQueue,
    statement: Query<'_, Sqlite, SqliteArguments>,
    fence: &Fence,
    action: &'static str,
) -> Result<(), QueueError> {
    let statement = statement
        .bind(queue.addon.as_str())
        .bind(fence.id.to_string())
        .bind(&fence.token)
        .bind(fence.number);
    fenced(&statement.execute(&queue.writer).await.map_err(failed(action))?)
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn enqueue(&self, job: NewJob) -> Result<Enqueued, QueueError> {
        let enqueued = enqueue::enqueue(self, job).await?;
        match enqueued {
            Enqueued::Accepted => self.arrivals.work.notify_one(),
            Enqueued::Redeliver { .. } => self.arrivals.deliveries.notify_one(),
            Enqueued::Duplicate { .. } | Enqueued::Reused { .. } => {}
        }
        Ok(enqueued)
    }

    async fn recover(&self) -> Result<u64, QueueError> {
        tidy::recover(self).await
    }

    async fn claim(&self, limit: usize) -> Result<Vec<Lease<Job>>, QueueError> {
        work::claim(self, limit).await
    }

    async fn claim_deliveries(&self, limit: usize) -> Result<Vec<Lease<Delivery>>, QueueError> {
        delivery::claim(self, limit).await
    }

    async fn renew(&self, fence: &Fence) -> Result<(), QueueError> {
        work::renew(self, fence).await
    }

    async fn finish(&self, lease: Lease<Job>, record: WorkRecord) -> Result<(), QueueError> {
        let done = matches!(record, WorkRecord::Done(_));
        work::finish(self, lease.fence(), record).await?;
        if done {
            self.arrivals.deliveries.notify_one();
        }
        Ok(())
    }

    async fn record(&self, lease: Lease<Delivery>, record: DeliveryRecord) -> Result<(), QueueError> {
        delivery::record(self, lease.fence(), record).await
    }

    async fn release_delivery(&self, lease: Lease<Delivery>) -> Result<(), QueueError> {
        delivery::release(self, lease.fence()).await
    }

    async fn gauges(&self) -> Result<Gauges, QueueError> {
        tidy::gauges(self).await
    }

    async fn removable_audio(&self, limit: usize) -> Result<Vec<(JobId, SpoolKey)>, QueueError> {
        tidy::removable_audio(self, limit).await
    }

    async fn audio_removed(&self, id: JobId) -> Result<(), QueueError> {
        tidy::audio_removed(self, id).await
    }

    async fn retire(&self, retention: &Retention) -> Result<u64, QueueError> {
        tidy::retire(self, retention).await
    }

    async fn known_files(&self, keys: &[SpoolKey]) -> Result<HashSet<SpoolKey>, QueueError> {
        tidy::known_files(self, keys).await
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }
}

#[cfg(test)]
mod tests;
