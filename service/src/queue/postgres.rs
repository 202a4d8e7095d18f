//! The queue in Postgres, for any number of processes. Whatever a statement needs of its session is set in its own
//! transaction and no statement is prepared under a name, so that PgBouncer may give each transaction another session.
//!
//! A worker looks once a second (`worker::claiming`); that is how it learns of work that another process accepted. There
//! is no NOTIFY: it would not come through PgBouncer, and a second is nothing beside the deadlines.
//!
//! Opened when it is first needed, and again when the Secret has another URL: leases are rows, so that whoever holds one
//! goes on under the new address. A database that is down is not waited for by every request in turn.

use std::future::Future;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions as _, Connection as _, Postgres};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::QueueError;
use super::sql::statement::Statement;
use super::sql::{Access, Database, SqlQueue, Transaction, Value, bound, failed};
use crate::domain::AddonKey;

mod migrate;
mod server;

pub use server::RefuseServer;

/// Sessions of one process. Each statement is short; what waits for one waits outside of the database.
const CONNECTIONS: u32 = 10;
/// How long a caller waits for a session before it is told that we cannot now: Twilio's patience is 15 s in all.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a statement may take. Longer, and the server is lost or the row is held by somebody who is.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// After a failure to open, how long callers are told so at once.
const AWAIT_TIMEOUT: Duration = Duration::from_secs(1);

// Durable whatever the server's default is, and never in anybody's way for long: the server ends what we have given up.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit TO on; \
     SET LOCAL statement_timeout TO '5s'; SET LOCAL idle_in_transaction_session_timeout TO '10s'";
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; \
     SET LOCAL statement_timeout TO '5s'; SET LOCAL idle_in_transaction_session_timeout TO '10s'";

/// The queue of one add-on in a Postgres database that it may share with others.
pub type PostgresQueue = SqlQueue<PostgresServer>;

/// The server behind the URL that the Secret has now.
#[derive(Debug)]
pub struct PostgresServer {
    url: watch::Receiver<Option<SecretString>>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed,
    Failed { at: Instant, url: SecretString },
    Open { pool: PgPool, url: SecretString },
}

impl PostgresQueue {
    /// Opens nothing yet.
    pub fn new_lazy(url: watch::Receiver<Option<SecretString>>, addon: AddonKey, lease: Duration) -> Self {
        let state = Mutex::new(State::Closed);
        Self::new(PostgresServer { url, state }, addon, lease)
    }

    /// Opens now, checks the server, and brings the schema up to date, to learn whether it can be done at all.
    pub async fn open(&self) -> Result<(), QueueError> {
        self.database.pool().await.map(drop)
    }
}

impl PostgresServer {
    /// The sessions of the present URL; those of an earlier URL end when their statements have.
    async fn pool(&self) -> Result<PgPool, QueueError> {
        let url = self.url.borrow().clone().ok_or(QueueError::FindUrl)?;
        let mut state = self.state.lock().await;
        match &*state {
            State::Open { pool, url: known } if same(known, &url) => return Ok(pool.clone()),
            State::Failed { at, url: known } if same(known, &url) && at.elapsed() < AWAIT_TIMEOUT => {
                return Err(QueueError::AwaitDatabase);
            }
            State::Open { .. } | State::Failed { .. } | State::Closed => {}
        }
        let opened = open(&url).await;
        *state = match &opened {
            Ok(pool) => State::Open {
                pool: pool.clone(),
                url,
            },
            Err(_) => State::Failed {
                at: Instant::now(),
                url,
            },
        };
        opened
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

async fn open(url: &SecretString) -> Result<PgPool, QueueError> {
    let options = read(url.expose_secret())?
        .application_name("marketplace-service")
        // What the driver asks for beyond the common parameters PgBouncer refuses, and we read no floats as text.
        .extra_float_digits(None)
        .disable_statement_logging();
    // The first session says why there is none; the pool would only say that it has waited.
    let first = within(async {
        let mut first = options.connect().await?;
        server::check(&mut first).await?;
        first.close().await
    });
    first.await.map_err(server::open_error)?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Each session: after a failover the server is another one.
        .after_connect(|connection, _| Box::pin(server::check(connection)))
        .connect_lazy_with(options);
    migrate::migrate(&pool).await?;
    Ok(pool)
}

fn read(url: &str) -> Result<PgConnectOptions, QueueError> {
    let is_ours = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let options = url.parse().ok().filter(|_| is_ours);
    options.ok_or(QueueError::ReadUrl)
}

/// A server that says nothing is one that is down.
async fn within<T>(done: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let late = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    timeout(STATEMENT_TIMEOUT, done).await.unwrap_or_else(|_| Err(late()))
}

#[async_trait]
impl Database for PostgresServer {
    type Transaction = sqlx::Transaction<'static, Postgres>;

    async fn begin(&self, access: Access) -> Result<Self::Transaction, QueueError> {
        let pool = self.pool().await?;
        let begin = match access {
            Access::Read => BEGIN_READ,
            Access::Write => BEGIN_WRITE,
        };
        within(pool.begin_with(begin))
            .await
            .map_err(failed("begin a transaction"))
    }
}

#[async_trait]
impl Transaction for sqlx::Transaction<'static, Postgres> {
    type Row = PgRow;

    async fn fetch(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<Vec<PgRow>, sqlx::Error> {
        let query = bound::<Postgres>(statement.postgres, values).persistent(false);
        within(query.fetch_all(&mut **self)).await
    }

    async fn change(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let query = bound::<Postgres>(statement.postgres, values).persistent(false);
        let done = within(query.execute(&mut **self)).await?;
        Ok(done.rows_affected())
    }

    async fn commit(self) -> Result<(), sqlx::Error> {
        within(sqlx::Transaction::commit(self)).await
    }
}

#[cfg(test)]
mod tests;
