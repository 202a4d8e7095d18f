//! Holds what a restored backup shows as unfinished and may have been finished since: it is neither worked on nor
//! delivered until somebody chooses.

use super::statement::{Statement, statement};
use super::{Access, Columns as _, Database, QueueError, SqlQueue, Transaction, Value, audit, failed, row};
use crate::queue::jobs::Note;

const COUNT: Statement = statement!(
    "SELECT count(*) AS jobs FROM job
    WHERE addon = $1 AND accepted_at < $2 AND held_at IS NULL AND state IN ('queued', 'running', 'delivering')"
);

// Never due, so that a program of the version before leaves it alone too. Whoever has a lease of before has none.
const HOLD: Statement = statement!(
    "UPDATE job SET held_at = " NOW ", state = CASE state WHEN 'running' THEN 'queued' ELSE state END,
                   run_at = " NEVER ", fetch_at = CASE WHEN audio_source IS NULL THEN NULL ELSE " NEVER " END,
                   deliver_at = CASE state WHEN 'delivering' THEN " NEVER " ELSE deliver_at END,
                   lease_token = NULL, lease_until = NULL, lease_number = lease_number + 1
    WHERE addon = $1 AND accepted_at < $2 AND held_at IS NULL AND state IN ('queued', 'running', 'delivering')
    RETURNING id, sids"
);

const FIND: Statement = statement!(
    "SELECT count(*) AS fences FROM job_audit WHERE addon = $1 AND action = 'fence' AND job IS NULL AND choice = $2"
);

const ACTION: &str = "fence jobs";
const LABEL: &str = "fence";

pub(super) async fn count(queue: &SqlQueue<impl Database>, before: f64) -> Result<u64, QueueError> {
    let values = [Value::Text(queue.addon.as_str()), Value::Real(before)];
    let rows = queue.fetch(Access::Read, (&COUNT, ACTION), &values).await?;
    let counted = rows.first().ok_or(QueueError::ReadRow { column: "jobs" })?;
    row::number(counted, "jobs")
}

pub(super) async fn fence(queue: &SqlQueue<impl Database>, before: f64, note: &Note) -> Result<u64, QueueError> {
    let values = [Value::Text(queue.addon.as_str()), Value::Real(before)];
    let mut transaction = queue.database.begin(Access::Write).await?;
    let held = transaction.fetch(&HOLD, &values).await.map_err(failed(ACTION))?;
    for found in &held {
        let (id, sids) = (found.text("id")?, found.text("sids")?);
        let entry = audit::Entry::of_job(LABEL, &id, &sids)?;
        audit::write(&mut transaction, queue, &entry, note).await?;
    }
    let whole = audit::Entry {
        action: LABEL,
        job: None,
        request: None,
    };
    audit::write(&mut transaction, queue, &whole, note).await?;
    transaction.commit().await.map_err(failed(ACTION))?;
    Ok(held.len() as u64)
}

pub(super) async fn is_fenced(queue: &SqlQueue<impl Database>, note: &Note) -> Result<bool, QueueError> {
    let values = [Value::Text(queue.addon.as_str()), Value::Text(&note.choice)];
    let rows = queue.fetch(Access::Write, (&FIND, ACTION), &values).await?;
    let counted = rows.first().ok_or(QueueError::ReadRow { column: "fences" })?;
    Ok(row::number::<u64>(counted, "fences")? > 0)
}
