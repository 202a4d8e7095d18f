//! What is finished of a transcription whose job is not: written and read under the job's lease, forgotten with its end.

use super::statement::{Statement, statement};
use super::{Access, Columns as _, Database, QueueError, SqlQueue, Value, integer, row};
use crate::queue::Fence;

// The row of the job is the proof of the lease: without it there is nothing to insert.
const KEEP: Statement = statement!(
    "INSERT INTO job_piece (addon, job, engine, place, segments)
    SELECT addon, id, $5, $6, $7 FROM job
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND state = 'running'
    ON CONFLICT (addon, job, engine, place) DO UPDATE SET segments = excluded.segments"
);

const KEPT: Statement =
    statement!("SELECT place, segments FROM job_piece WHERE addon = $1 AND job = $2 AND engine = $3 ORDER BY place");

const FORGET: Statement = statement!(
    "DELETE FROM job_piece WHERE addon = $1
      AND job NOT IN (SELECT id FROM job WHERE addon = $1 AND state IN ('queued', 'running'))"
);

pub(super) async fn keep(
    queue: &SqlQueue<impl Database>,
    fence: &Fence,
    engine: &str,
    (place, segments): (u32, &str),
) -> Result<(), QueueError> {
    let values = [Value::Text(engine), integer(place), Value::Text(segments)];
    queue
        .change_fenced((&KEEP, "keep a finished piece"), fence, &values)
        .await
}

pub(super) async fn kept(
    queue: &SqlQueue<impl Database>,
    fence: &Fence,
    engine: &str,
) -> Result<Vec<(u32, String)>, QueueError> {
    let id = fence.id.to_string();
    let values = [Value::Text(queue.addon.as_str()), Value::Text(&id), Value::Text(engine)];
    let rows = queue
        .fetch(Access::Read, (&KEPT, "read finished pieces"), &values)
        .await?;
    rows.iter()
        .map(|found| Ok((row::number(found, "place")?, found.text("segments")?)))
        .collect()
}

/// Forgets what no unfinished job needs.
pub(super) async fn forget(queue: &SqlQueue<impl Database>) -> Result<u64, QueueError> {
    let values = [Value::Text(queue.addon.as_str())];
    queue.change((&FORGET, "forget finished pieces"), &values).await
}
