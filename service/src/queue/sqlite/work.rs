//! Leases on work: given, renewed, given up. Each is one statement, so each is one transaction.

use super::{QueueError, SqliteQueue, change, failed, row};
use crate::domain::Job;
use crate::queue::lease::LeaseToken;
use crate::queue::{CALLBACK_FLOOR_SECONDS, Fence, Lease, Outcome, ResultBody, WorkRecord};

// A lease that has ended frees its job, whatever became of the one who had it.
const CLAIM: &str = "
    UPDATE job SET state = 'running', attempt = attempt + 1,
                   lease_token = ?, lease_number = lease_number + 1, lease_until = unixepoch('subsec') + ?
    WHERE id IN (
        SELECT id FROM job
        WHERE addon = ? AND state IN ('queued', 'running')
          AND ((state = 'queued' AND run_at <= unixepoch('subsec'))
            OR (state = 'running' AND lease_until <= unixepoch('subsec')))
        ORDER BY due_at LIMIT ?)
    RETURNING *, unixepoch('subsec') - accepted_at AS age_seconds";

const RENEW: &str = "
    UPDATE job SET lease_until = unixepoch('subsec') + ?
    WHERE addon = ? AND id = ? AND lease_token = ? AND lease_number = ?";

// The result and the intent to call back are one statement: neither is ever without the other.
const FINISH: &str = "
    UPDATE job SET state = 'delivering', result = ?, result_key = ?, error_code = ?,
                   finished_at = unixepoch('subsec'), deliver_from = unixepoch('subsec'),
                   deliver_at = unixepoch('subsec'),
                   deliver_until = max(accepted_at + cutoff_seconds, unixepoch('subsec') + ?),
                   lease_token = NULL, lease_until = NULL
    WHERE addon = ? AND id = ? AND lease_token = ? AND lease_number = ? AND state = 'running'";

const RETRY: &str = "
    UPDATE job SET state = 'queued', last_error = ?, run_at = unixepoch('subsec') + ?,
                   lease_token = NULL, lease_until = NULL
    WHERE addon = ? AND id = ? AND lease_token = ? AND lease_number = ? AND state = 'running'";

const RELEASE: &str = "
    UPDATE job SET state = 'queued', attempt = attempt - 1, lease_token = NULL, lease_until = NULL
    WHERE addon = ? AND id = ? AND lease_token = ? AND lease_number = ? AND state = 'running'";

pub(super) async fn claim(queue: &SqliteQueue, limit: usize) -> Result<Vec<Lease<Job>>, QueueError> {
    let rows = sqlx::query(CLAIM)
        .bind(LeaseToken::random().0)
        .bind(queue.lease_seconds)
        .bind(queue.addon.as_str())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&queue.writer)
        .await
        .map_err(failed("claim jobs"))?;
    // RETURNING keeps no order.
    let mut leases = rows
        .iter()
        .map(|found| Ok((row::column::<f64>(found, "due_at")?, row::job(found)?)))
        .collect::<Result<Vec<_>, QueueError>>()?;
    leases.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    Ok(leases.into_iter().map(|(_, lease)| lease).collect())
}

pub(super) async fn renew(queue: &SqliteQueue, fence: &Fence) -> Result<(), QueueError> {
    change(
        queue,
        sqlx::query(RENEW).bind(queue.lease_seconds),
        fence,
        "renew a lease",
    )
    .await
}

pub(super) async fn finish(queue: &SqliteQueue, fence: &Fence, record: WorkRecord) -> Result<(), QueueError> {
    let update = match record {
        WorkRecord::Done(Outcome { body, error_code }) => {
            let (inline, key) = match body {
                ResultBody::Inline(json) => (Some(json), None),
                ResultBody::Spooled(key) => (None, Some(key.as_str().to_owned())),
            };
            sqlx::query(FINISH)
                .bind(inline)
                .bind(key)
                .bind(error_code)
                .bind(CALLBACK_FLOOR_SECONDS)
        }
        WorkRecord::Retry { reason, after_seconds } => sqlx::query(RETRY).bind(reason).bind(after_seconds),
        WorkRecord::Release => sqlx::query(RELEASE),
    };
    change(queue, update, fence, "finish a job").await
}
