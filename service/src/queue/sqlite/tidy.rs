//! What is not about one job: freeing what a dead process left, figures, and forgetting.

use std::collections::HashSet;

use super::{QueueError, SqliteQueue, failed, row};
use crate::domain::{JobId, SpoolKey};
use crate::queue::{Gauges, JobState, Retention};

const RECOVER: &str = "
    UPDATE job SET state = iif(state = 'running', 'queued', state), lease_token = NULL, lease_until = NULL
    WHERE addon = ? AND lease_token IS NOT NULL AND state IN ('running', 'delivering')";

const COUNT: &str = "SELECT count(*) AS jobs FROM job WHERE addon = ? AND state = ?";

const OLDEST: &str = "
    SELECT coalesce(max(unixepoch('subsec') - accepted_at), 0.0) AS oldest_seconds
    FROM job WHERE addon = ? AND state IN ('queued', 'running')";

const REMOVABLE_AUDIO: &str = "
    SELECT id, audio_key FROM job
    WHERE addon = ? AND audio_key IS NOT NULL
      AND (state IN ('confirmed', 'rejected', 'expired')
        OR (state = 'delivering' AND accepted_at + cutoff_seconds < unixepoch('subsec')))
    LIMIT ?";

const AUDIO_REMOVED: &str = "UPDATE job SET audio_key = NULL WHERE addon = ? AND id = ?";

const FORGET: &str = "
    UPDATE job SET result = NULL, result_key = NULL, callback = NULL, forgotten_at = unixepoch('subsec')
    WHERE addon = ? AND ended_at <= unixepoch('subsec') - ? AND forgotten_at IS NULL";

const DELETE: &str = "
    DELETE FROM job
    WHERE addon = ? AND ended_at IS NOT NULL AND forgotten_at IS NOT NULL AND audio_key IS NULL
      AND accepted_at <= unixepoch('subsec') - ?";

// Whoever's row it is: a file that any row names is not an orphan.
const KNOWN_FILES: &str = "
    SELECT audio_key AS key FROM job WHERE audio_key IN (SELECT value FROM json_each(?1))
    UNION SELECT result_key FROM job WHERE result_key IN (SELECT value FROM json_each(?1))";

pub(super) async fn recover(queue: &SqliteQueue) -> Result<u64, QueueError> {
    let update = sqlx::query(RECOVER).bind(queue.addon.as_str());
    let freed = update.execute(&queue.writer).await.map_err(failed("recover leases"))?;
    Ok(freed.rows_affected())
}

pub(super) async fn gauges(queue: &SqliteQueue) -> Result<Gauges, QueueError> {
    let mut jobs = Vec::with_capacity(JobState::GAUGED.len());
    for state in JobState::GAUGED {
        let query = sqlx::query(COUNT).bind(queue.addon.as_str()).bind(state.label());
        let counted = query.fetch_one(&queue.readers).await.map_err(failed("count jobs"))?;
        jobs.push((state, row::number(&counted, "jobs")?));
    }
    let query = sqlx::query(OLDEST).bind(queue.addon.as_str());
    let oldest = query
        .fetch_one(&queue.readers)
        .await
        .map_err(failed("find the oldest job"))?;
    Ok(Gauges {
        jobs,
        oldest_seconds: row::column(&oldest, "oldest_seconds")?,
    })
}

pub(super) async fn removable_audio(queue: &SqliteQueue, limit: usize) -> Result<Vec<(JobId, SpoolKey)>, QueueError> {
    let query = sqlx::query(REMOVABLE_AUDIO)
        .bind(queue.addon.as_str())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = query
        .fetch_all(&queue.readers)
        .await
        .map_err(failed("list removable audio"))?;
    rows.iter()
        .map(|found| {
            let key = row::spool_key(found, "audio_key")?.ok_or(QueueError::ReadRow { column: "audio_key" })?;
            Ok((row::id(found)?, key))
        })
        .collect()
}

pub(super) async fn audio_removed(queue: &SqliteQueue, id: JobId) -> Result<(), QueueError> {
    let update = sqlx::query(AUDIO_REMOVED)
        .bind(queue.addon.as_str())
        .bind(id.to_string());
    update
        .execute(&queue.writer)
        .await
        .map(|_| ())
        .map_err(failed("note removed audio"))
}

pub(super) async fn retire(queue: &SqliteQueue, retention: &Retention) -> Result<u64, QueueError> {
    let mut changed = 0;
    for (statement, seconds) in [(FORGET, retention.result_seconds), (DELETE, retention.row_seconds)] {
        let update = sqlx::query(statement).bind(queue.addon.as_str()).bind(seconds);
        changed += update
            .execute(&queue.writer)
            .await
            .map_err(failed("retire jobs"))?
            .rows_affected();
    }
    Ok(changed)
}

pub(super) async fn known_files(queue: &SqliteQueue, keys: &[SpoolKey]) -> Result<HashSet<SpoolKey>, QueueError> {
    let names: Vec<&str> = keys.iter().map(SpoolKey::as_str).collect();
    let names = serde_json::to_string(&names).expect("strings always serialise");
    // Asked of the writer: a reader may not see yet what was committed a moment ago, and what is unknown is removed.
    let query = sqlx::query(KNOWN_FILES).bind(names);
    let rows = query.fetch_all(&queue.writer).await.map_err(failed("look up files"))?;
    rows.iter()
        .map(|found| row::spool_key(found, "key")?.ok_or(QueueError::ReadRow { column: "key" }))
        .collect()
}
