//! Counts what is unfinished, with the new job among it.

use super::statement::{Statement, statement};
use super::{Database, QueueError, SqlQueue, Transaction, Value, failed, row};
use crate::domain::NewJob;
use crate::queue::{Enqueued, Room};

// Both are answered by the index `job_unfinished` alone.
const COUNT: Statement = statement!(
    "SELECT (SELECT count(*) FROM job
            WHERE addon = $1 AND state IN ('queued', 'running') AND held_at IS NULL) AS jobs,
           (SELECT count(*) FROM job
            WHERE addon = $1 AND install = $2 AND state IN ('queued', 'running') AND held_at IS NULL) AS install_jobs"
);

/// All jobs without one are one installation.
pub(super) fn install(job: &NewJob) -> &str {
    job.sids.addon_install.as_deref().unwrap_or_default()
}

/// Which bound the new job has passed, if any.
pub(super) async fn find<D: Database>(
    transaction: &mut D::Transaction,
    queue: &SqlQueue<D>,
    job: &NewJob,
) -> Result<Option<Enqueued>, QueueError> {
    if queue.room == Room::UNBOUNDED {
        return Ok(None);
    }
    let values = [Value::Text(queue.addon.as_str()), Value::Text(install(job))];
    let counted = transaction.fetch(&COUNT, &values).await;
    let counted = counted.map_err(failed("count unfinished jobs"))?;
    let counted = counted.first().ok_or(QueueError::ReadRow { column: "jobs" })?;
    let (jobs, of_install): (u64, u64) = (row::number(counted, "jobs")?, row::number(counted, "install_jobs")?);
    let unneeded = job.audio.key.clone();
    Ok(if jobs > queue.room.unfinished {
        Some(Enqueued::Full { unneeded })
    } else if of_install > queue.room.install_unfinished {
        Some(Enqueued::InstallFull { unneeded })
    } else {
        None
    })
}
