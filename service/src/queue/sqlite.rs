//! The queue in one SQLite file, for a service that is the only process with that file. WAL with `synchronous=FULL`: a
//! committed row survives a power loss. One connection writes, so that no writer ever waits for another inside SQLite; a
//! few read.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool};

use super::QueueError;
use super::sql::statement::Statement;
use super::sql::{Access, Database, SqlQueue, Transaction, Value, bound, failed};
use crate::domain::AddonKey;

mod filesystem;

/// The schema, oldest part first. Never edited once released: a change is a new file (see `migrations/README.md`).
const MIGRATIONS: [(i64, &str, &str); 6] = [
    (1, "job", include_str!("../../migrations/sqlite/0001_job.sql")),
    (2, "details", include_str!("../../migrations/sqlite/0002_details.sql")),
    (
        3,
        "audio_source",
        include_str!("../../migrations/sqlite/0003_audio_source.sql"),
    ),
    (4, "choices", include_str!("../../migrations/sqlite/0004_choices.sql")),
    (5, "started", include_str!("../../migrations/sqlite/0005_started.sql")),
    (6, "piece", include_str!("../../migrations/sqlite/0006_piece.sql")),
];

/// Gauges and sweeps, at most this many at once.
const READERS: u32 = 3;
/// How long a statement waits for a lock that another process holds, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection before it is told that we cannot now.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The queue of one add-on in one file.
pub type SqliteQueue = SqlQueue<SqliteFile>;

/// The file.
#[derive(Debug)]
pub struct SqliteFile {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteQueue {
    /// Opens or makes the file, and brings its schema up to date.
    pub async fn open(file: &Path, addon: AddonKey, lease: Duration) -> Result<Self, QueueError> {
        Self::open_or(file, addon, lease, true).await
    }

    /// The same for a file that is there, beside the process that works on it: SQLite's own locks order the two, and each
    /// transaction of either is short. Nothing is recovered, for leases are held by the living.
    pub async fn open_beside(file: &Path, addon: AddonKey, lease: Duration) -> Result<Self, QueueError> {
        Self::open_or(file, addon, lease, false).await
    }

    async fn open_or(file: &Path, addon: AddonKey, lease: Duration, make: bool) -> Result<Self, QueueError> {
        if let Some(folder) = file.parent() {
            filesystem::refuse_network(folder)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(make)
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
        Ok(Self::new(SqliteFile { writer, readers }, addon, lease))
    }

    /// Closes every connection, so that the file is complete in itself.
    pub async fn close(&self) {
        self.database.readers.close().await;
        self.database.writer.close().await;
    }
}

/// A file that a newer version has migrated is served all the same: migrations only add.
async fn migrate(writer: &SqlitePool) -> Result<(), MigrateError> {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.into());
    migrator.set_ignore_missing(true).run(writer).await
}

/// The names of the new files must survive a power loss as their contents do.
fn sync_folder_of(file: &Path) -> std::io::Result<()> {
    match file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[async_trait]
impl Database for SqliteFile {
    type Transaction = sqlx::Transaction<'static, Sqlite>;

    async fn begin(&self, access: Access) -> Result<Self::Transaction, QueueError> {
        let begun = match access {
            Access::Read => self.readers.begin().await,
            // At once the only writer, and not only from the first change on.
            Access::Write => self.writer.begin_with("BEGIN IMMEDIATE").await,
        };
        begun.map_err(failed("begin a transaction"))
    }
}

#[async_trait]
impl Transaction for sqlx::Transaction<'static, Sqlite> {
    type Row = SqliteRow;

    async fn fetch(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<Vec<SqliteRow>, sqlx::Error> {
        bound::<Sqlite>(statement.sqlite, values).fetch_all(&mut **self).await
    }

    async fn change(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let done = bound::<Sqlite>(statement.sqlite, values).execute(&mut **self).await?;
        Ok(done.rows_affected())
    }

    async fn commit(self) -> Result<(), sqlx::Error> {
        sqlx::Transaction::commit(self).await
    }
}

#[cfg(test)]
mod tests;
