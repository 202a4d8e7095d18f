//! Who has changed what by hand: written in the transaction of the change, and kept as long as a job's row.

use super::statement::{Statement, statement};
use super::{Access, Columns as _, Database, QueueError, SqlQueue, Transaction, Value, failed, integer};
use crate::domain::{JobId, TwilioSids};
use crate::queue::jobs::{AuditEntry, Note};

const WRITE: Statement = statement!(
    "INSERT INTO job_audit (id, addon, at, action, job, request, author, choice)
    VALUES ($1, $2, " NOW ", $3, $4, $5, $6, $7)"
);

const READ: Statement = statement!(
    "SELECT at, action, job, request, author, choice FROM job_audit
    WHERE addon = $1 ORDER BY at DESC, id LIMIT $2"
);

/// What is noted beside who and how.
pub(super) struct Entry<'a> {
    pub(super) action: &'static str,
    pub(super) job: Option<&'a str>,
    pub(super) request: Option<String>,
}

impl<'a> Entry<'a> {
    pub(super) fn of_job(action: &'static str, job: &'a str, sids: &str) -> Result<Self, QueueError> {
        let sids: TwilioSids = serde_json::from_str(sids).map_err(|_| QueueError::ReadRow { column: "sids" })?;
        Ok(Self {
            action,
            job: Some(job),
            request: sids.request,
        })
    }
}

pub(super) async fn write<D: Database>(
    transaction: &mut D::Transaction,
    queue: &SqlQueue<D>,
    entry: &Entry<'_>,
    note: &Note,
) -> Result<(), QueueError> {
    // A name that nothing else has.
    let id = JobId::random().to_string();
    let values = [
        Value::Text(&id),
        Value::Text(queue.addon.as_str()),
        Value::Text(entry.action),
        Value::Optional(entry.job),
        Value::Optional(entry.request.as_deref()),
        Value::Text(&note.author),
        Value::Text(&note.choice),
    ];
    let written = transaction.change(&WRITE, &values).await;
    written.map(drop).map_err(failed("write the audit"))
}

pub(super) async fn read(queue: &SqlQueue<impl Database>, limit: usize) -> Result<Vec<AuditEntry>, QueueError> {
    let values = [Value::Text(queue.addon.as_str()), integer(limit)];
    let rows = queue.fetch(Access::Read, (&READ, "read the audit"), &values).await?;
    rows.iter()
        .map(|found| {
            Ok(AuditEntry {
                at: found.real("at")?,
                action: found.text("action")?,
                job: found.optional("job")?,
                request: found.optional("request")?,
                by: found.text("author")?,
                choice: found.text("choice")?,
            })
        })
        .collect()
}
