//! Brings the schema up to date, in one transaction under an advisory lock: of two processes that start together the second
//! waits, and then finds it done. A schema that is newer than this program serves as it is (`migrations/README.md`), and
//! one that is up to date asks for no right to create.

use sqlx::postgres::{PgPool, PgRow, PgTransaction};
use sqlx::{Postgres, Row as _, Transaction, raw_sql};

use super::{QueueError, RefuseServer, failed, server};

/// The schema, oldest part first. Never edited once released: a change is a new file.
const MIGRATIONS: [(i64, &str); 6] = [
    (1, include_str!("../../../migrations/postgres/0001_job.sql")),
    (2, include_str!("../../../migrations/postgres/0002_details.sql")),
    (3, include_str!("../../../migrations/postgres/0003_audio_source.sql")),
    (4, include_str!("../../../migrations/postgres/0004_choices.sql")),
    (5, include_str!("../../../migrations/postgres/0005_started.sql")),
    (6, include_str!("../../../migrations/postgres/0006_piece.sql")),
];

// A migration may have to wait for another's, and longer than any statement of ours.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit TO on; \
     SET LOCAL statement_timeout TO '60s'; SET LOCAL idle_in_transaction_session_timeout TO '60s'";

/// "mkpl": whoever else takes advisory locks in this database takes others. One per schema.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1835757676, hashtext(current_schema()))";

// By a look at the catalog's rows: what `to_regclass` says may be remembered from before the wait for the lock.
const FACTS: &str = "
    SELECT current_user::text AS role, current_schema()::text AS schema,
           has_schema_privilege(current_schema(), 'CREATE')::text AS may_create,
           EXISTS (SELECT FROM pg_catalog.pg_class
                   WHERE relname = 'job_schema' AND relnamespace = current_schema()::regnamespace)::text AS is_there";

const MADE: &str = "CREATE TABLE job_schema (version BIGINT NOT NULL PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL)";
const VERSION: &str = "SELECT coalesce(max(version), 0)::text AS version FROM job_schema";
const USABLE: &str = "
    SELECT (has_table_privilege('job', 'SELECT') AND has_table_privilege('job', 'INSERT')
        AND has_table_privilege('job', 'UPDATE') AND has_table_privilege('job', 'DELETE')
        AND has_table_privilege('job_schema', 'SELECT')
        AND coalesce(has_table_privilege(to_regclass('job_audit'), 'SELECT')
                 AND has_table_privilege(to_regclass('job_audit'), 'INSERT')
                 AND has_table_privilege(to_regclass('job_audit'), 'DELETE'), true)
        AND coalesce(has_table_privilege(to_regclass('job_piece'), 'SELECT')
                 AND has_table_privilege(to_regclass('job_piece'), 'INSERT')
                 AND has_table_privilege(to_regclass('job_piece'), 'UPDATE')
                 AND has_table_privilege(to_regclass('job_piece'), 'DELETE'), true))::text AS usable";

const ACTION: &str = "migrate the queue";

/// Does it, or finds it done.
pub(super) async fn migrate(pool: &PgPool) -> Result<(), QueueError> {
    let mut transaction = pool.begin_with(BEGIN).await.map_err(server::open_error)?;
    ask(&mut transaction, LOCK).await?;
    let facts = ask(&mut transaction, FACTS).await?;
    let (role, schema) = (text(&facts, "role")?, text(&facts, "schema")?);
    if text(&facts, "is_there")? == "true" && text(&ask(&mut transaction, USABLE).await?, "usable")? == "false" {
        return Err(QueueError::RefuseServer(RefuseServer::UseTable { role, schema }));
    }
    let version: i64 = match text(&facts, "is_there")?.as_str() {
        "true" => text(&ask(&mut transaction, VERSION).await?, "version")?,
        _ => "0".to_owned(),
    }
    .parse()
    .map_err(|_| QueueError::ReadRow { column: "version" })?;
    let missing: Vec<_> = MIGRATIONS.iter().filter(|(number, _)| *number > version).collect();
    if !missing.is_empty() && text(&facts, "may_create")? == "false" {
        return Err(QueueError::RefuseServer(RefuseServer::CreateTables { role, schema }));
    }
    if version == 0 {
        apply(&mut transaction, MADE).await?;
    }
    for (number, sql) in missing {
        apply(&mut transaction, sql).await?;
        let noted = sqlx::query("INSERT INTO job_schema (version, applied_at) VALUES ($1, clock_timestamp())")
            .bind(number)
            .persistent(false);
        noted.execute(&mut *transaction).await.map_err(failed(ACTION))?;
        tracing::info!(version = number, schema, "the queue's tables are up to date");
    }
    transaction.commit().await.map_err(failed(ACTION))
}

async fn apply(transaction: &mut PgTransaction<'_>, sql: &'static str) -> Result<(), QueueError> {
    raw_sql(sql)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(failed(ACTION))
}

async fn ask(transaction: &mut Transaction<'_, Postgres>, sql: &'static str) -> Result<PgRow, QueueError> {
    raw_sql(sql).fetch_one(&mut **transaction).await.map_err(failed(ACTION))
}

fn text(row: &PgRow, column: &'static str) -> Result<String, QueueError> {
    row.try_get(column).map_err(|_| QueueError::ReadRow { column })
}
