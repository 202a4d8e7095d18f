//! Looks at jobs, and at one job for a change.

use super::statement::{Statement, statement};
use super::{Access, Columns, Database, QueueError, SqlQueue, Value, integer, row};
use crate::domain::CallbackUrl;
use crate::queue::Standing;
use crate::queue::jobs::{Filter, JobFacts, JobTimes, Page, Situation};

// A bound that is not asked for is null. The order is that of the index `job_accepted`.
const LIST: Statement = statement!(
    "SELECT job.*, " STANDING " AS standing, coalesce(lease_until > " NOW ", false) AS leased,
           accepted_at + cutoff_seconds AS cutoff_at
    FROM job
    WHERE addon = $2 AND " STANDING " IN " MEMBERS "
      AND ($3 IS NULL OR id = $3)
      AND ($4 IS NULL OR endpoint = $4)
      AND ($5 IS NULL OR " INSTALL_SID " = $5)
      AND ($6 IS NULL OR " VERSION_SID " = $6)
      AND ($7 IS NULL OR " REQUEST_SID " = $7)
      AND accepted_at >= $8 AND accepted_at < $9
      AND ($10 IS NULL
        OR accepted_at > (SELECT accepted_at FROM job WHERE addon = $2 AND id = $10)
        OR (accepted_at = (SELECT accepted_at FROM job WHERE addon = $2 AND id = $10) AND id > $10))
    ORDER BY accepted_at, id LIMIT $11"
);

pub(super) async fn list(
    queue: &SqlQueue<impl Database>,
    filter: &Filter,
    page: Page,
) -> Result<Vec<JobFacts>, QueueError> {
    let Filter {
        id,
        standings,
        endpoint,
        install,
        version,
        request,
        after,
        before,
    } = filter;
    let standings = if standings.is_empty() {
        &Standing::ALL[..]
    } else {
        standings
    };
    let words: Vec<_> = standings.iter().map(|standing| standing.label()).collect();
    let words = serde_json::to_string(&words).expect("strings always serialise");
    let id = id.map(|id| id.to_string());
    let after_id = page.after.map(|id| id.to_string());
    let values = [
        Value::Text(&words),
        Value::Text(queue.addon.as_str()),
        Value::Optional(id.as_deref()),
        Value::Optional(endpoint.as_deref()),
        Value::Optional(install.as_deref()),
        Value::Optional(version.as_deref()),
        Value::Optional(request.as_deref()),
        Value::Real(after.unwrap_or(f64::MIN)),
        Value::Real(before.unwrap_or(f64::MAX)),
        Value::Optional(after_id.as_deref()),
        integer(page.limit),
    ];
    let rows = queue.fetch(Access::Read, (&LIST, "list jobs"), &values).await?;
    rows.iter().map(facts).collect()
}

fn facts(found: &impl Columns) -> Result<JobFacts, QueueError> {
    let situation = situation(found)?;
    let sids = found.text("sids")?;
    let callback = found.optional("callback")?;
    let callback = callback.map(|url| CallbackUrl::parse(&url)).transpose();
    let callback = callback.map_err(|_| QueueError::ReadRow { column: "callback" })?;
    let held = found.moment("held_at")?;
    Ok(JobFacts {
        id: row::id(found)?,
        endpoint: row::endpoint(found)?,
        standing: situation.standing,
        sids: serde_json::from_str(&sids).map_err(|_| QueueError::ReadRow { column: "sids" })?,
        callback_host: callback.map(|callback| callback.to_string()),
        attempts: row::number(found, "attempt")?,
        delivery_attempts: row::number(found, "delivery_attempt")?,
        last_error: found.optional("last_error")?,
        error_code: found.optional("error_code")?,
        is_leased: situation.is_leased,
        has_audio: situation.has_audio,
        has_result: situation.has_result,
        audio_seconds: found.real("audio_seconds")?,
        times: JobTimes {
            accepted: found.real("accepted_at")?,
            due: found.real("due_at")?,
            cutoff: found.real("cutoff_at")?,
            finished: found.moment("finished_at")?,
            // Of a held job it says only that it is never due.
            deliver_at: found.moment("deliver_at")?.filter(|_| held.is_none()),
            held,
            ended: found.moment("ended_at")?,
            forgotten: found.moment("forgotten_at")?,
        },
    })
}

/// What a change goes by.
pub(super) fn situation(found: &impl Columns) -> Result<Situation, QueueError> {
    let standing = Standing::parse(&found.text("standing")?);
    Ok(Situation {
        standing: standing.ok_or(QueueError::ReadRow { column: "standing" })?,
        state: row::state(found)?,
        is_leased: found.truth("leased")?,
        // Audio that was to be fetched has a key before it has a byte.
        has_audio: found.optional("audio_key")?.is_some() && found.integer("audio_bytes")? > 0,
        has_result: found.optional("result")?.is_some() || found.optional("result_key")?.is_some(),
        has_callback: found.optional("callback")?.is_some(),
    })
}
