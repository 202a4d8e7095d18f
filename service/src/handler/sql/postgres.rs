//! A query on Postgres. The server itself keeps the bounds: the transaction is read-only, the statement ends when its time
//! is over, and a row that is larger than an answer may be never leaves it. It also makes the JSON, which it can of every
//! type it has.
//!
//! Nothing is prepared under a name or set for a session, so that PgBouncer may give each transaction another one.

use std::str::FromStr as _;
use std::time::Instant;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqlSafeStr as _};

use super::LookUpRow;
use super::statement::Statement;
use crate::admission::Lookup;
use crate::config::SqlPlan;
use crate::handler::{ANSWER_LIMIT_BYTES, Results};

/// The server ended the statement because its time was over.
const QUERY_CANCELED: &str = "57014";

pub(super) fn open(url: &SecretString, plan: &SqlPlan) -> Result<PgPool, LookUpRow> {
    let options = PgConnectOptions::from_str(url.expose_secret())
        .map_err(|_| LookUpRow::ReadUrl)?
        .application_name("marketplace-service")
        // What the driver asks for beyond the common parameters PgBouncer refuses.
        .extra_float_digits(None)
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(plan.max_connections)
        .acquire_timeout(plan.timeout);
    Ok(pool.connect_lazy_with(options))
}

pub(super) async fn first_row(
    pool: &PgPool,
    statement: &Statement,
    lookup: &Lookup,
    deadline: Instant,
) -> Result<Option<Results>, LookUpRow> {
    let connection = pool.acquire().await.map_err(|error| explain(&error))?;
    let left = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout TO '{left}ms'; \
         SET LOCAL idle_in_transaction_session_timeout TO '{left}ms'"
    );
    let mut transaction = sqlx::Transaction::begin(connection, Some(AssertSqlSafe(begin).into_sql_str()))
        .await
        .map_err(|error| explain(&error))?;
    let mut query = sqlx::query_as::<_, (bool, Option<String>)>(AssertSqlSafe(bounded(statement)));
    for value in statement.values(lookup) {
        query = query.bind(value.map(str::to_owned));
    }
    let row = query
        .persistent(false)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(|error| explain(&error))?;
    transaction.rollback().await.map_err(|error| explain(&error))?;
    match row {
        None => Ok(None),
        Some((true, Some(json))) => serde_json::from_str(&json)
            .map(Some)
            .map_err(|_| LookUpRow::RunQuery("its row is no JSON object".to_owned())),
        Some((_, _)) => Err(LookUpRow::TakeRow),
    }
}

/// The first row as JSON, if it fits. The query may end in a comment, hence the line ends.
fn bounded(statement: &Statement) -> String {
    format!(
        "SELECT octet_length(answer) <= {ANSWER_LIMIT_BYTES}, \
                CASE WHEN octet_length(answer) <= {ANSWER_LIMIT_BYTES} THEN answer END \
         FROM (SELECT row_to_json(found)::text AS answer FROM (\n{}\n) AS found LIMIT 1) AS bounded",
        statement.with_dollars()
    )
}

/// What the server says of a query may quote what was asked about: its code says enough.
fn explain(error: &sqlx::Error) -> LookUpRow {
    match error {
        sqlx::Error::Database(said) => match said.code() {
            Some(code) if code == QUERY_CANCELED => LookUpRow::EndQuery,
            Some(code) => LookUpRow::RunQuery(format!("Postgres says {code}")),
            None => LookUpRow::RunQuery("Postgres refused it".to_owned()),
        },
        sqlx::Error::PoolTimedOut => LookUpRow::EndQuery,
        other => LookUpRow::RunQuery(other.to_string()),
    }
}
