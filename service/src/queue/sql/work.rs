//! Leases on work: given, renewed, given up. Each is one statement.

use super::statement::{Statement, statement};
use super::{Access, Database, QueueError, SqlQueue, Transaction, Value, failed, integer, row};
use crate::domain::Job;
use crate::queue::lease::LeaseToken;
use crate::queue::{CALLBACK_FLOOR_SECONDS, Fence, Lease, Outcome, ResultBody, WorkRecord};

// A lease that has ended frees its job, whatever became of the one who had it. The rows are chosen once (MATERIALIZED): an
// IN that Postgres evaluates again for each row would choose and lock others each time.
const CLAIM: Statement = statement!(
    "WITH chosen AS MATERIALIZED (
        SELECT id FROM job
        WHERE addon = $3 AND state IN ('queued', 'running') AND NOT " FETCHING "
          AND ((state = 'queued' AND run_at <= " NOW ")
            OR (state = 'running' AND lease_until <= " NOW "))
        ORDER BY due_at LIMIT $4 " UNLESS_LOCKED ")
    UPDATE job SET state = 'running', attempt = attempt + 1, started_at = " NOW ",
                   lease_token = $1, lease_number = lease_number + 1, lease_until = " NOW " + $2
    WHERE id IN (SELECT id FROM chosen)
    RETURNING *, " NOW " - accepted_at AS age_seconds"
);

// The same where an installation may have only so many in work: its jobs are numbered in the order of work, behind those
// that run already, and only the first ones are looked at.
const CLAIM_SHARED: Statement = statement!(
    "WITH running AS (
        SELECT install, count(*) AS jobs FROM job
        WHERE addon = $3 AND state = 'running' AND lease_until > " NOW " GROUP BY install),
    placed AS MATERIALIZED (
        SELECT job.id, coalesce(running.jobs, 0)
                       + row_number() OVER (PARTITION BY job.install ORDER BY due_at, id) AS place
        FROM job LEFT JOIN running ON running.install = job.install
        WHERE addon = $3 AND state IN ('queued', 'running') AND NOT " FETCHING "
          AND ((state = 'queued' AND run_at <= " NOW ")
            OR (state = 'running' AND lease_until <= " NOW "))),
    chosen AS MATERIALIZED (
        SELECT id FROM job
        WHERE addon = $3 AND state IN ('queued', 'running') AND NOT " FETCHING "
          AND ((state = 'queued' AND run_at <= " NOW ")
            OR (state = 'running' AND lease_until <= " NOW "))
          AND id IN (SELECT id FROM placed WHERE place <= $5)
        ORDER BY due_at LIMIT $4 " UNLESS_LOCKED ")
    UPDATE job SET state = 'running', attempt = attempt + 1, started_at = " NOW ",
                   lease_token = $1, lease_number = lease_number + 1, lease_until = " NOW " + $2
    WHERE id IN (SELECT id FROM chosen)
    RETURNING *, " NOW " - accepted_at AS age_seconds"
);

// Two that claim at the same moment would each count without the other.
const CLAIM_ALONE: Statement = statement!(ALONE);

const RENEW: Statement = statement!(
    "UPDATE job SET lease_until = " NOW " + $5
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4"
);

// The result and the intent to call back are one statement: neither is ever without the other.
const FINISH: Statement = statement!(
    "UPDATE job SET state = 'delivering', result = $5, result_key = $6, error_code = $7,
                   finished_at = " NOW ", deliver_from = " NOW ", deliver_at = " NOW ",
                   deliver_until = " LATER_OF "(accepted_at + cutoff_seconds, " NOW " + $8),
                   lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND state = 'running'"
);

const RETRY: Statement = statement!(
    "UPDATE job SET state = 'queued', last_error = $5, run_at = " NOW " + $6, lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND state = 'running'"
);

const POSTPONE: Statement = statement!(
    "UPDATE job SET state = 'queued', attempt = attempt - 1, last_error = $5, run_at = " NOW " + $6,
                   lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND state = 'running'"
);

const RELEASE: Statement = statement!(
    "UPDATE job SET state = 'queued', attempt = attempt - 1, lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND state = 'running'"
);

const CLAIM_ACTION: &str = "claim jobs";
const FINISH_ACTION: &str = "finish a job";

pub(super) async fn claim(queue: &SqlQueue<impl Database>, limit: usize) -> Result<Vec<Lease<Job>>, QueueError> {
    let token = LeaseToken::random().0;
    let values = queue.claiming(&token, limit);
    let rows = match queue.room.install_running {
        None => queue.fetch(Access::Write, (&CLAIM, CLAIM_ACTION), &values).await?,
        Some(most) => claim_shared(queue, &values, most).await?,
    };
    // RETURNING keeps no order.
    let mut leases = rows
        .iter()
        .map(|found| Ok((row::due_at(found)?, row::job(found, "attempt")?)))
        .collect::<Result<Vec<_>, QueueError>>()?;
    leases.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    Ok(leases.into_iter().map(|(_, lease)| lease).collect())
}

async fn claim_shared<D: Database>(
    queue: &SqlQueue<D>,
    values: &[Value<'_>],
    most: u64,
) -> Result<Vec<<D::Transaction as Transaction>::Row>, QueueError> {
    let mut transaction = queue.database.begin(Access::Write).await?;
    let alone = transaction
        .fetch(&CLAIM_ALONE, &[Value::Text(queue.addon.as_str())])
        .await;
    alone.map_err(failed(CLAIM_ACTION))?;
    let values: Vec<_> = values.iter().copied().chain([integer(most)]).collect();
    let rows = transaction.fetch(&CLAIM_SHARED, &values).await;
    let rows = rows.map_err(failed(CLAIM_ACTION))?;
    transaction.commit().await.map_err(failed(CLAIM_ACTION))?;
    Ok(rows)
}

pub(super) async fn renew(queue: &SqlQueue<impl Database>, fence: &Fence) -> Result<(), QueueError> {
    let values = [Value::Real(queue.lease_seconds)];
    queue.change_fenced((&RENEW, "renew a lease"), fence, &values).await
}

pub(super) async fn finish(
    queue: &SqlQueue<impl Database>,
    fence: &Fence,
    record: WorkRecord,
) -> Result<(), QueueError> {
    match record {
        WorkRecord::Done(Outcome { body, error_code }) => {
            let (inline, key) = match &body {
                ResultBody::Inline(json) => (Some(json.as_str()), None),
                ResultBody::Spooled(key) => (None, Some(key.as_str())),
            };
            let values = [
                Value::Optional(inline),
                Value::Optional(key),
                Value::Optional(error_code),
                Value::Real(CALLBACK_FLOOR_SECONDS),
            ];
            queue.change_fenced((&FINISH, FINISH_ACTION), fence, &values).await
        }
        WorkRecord::Retry { reason, after_seconds } => {
            let values = [Value::Text(reason), Value::Real(after_seconds)];
            queue.change_fenced((&RETRY, FINISH_ACTION), fence, &values).await
        }
        WorkRecord::Postpone { reason, after_seconds } => {
            let values = [Value::Text(reason), Value::Real(after_seconds)];
            queue.change_fenced((&POSTPONE, FINISH_ACTION), fence, &values).await
        }
        WorkRecord::Release => queue.change_fenced((&RELEASE, FINISH_ACTION), fence, &[]).await,
    }
}
