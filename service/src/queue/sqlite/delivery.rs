//! Leases on results that are on their way. The same columns fence them as fence the work.

use super::{QueueError, SqliteQueue, change, failed, row};
use crate::queue::lease::LeaseToken;
use crate::queue::{Delivery, DeliveryRecord, Fence, Lease};

const CLAIM: &str = "
    UPDATE job SET delivery_attempt = delivery_attempt + 1,
                   lease_token = ?, lease_number = lease_number + 1, lease_until = unixepoch('subsec') + ?
    WHERE id IN (
        SELECT id FROM job
        WHERE addon = ? AND state = 'delivering' AND deliver_at <= unixepoch('subsec')
          AND (lease_until IS NULL OR lease_until <= unixepoch('subsec'))
        ORDER BY due_at LIMIT ?)
    RETURNING *, unixepoch('subsec') - accepted_at AS age_seconds,
              unixepoch('subsec') - deliver_from AS waited_seconds,
              deliver_until - unixepoch('subsec') AS left_seconds";

const END: &str = "
    UPDATE job SET state = ?, last_error = ?, ended_at = unixepoch('subsec'), lease_token = NULL, lease_until = NULL
    WHERE addon = ? AND id = ? AND lease_token = ? AND lease_number = ? AND state = 'delivering'";

const RETRY: &str = "
    UPDATE job SET last_error = ?, deliver_at = unixepoch('subsec') + ?, lease_token = NULL, lease_until = NULL
    WHERE addon = ? AND id = ? AND lease_token = ? AND lease_number = ? AND state = 'delivering'";

const RELEASE: &str = "
    UPDATE job SET delivery_attempt = delivery_attempt - 1, lease_token = NULL, lease_until = NULL
    WHERE addon = ? AND id = ? AND lease_token = ? AND lease_number = ? AND state = 'delivering'";

pub(super) async fn claim(queue: &SqliteQueue, limit: usize) -> Result<Vec<Lease<Delivery>>, QueueError> {
    let rows = sqlx::query(CLAIM)
        .bind(LeaseToken::random().0)
        .bind(queue.lease_seconds)
        .bind(queue.addon.as_str())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&queue.writer)
        .await
        .map_err(failed("claim deliveries"))?;
    rows.iter().map(row::delivery).collect()
}

pub(super) async fn record(queue: &SqliteQueue, fence: &Fence, record: DeliveryRecord) -> Result<(), QueueError> {
    let update = match record {
        DeliveryRecord::Confirmed => sqlx::query(END).bind("confirmed").bind(None::<&str>),
        DeliveryRecord::Rejected { reason } => sqlx::query(END).bind("rejected").bind(Some(reason)),
        DeliveryRecord::Expired => sqlx::query(END).bind("expired").bind(Some("expired")),
        DeliveryRecord::Retry { reason, after_seconds } => sqlx::query(RETRY).bind(reason).bind(after_seconds),
    };
    change(queue, update, fence, "record a delivery").await
}

pub(super) async fn release(queue: &SqliteQueue, fence: &Fence) -> Result<(), QueueError> {
    change(queue, sqlx::query(RELEASE), fence, "release a delivery").await
}
