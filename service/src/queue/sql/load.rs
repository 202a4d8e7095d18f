//! Measures the work that waits. Which deadline a job is planned against is chosen here, because only the database has the
//! clock; what follows from it is `demand`'s to say.

use super::statement::{Statement, statement};
use super::{Access, Columns as _, Database, QueueError, SqlQueue, Transaction as _, Value, failed, integer, row};
use crate::deadline::{REPORT_RESERVE_PART, REPORT_RESERVE_SECONDS};
use crate::queue::load::{Due, Load, Pace};

/// So many results are a measure; older ones may speak of another handler.
const MEASURED_RESULTS: u32 = 200;

// An overdue job is planned against its next deadline, and one whose time for work is over against none. Deadlines are
// collected in steps of a tenth of what is left, so that the answer has some hundred rows however long the queue is.
const DUE: Statement = statement!(
    "WITH unfinished AS (
        SELECT endpoint, audio_seconds, median_seconds, p99_seconds, " NOW " - accepted_at AS age_seconds,
               " LATER_OF "(cutoff_seconds - " LATER_OF "(cutoff_seconds * $2, $3), cutoff_seconds / 2.0) AS work_seconds,
               CASE WHEN state = 'running' AND lease_until > " NOW " THEN id END AS worked_on,
               CASE WHEN state = 'running' AND lease_until > " NOW " THEN coalesce(" NOW " - started_at, 0.0)
                    ELSE 0.0 END AS done_seconds
        FROM job
        WHERE addon = $1 AND state IN ('queued', 'running') AND held_at IS NULL AND NOT " FETCHING "),
    planned AS (
        SELECT endpoint, audio_seconds, worked_on, done_seconds,
               CASE WHEN age_seconds < median_seconds THEN " EARLIER_OF "(median_seconds, work_seconds)
                    WHEN age_seconds < p99_seconds THEN " EARLIER_OF "(p99_seconds, work_seconds)
                    ELSE work_seconds END - age_seconds AS left_seconds
        FROM unfinished WHERE age_seconds < work_seconds),
    stepped AS (
        SELECT endpoint, audio_seconds, worked_on, done_seconds,
               CASE WHEN left_seconds < 60.0 THEN " WHOLE_OF "left_seconds" AS_WHOLE "
                    WHEN left_seconds < 600.0 THEN " WHOLE_OF "left_seconds / 6.0" AS_WHOLE " * 6.0
                    WHEN left_seconds < 6000.0 THEN " WHOLE_OF "left_seconds / 60.0" AS_WHOLE " * 60.0
                    ELSE " WHOLE_OF "left_seconds / 600.0" AS_WHOLE " * 600.0 END AS left_seconds
        FROM planned)
    SELECT endpoint, left_seconds * 1.0 AS left_seconds, count(*) AS jobs,
           sum(audio_seconds) AS audio_seconds, sum(done_seconds) AS done_seconds
    FROM stepped GROUP BY endpoint, left_seconds, worked_on"
);

const PACES: Statement = statement!(
    "SELECT endpoint, sum(audio_seconds) AS audio_seconds, sum(work_seconds) AS work_seconds
    FROM (SELECT endpoint, audio_seconds, finished_at - started_at AS work_seconds FROM job
          WHERE addon = $1 AND started_at IS NOT NULL AND finished_at IS NOT NULL AND error_code IS NULL
            AND audio_seconds > 0.0
          ORDER BY finished_at DESC LIMIT $2) AS measured
    GROUP BY endpoint"
);

const ACTION: &str = "measure the work that waits";

pub(super) async fn load(queue: &SqlQueue<impl Database>) -> Result<Load, QueueError> {
    let addon = Value::Text(queue.addon.as_str());
    let reserve = [Value::Real(REPORT_RESERVE_PART), Value::Real(REPORT_RESERVE_SECONDS)];
    let mut transaction = queue.database.begin(Access::Read).await?;
    let due = transaction.fetch(&DUE, &[addon, reserve[0], reserve[1]]).await;
    let due = due.map_err(failed(ACTION))?;
    let paces = transaction.fetch(&PACES, &[addon, integer(MEASURED_RESULTS)]).await;
    let paces = paces.map_err(failed(ACTION))?;
    transaction.commit().await.map_err(failed(ACTION))?;
    let due = due.iter().map(|found| {
        Ok(Due {
            endpoint: row::endpoint(found)?,
            left_seconds: found.real("left_seconds")?,
            jobs: row::number(found, "jobs")?,
            audio_seconds: found.real("audio_seconds")?,
            done_seconds: found.real("done_seconds")?,
        })
    });
    let paces = paces.iter().map(|found| {
        Ok(Pace {
            endpoint: row::endpoint(found)?,
            audio_seconds: found.real("audio_seconds")?,
            work_seconds: found.real("work_seconds")?,
        })
    });
    Ok(Load {
        due: due.collect::<Result<_, QueueError>>()?,
        paces: paces.collect::<Result<_, QueueError>>()?,
    })
}
