//! Answers with the first row that a configured query returns; later rows are not read. Its columns become the members of
//! `results`; a blob becomes base64. No row is `"results": null`.
//!
//! The database is somebody else's, so it is touched as little as can be: opened when the first request needs it, read-only
//! in the file's mode and in SQLite's own (`query_only`), few connections, a time limit that also interrupts a query which
//! is still computing. The URL is read again with the Secret; a new one opens a new pool.

pub mod statement;

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _, TypeInfo as _, ValueRef as _};
use tokio::sync::{Mutex, watch};

use super::Results;
use crate::admission::Lookup;
use crate::config::SqlPlan;

/// How many steps of SQLite's machine run between two looks at the clock: well under a millisecond.
const STEPS_PER_LOOK: i32 = 1000;

/// Why there is no row now. All of these may pass, so the request is answered with 503.
#[derive(Debug, thiserror::Error)]
pub enum LookUpRow {
    /// The Secret has not been read.
    #[error("failed to find the database: its secret has no DATABASE_URL")]
    FindUrl,
    /// No URL of a database that we know.
    #[error("failed to read DATABASE_URL: it must start with sqlite:")]
    ReadUrl,
    /// It took longer than the endpoint allows.
    #[error("failed to run the query within {} s", .0.as_secs())]
    FinishInTime(Duration),
    /// The database said no.
    #[error("failed to run the query: {0}")]
    RunQuery(#[source] sqlx::Error),
}

impl LookUpRow {
    /// The word for metrics and logs.
    #[must_use]
    pub const fn category(&self) -> &'static str {
        match self {
            Self::FindUrl => "database_url_missing",
            Self::ReadUrl => "database_url_invalid",
            Self::FinishInTime(_) => "database_timeout",
            Self::RunQuery(_) => "database_failed",
        }
    }
}

/// A query on a database that is opened when it is needed.
#[derive(Debug)]
pub struct SqlLookup {
    plan: SqlPlan,
    url: watch::Receiver<Option<SecretString>>,
    opened: Mutex<Option<Opened>>,
}

#[derive(Debug)]
struct Opened {
    url: SecretString,
    pool: SqlitePool,
}

impl SqlLookup {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(plan: SqlPlan, url: watch::Receiver<Option<SecretString>>) -> Self {
        Self {
            plan,
            url,
            opened: Mutex::new(None),
        }
    }

    /// The first row of the query, within the endpoint's time limit and what is left of the request's.
    pub async fn look_up(&self, lookup: &Lookup, within: Duration) -> Result<Option<Results>, LookUpRow> {
        let limit = self.plan.timeout.min(within);
        let deadline = Instant::now() + limit;
        let found = tokio::time::timeout(limit, self.first_row(lookup, deadline)).await;
        match found {
            Ok(Err(LookUpRow::RunQuery(_))) if Instant::now() >= deadline => Err(LookUpRow::FinishInTime(limit)),
            Ok(found) => found,
            Err(_) => Err(LookUpRow::FinishInTime(limit)),
        }
    }

    async fn first_row(&self, lookup: &Lookup, deadline: Instant) -> Result<Option<Results>, LookUpRow> {
        let pool = self.pool().await?;
        let mut connection = pool.acquire().await.map_err(LookUpRow::RunQuery)?;
        // Dropping the future does not stop SQLite, which computes in a thread of its own; this does.
        connection
            .lock_handle()
            .await
            .map_err(LookUpRow::RunQuery)?
            .set_progress_handler(STEPS_PER_LOOK, move || Instant::now() < deadline);
        let mut transaction = connection.begin().await.map_err(LookUpRow::RunQuery)?;
        let statement = &self.plan.statement;
        let mut query = sqlx::query(AssertSqlSafe(statement.as_str().to_owned()));
        for value in statement.values(lookup) {
            query = query.bind(value.map(str::to_owned));
        }
        let row = query
            .fetch_optional(&mut *transaction)
            .await
            .map_err(LookUpRow::RunQuery)?;
        let results = row.map(|row| results(&row)).transpose().map_err(LookUpRow::RunQuery)?;
        transaction.rollback().await.map_err(LookUpRow::RunQuery)?;
        Ok(results)
    }

    /// The pool of the present URL; one of an earlier URL ends when its queries have.
    async fn pool(&self) -> Result<SqlitePool, LookUpRow> {
        let url = self.url.borrow().clone().ok_or(LookUpRow::FindUrl)?;
        let mut opened = self.opened.lock().await;
        if let Some(opened) = opened.as_ref()
            && opened.url.expose_secret() == url.expose_secret()
        {
            return Ok(opened.pool.clone());
        }
        let pool = open(&url, &self.plan)?;
        if let Some(earlier) = opened.replace(Opened {
            url,
            pool: pool.clone(),
        }) {
            tokio::spawn(async move { earlier.pool.close().await });
        }
        Ok(pool)
    }
}

fn open(url: &SecretString, plan: &SqlPlan) -> Result<SqlitePool, LookUpRow> {
    if !url.expose_secret().starts_with("sqlite:") {
        return Err(LookUpRow::ReadUrl);
    }
    let options = SqliteConnectOptions::from_str(url.expose_secret())
        .map_err(|_| LookUpRow::ReadUrl)?
        .read_only(true)
        .create_if_missing(false)
        .pragma("query_only", "on")
        .busy_timeout(plan.timeout);
    let pool = SqlitePoolOptions::new()
        .max_connections(plan.max_connections)
        .acquire_timeout(plan.timeout);
    Ok(pool.connect_lazy_with(options))
}

fn results(row: &SqliteRow) -> Result<Results, sqlx::Error> {
    row.columns()
        .iter()
        .map(|column| Ok((column.name().to_owned(), value(row, column.ordinal())?)))
        .collect()
}

/// By the value's own type: SQLite's columns have none that binds.
fn value(row: &SqliteRow, column: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let value = match raw.type_info().name() {
        "INTEGER" => Value::from(row.try_get_unchecked::<i64, _>(column)?),
        "REAL" => Value::from(row.try_get_unchecked::<f64, _>(column)?),
        "BLOB" => Value::from(STANDARD.encode(row.try_get_unchecked::<&[u8], _>(column)?)),
        _ => Value::from(row.try_get_unchecked::<String, _>(column)?),
    };
    Ok(value)
}

#[cfg(test)]
mod tests;
