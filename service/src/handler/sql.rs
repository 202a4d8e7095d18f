//! Answers with the first row that a configured query returns; later rows are not read. Its columns become the members of
//! `results`. No row is `"results": null`. The database is a Postgres server or a file of SQLite, as its URL says.
//!
//! It is somebody else's: opened when the first request needs it, read-only, with few connections, within a time limit and
//! a bound on what a row may have. The URL is read again with the Secret; a new one opens a new pool.

mod postgres;
mod sqlite;
pub mod statement;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use tokio::sync::{Mutex, watch};

use super::Results;
use crate::admission::Lookup;
use crate::config::SqlPlan;

/// Why there is no row now. All of these but one may pass, so the request is answered with 503.
#[derive(Debug, thiserror::Error)]
pub enum LookUpRow {
    /// The Secret has not been read.
    #[error("failed to find the database: its secret has no DATABASE_URL")]
    FindUrl,
    /// No URL of a database that we know.
    #[error("failed to read DATABASE_URL: it must be a URL that starts with postgres: or sqlite:")]
    ReadUrl,
    /// A file among our own.
    #[error("failed to open the database: it lies in the service's own data folder")]
    ReadOwnData,
    /// It took longer than the endpoint allows.
    #[error("failed to run the query within {} s", .0.as_secs())]
    FinishInTime(Duration),
    /// The server ended the query, or no connection became free, because the time was over.
    #[error("failed to run the query: its time was over")]
    EndQuery,
    /// The database said no. Never says what was asked about.
    #[error("failed to run the query: {0}")]
    RunQuery(String),
    /// The row is larger than an answer may be. This one does not pass.
    #[error("failed to take the row: it is larger than an answer may be")]
    TakeRow,
}

impl LookUpRow {
    /// The word for metrics and logs.
    #[must_use]
    pub const fn category(&self) -> &'static str {
        match self {
            Self::FindUrl => "database_url_missing",
            Self::ReadUrl | Self::ReadOwnData => "database_url_invalid",
            Self::FinishInTime(_) | Self::EndQuery => "database_timeout",
            Self::RunQuery(_) => "database_failed",
            Self::TakeRow => "answer_too_large",
        }
    }
}

/// A query on a database that is opened when it is needed.
#[derive(Debug)]
pub struct SqlLookup {
    plan: SqlPlan,
    url: watch::Receiver<Option<SecretString>>,
    /// Where no database of a publisher's may be.
    own_data: Option<PathBuf>,
    opened: Mutex<Option<Opened>>,
}

#[derive(Debug)]
struct Opened {
    url: SecretString,
    pool: Pool,
}

#[derive(Clone, Debug)]
enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

impl Pool {
    async fn close(self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite(pool) => pool.close().await,
        }
    }
}

impl SqlLookup {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(plan: SqlPlan, url: watch::Receiver<Option<SecretString>>, own_data: Option<PathBuf>) -> Self {
        Self {
            plan,
            url,
            own_data,
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
            Ok(Err(LookUpRow::EndQuery)) | Err(_) => Err(LookUpRow::FinishInTime(limit)),
            Ok(found) => found,
        }
    }

    async fn first_row(&self, lookup: &Lookup, deadline: Instant) -> Result<Option<Results>, LookUpRow> {
        let statement = &self.plan.statement;
        match self.pool().await? {
            Pool::Postgres(pool) => postgres::first_row(&pool, statement, lookup, deadline).await,
            Pool::Sqlite(pool) => sqlite::first_row(&pool, statement, lookup, deadline).await,
        }
    }

    /// The pool of the present URL; one of an earlier URL ends when its queries have.
    async fn pool(&self) -> Result<Pool, LookUpRow> {
        let url = self.url.borrow().clone().ok_or(LookUpRow::FindUrl)?;
        let mut opened = self.opened.lock().await;
        if let Some(opened) = opened.as_ref()
            && opened.url.expose_secret() == url.expose_secret()
        {
            return Ok(opened.pool.clone());
        }
        let pool = self.open(&url)?;
        if let Some(earlier) = opened.replace(Opened {
            url,
            pool: pool.clone(),
        }) {
            tokio::spawn(earlier.pool.close());
        }
        Ok(pool)
    }

    fn open(&self, url: &SecretString) -> Result<Pool, LookUpRow> {
        let scheme = url.expose_secret().split(':').next();
        match scheme {
            Some("postgres" | "postgresql") => postgres::open(url, &self.plan).map(Pool::Postgres),
            Some("sqlite") => sqlite::open(url, &self.plan, self.own_data.as_deref()).map(Pool::Sqlite),
            Some(_) | None => Err(LookUpRow::ReadUrl),
        }
    }
}

#[cfg(test)]
mod tests;
