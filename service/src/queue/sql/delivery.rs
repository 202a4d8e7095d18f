//! Leases on results that are on their way. The same columns fence them as fence the work.

use super::statement::{Statement, statement};
use super::{Access, Database, QueueError, SqlQueue, Value, row};
use crate::queue::lease::LeaseToken;
use crate::queue::{Delivery, DeliveryRecord, Fence, Lease};

const CLAIM: Statement = statement!(
    "WITH chosen AS MATERIALIZED (
        SELECT id FROM job
        WHERE addon = $3 AND state = 'delivering' AND deliver_at <= " NOW "
          AND (lease_until IS NULL OR lease_until <= " NOW ")
        ORDER BY due_at LIMIT $4 " UNLESS_LOCKED ")
    UPDATE job SET delivery_attempt = delivery_attempt + 1,
                   lease_token = $1, lease_number = lease_number + 1, lease_until = " NOW " + $2
    WHERE id IN (SELECT id FROM chosen)
    RETURNING *, " NOW " - accepted_at AS age_seconds, " NOW " - deliver_from AS waited_seconds,
              deliver_until - " NOW " AS left_seconds"
);

const END: Statement = statement!(
    "UPDATE job SET state = $5, last_error = $6, ended_at = " NOW ", lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND state = 'delivering'"
);

const RETRY: Statement = statement!(
    "UPDATE job SET last_error = $5, deliver_at = " NOW " + $6, lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND state = 'delivering'"
);

const RELEASE: Statement = statement!(
    "UPDATE job SET delivery_attempt = delivery_attempt - 1, lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND state = 'delivering'"
);

pub(super) async fn claim(queue: &SqlQueue<impl Database>, limit: usize) -> Result<Vec<Lease<Delivery>>, QueueError> {
    let token = LeaseToken::random().0;
    let values = queue.claiming(&token, limit);
    let rows = queue
        .fetch(Access::Write, (&CLAIM, "claim deliveries"), &values)
        .await?;
    rows.iter().map(row::delivery).collect()
}

pub(super) async fn record(
    queue: &SqlQueue<impl Database>,
    fence: &Fence,
    record: DeliveryRecord,
) -> Result<(), QueueError> {
    let (statement, values) = match record {
        DeliveryRecord::Confirmed => (&END, [Value::Text("confirmed"), Value::Optional(None)]),
        DeliveryRecord::Rejected { reason } => (&END, [Value::Text("rejected"), Value::Text(reason)]),
        DeliveryRecord::Expired => (&END, [Value::Text("expired"), Value::Text("expired")]),
        DeliveryRecord::Retry { reason, after_seconds } => (&RETRY, [Value::Text(reason), Value::Real(after_seconds)]),
    };
    queue
        .change_fenced((statement, "record a delivery"), fence, &values)
        .await
}

pub(super) async fn release(queue: &SqlQueue<impl Database>, fence: &Fence) -> Result<(), QueueError> {
    queue.change_fenced((&RELEASE, "release a delivery"), fence, &[]).await
}
