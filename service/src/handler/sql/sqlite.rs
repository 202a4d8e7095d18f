//! A query on a file of SQLite. It is somebody else's, so it is touched as little as can be: opened read-only in the file's
//! mode and in SQLite's own (`query_only`), with a time limit that also interrupts a query which is still computing. One
//! SELECT can neither ATTACH another file nor set a PRAGMA. The service's own data folder is out of bounds: its queue has
//! the recordings of all customers.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _, TypeInfo as _, ValueRef as _};

use super::LookUpRow;
use super::statement::Statement;
use crate::admission::Lookup;
use crate::config::SqlPlan;
use crate::handler::{ANSWER_LIMIT_BYTES, Results};

/// How many steps of SQLite's machine run between two looks at the clock: well under a millisecond.
const STEPS_PER_LOOK: i32 = 1000;

pub(super) fn open(url: &SecretString, plan: &SqlPlan, data: Option<&Path>) -> Result<SqlitePool, LookUpRow> {
    let options = SqliteConnectOptions::from_str(url.expose_secret())
        .map_err(|_| LookUpRow::ReadUrl)?
        .read_only(true)
        .create_if_missing(false)
        .pragma("query_only", "on")
        .busy_timeout(plan.timeout);
    if data.is_some_and(|data| lies_in(options.get_filename(), data)) {
        return Err(LookUpRow::ReadOwnData);
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(plan.max_connections)
        .acquire_timeout(plan.timeout);
    Ok(pool.connect_lazy_with(options))
}

/// Links lead where they lead. A file that is not there is in no folder, and nothing is opened.
fn lies_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

pub(super) async fn first_row(
    pool: &SqlitePool,
    statement: &Statement,
    lookup: &Lookup,
    deadline: Instant,
) -> Result<Option<Results>, LookUpRow> {
    let mut connection = pool.acquire().await.map_err(|error| explain(&error))?;
    // Dropping the future does not stop SQLite, which computes in a thread of its own; this does.
    connection
        .lock_handle()
        .await
        .map_err(|error| explain(&error))?
        .set_progress_handler(STEPS_PER_LOOK, move || Instant::now() < deadline);
    let mut transaction = connection.begin().await.map_err(|error| explain(&error))?;
    let mut query = sqlx::query(AssertSqlSafe(statement.as_str().to_owned()));
    for value in statement.values(lookup) {
        query = query.bind(value.map(str::to_owned));
    }
    let row = query
        .fetch_optional(&mut *transaction)
        .await
        .map_err(|error| explain(&error))?;
    let results = row.map(|row| results(&row)).transpose()?;
    transaction.rollback().await.map_err(|error| explain(&error))?;
    Ok(results)
}

fn results(row: &SqliteRow) -> Result<Results, LookUpRow> {
    let mut results = Results::new();
    let mut bytes = 0;
    for column in row.columns() {
        let (value, length) = value(row, column.ordinal()).map_err(|error| explain(&error))?;
        bytes += length;
        if bytes > ANSWER_LIMIT_BYTES {
            return Err(LookUpRow::TakeRow);
        }
        results.insert(column.name().to_owned(), value);
    }
    Ok(results)
}

/// By the value's own type: SQLite's columns have none that binds. With its length where it may be long.
fn value(row: &SqliteRow, column: usize) -> Result<(Value, usize), sqlx::Error> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok((Value::Null, 0));
    }
    Ok(match raw.type_info().name() {
        "INTEGER" => (Value::from(row.try_get_unchecked::<i64, _>(column)?), 0),
        "REAL" => (Value::from(row.try_get_unchecked::<f64, _>(column)?), 0),
        "BLOB" => {
            let bytes = row.try_get_unchecked::<&[u8], _>(column)?;
            // One that is too long is not made longer still.
            let is_short = bytes.len() <= ANSWER_LIMIT_BYTES;
            let encoded = is_short.then(|| STANDARD.encode(bytes));
            (Value::from(encoded), bytes.len())
        }
        _ => {
            let text = row.try_get_unchecked::<&str, _>(column)?;
            (Value::from(text), text.len())
        }
    })
}

fn explain(error: &sqlx::Error) -> LookUpRow {
    LookUpRow::RunQuery(error.to_string())
}
