//! What is not about one job: freeing what a dead process left, figures, and forgetting.

use std::collections::HashSet;

use super::statement::{Statement, statement};
use super::{
    Access, Columns as _, Database, QueueError, SqlQueue, Transaction as _, Value, failed, integer, pieces, row,
};
use crate::domain::{JobId, SpoolKey};
use crate::queue::{Gauges, Retention, Standing};

const RECOVER: Statement = statement!(
    "UPDATE job SET state = CASE state WHEN 'running' THEN 'queued' ELSE state END,
                   lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND lease_token IS NOT NULL AND (state IN ('running', 'delivering') OR " FETCHING ")"
);

const COUNT: Statement = statement!(
    "SELECT count(*) AS jobs FROM job
    WHERE addon = $1 AND state = $2 AND held_at IS NULL AND discarded_at IS NULL AND NOT " FETCHING
);

const COUNT_HELD: Statement =
    statement!("SELECT count(*) AS jobs FROM job WHERE addon = $1 AND held_at IS NOT NULL AND $2 = 'held'");

const COUNT_FETCHING: Statement = statement!(
    "SELECT count(*) AS jobs FROM job
    WHERE addon = $1 AND " FETCHING " AND held_at IS NULL AND $2 = 'fetching'"
);

const OLDEST: Statement = statement!(
    "SELECT coalesce(max(" NOW " - accepted_at), 0.0) AS oldest_seconds
    FROM job WHERE addon = $1 AND state IN ('queued', 'running') AND held_at IS NULL"
);

const REMOVABLE_AUDIO: Statement = statement!(
    "SELECT id, audio_key FROM job
    WHERE addon = $1 AND audio_key IS NOT NULL
      AND (state IN ('confirmed', 'rejected', 'expired')
        OR (state = 'delivering' AND accepted_at + cutoff_seconds < " NOW "))
    LIMIT $2"
);

const AUDIO_REMOVED: Statement = statement!("UPDATE job SET audio_key = NULL WHERE addon = $1 AND id = $2");

// Several processes may forget at the same time: each takes the rows that no other has.
const FORGET: Statement = statement!(
    "WITH chosen AS MATERIALIZED (
        SELECT id FROM job WHERE addon = $1 AND ended_at <= " NOW " - $2 AND forgotten_at IS NULL " UNLESS_LOCKED ")
    UPDATE job SET result = NULL, result_key = NULL, details = NULL, callback = NULL, audio_source = NULL,
                   forgotten_at = " NOW "
    WHERE id IN (SELECT id FROM chosen)"
);

const DELETE: Statement = statement!(
    "WITH chosen AS MATERIALIZED (
        SELECT id FROM job
        WHERE addon = $1 AND ended_at IS NOT NULL AND forgotten_at IS NOT NULL AND audio_key IS NULL
          AND accepted_at <= " NOW " - $2 " UNLESS_LOCKED ")
    DELETE FROM job WHERE id IN (SELECT id FROM chosen)"
);

const FORGET_AUDIT: Statement = statement!("DELETE FROM job_audit WHERE addon = $1 AND at <= " NOW " - $2");

// Whoever's row it is: a file that any row names is not an orphan.
const KNOWN_FILES: Statement = statement!(
    "SELECT audio_key AS key FROM job WHERE audio_key IN " MEMBERS
    " UNION SELECT result_key FROM job WHERE result_key IN " MEMBERS
);

pub(super) async fn recover(queue: &SqlQueue<impl Database>) -> Result<u64, QueueError> {
    let values = [Value::Text(queue.addon.as_str())];
    queue.change((&RECOVER, "recover leases"), &values).await
}

pub(super) async fn gauges(queue: &SqlQueue<impl Database>) -> Result<Gauges, QueueError> {
    let addon = Value::Text(queue.addon.as_str());
    let mut transaction = queue.database.begin(Access::Read).await?;
    let mut jobs = Vec::with_capacity(Standing::GAUGED.len());
    for standing in Standing::GAUGED {
        let statement = match standing {
            Standing::Held => &COUNT_HELD,
            Standing::Fetching => &COUNT_FETCHING,
            Standing::Queued
            | Standing::Running
            | Standing::Delivering
            | Standing::Confirmed
            | Standing::Rejected
            | Standing::Expired
            | Standing::Discarded => &COUNT,
        };
        let counted = transaction
            .fetch(statement, &[addon, Value::Text(standing.label())])
            .await;
        let counted = counted.map_err(failed("count jobs"))?;
        jobs.push((standing, row::number(only(&counted)?, "jobs")?));
    }
    let oldest = transaction.fetch(&OLDEST, &[addon]).await;
    let oldest = oldest.map_err(failed("find the oldest job"))?;
    transaction.commit().await.map_err(failed("count jobs"))?;
    Ok(Gauges {
        jobs,
        oldest_seconds: only(&oldest)?.real("oldest_seconds")?,
    })
}

fn only<R>(rows: &[R]) -> Result<&R, QueueError> {
    rows.first().ok_or(QueueError::ReadRow { column: "all" })
}

pub(super) async fn removable_audio(
    queue: &SqlQueue<impl Database>,
    limit: usize,
) -> Result<Vec<(JobId, SpoolKey)>, QueueError> {
    let values = [Value::Text(queue.addon.as_str()), integer(limit)];
    let rows = queue
        .fetch(Access::Read, (&REMOVABLE_AUDIO, "list removable audio"), &values)
        .await?;
    rows.iter()
        .map(|found| Ok((row::id(found)?, some_key(found, "audio_key")?)))
        .collect()
}

pub(super) async fn audio_removed(queue: &SqlQueue<impl Database>, id: JobId) -> Result<(), QueueError> {
    let id = id.to_string();
    let values = [Value::Text(queue.addon.as_str()), Value::Text(&id)];
    queue
        .change((&AUDIO_REMOVED, "note removed audio"), &values)
        .await
        .map(drop)
}

pub(super) async fn retire(queue: &SqlQueue<impl Database>, retention: &Retention) -> Result<u64, QueueError> {
    let mut changed = 0;
    for (statement, seconds) in [
        (&FORGET, retention.result_seconds),
        (&DELETE, retention.row_seconds),
        (&FORGET_AUDIT, retention.row_seconds),
    ] {
        let values = [Value::Text(queue.addon.as_str()), Value::Real(seconds)];
        changed += queue.change((statement, "retire jobs"), &values).await?;
    }
    changed += pieces::forget(queue).await?;
    Ok(changed)
}

pub(super) async fn known_files(
    queue: &SqlQueue<impl Database>,
    keys: &[SpoolKey],
) -> Result<HashSet<SpoolKey>, QueueError> {
    let names: Vec<&str> = keys.iter().map(SpoolKey::as_str).collect();
    let names = serde_json::to_string(&names).expect("strings always serialise");
    // Not as a reader, who may not see yet what was committed a moment ago: what is unknown is removed.
    let rows = queue
        .fetch(Access::Write, (&KNOWN_FILES, "look up files"), &[Value::Text(&names)])
        .await?;
    rows.iter().map(|found| some_key(found, "key")).collect()
}

fn some_key(row: &impl super::Columns, column: &'static str) -> Result<SpoolKey, QueueError> {
    row::spool_key(row, column)?.ok_or(QueueError::ReadRow { column })
}
