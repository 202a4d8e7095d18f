//! Leases on audio that is to be fetched. The same columns fence them as fence the work that follows.

use super::statement::{Statement, statement};
use super::{Access, Database, QueueError, SqlQueue, Value, row, written};
use crate::domain::Job;
use crate::queue::lease::LeaseToken;
use crate::queue::{CALLBACK_FLOOR_SECONDS, Fence, FetchRecord, Fetched, Lease, Outcome, ResultBody};

const CLAIM: Statement = statement!(
    "WITH chosen AS MATERIALIZED (
        SELECT id FROM job
        WHERE addon = $3 AND " FETCHING " AND fetch_at <= " NOW "
          AND (lease_until IS NULL OR lease_until <= " NOW ")
        ORDER BY due_at LIMIT $4 " UNLESS_LOCKED ")
    UPDATE job SET fetch_attempt = fetch_attempt + 1,
                   lease_token = $1, lease_number = lease_number + 1, lease_until = " NOW " + $2
    WHERE id IN (SELECT id FROM chosen)
    RETURNING *, " NOW " - accepted_at AS age_seconds"
);

// From here on the job is as if it had been accepted with its audio; the URL was a capability, and is forgotten.
const FETCHED: Statement = statement!(
    "UPDATE job SET audio_key = $5, audio_bytes = $6, audio_sha256 = $7,
                   channels = $8, sample_rate_hertz = $9, bits_per_sample = $10, audio_seconds = $11,
                   median_seconds = $12, p99_seconds = $13, cutoff_seconds = $14, due_at = accepted_at + $12,
                   run_at = " NOW ", audio_source = NULL, fetch_at = NULL, lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND " FETCHING
);

const GIVE_UP: Statement = statement!(
    "UPDATE job SET state = 'delivering', result = $5, result_key = $6, error_code = $7,
                   finished_at = " NOW ", deliver_from = " NOW ", deliver_at = " NOW ",
                   deliver_until = " LATER_OF "(accepted_at + cutoff_seconds, " NOW " + $8),
                   audio_source = NULL, fetch_at = NULL, lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND " FETCHING
);

const RETRY: Statement = statement!(
    "UPDATE job SET last_error = $5, fetch_at = " NOW " + $6, lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND " FETCHING
);

const RELEASE: Statement = statement!(
    "UPDATE job SET fetch_attempt = fetch_attempt - 1, lease_token = NULL, lease_until = NULL
    WHERE addon = $1 AND id = $2 AND lease_token = $3 AND lease_number = $4 AND " FETCHING
);

const ACTION: &str = "record a fetch";

pub(super) async fn claim(queue: &SqlQueue<impl Database>, limit: usize) -> Result<Vec<Lease<Job>>, QueueError> {
    let token = LeaseToken::random().0;
    let values = queue.claiming(&token, limit);
    let rows = queue.fetch(Access::Write, (&CLAIM, "claim fetches"), &values).await?;
    rows.iter().map(|found| row::job(found, "fetch_attempt")).collect()
}

pub(super) async fn end(queue: &SqlQueue<impl Database>, fence: &Fence, record: FetchRecord) -> Result<(), QueueError> {
    match record {
        FetchRecord::Fetched(fetched) => keep(queue, fence, &fetched).await,
        FetchRecord::GiveUp(outcome) => give_up(queue, fence, &outcome).await,
        FetchRecord::Retry { reason, after_seconds } => {
            let values = [Value::Text(reason), Value::Real(after_seconds)];
            queue.change_fenced((&RETRY, ACTION), fence, &values).await
        }
        FetchRecord::Release => queue.change_fenced((&RELEASE, ACTION), fence, &[]).await,
    }
}

async fn keep(queue: &SqlQueue<impl Database>, fence: &Fence, fetched: &Fetched) -> Result<(), QueueError> {
    let Fetched {
        audio,
        format,
        deadlines,
    } = fetched;
    let values = [&written::audio(audio, format)[..], &written::deadlines(deadlines)].concat();
    queue.change_fenced((&FETCHED, ACTION), fence, &values).await
}

async fn give_up(queue: &SqlQueue<impl Database>, fence: &Fence, outcome: &Outcome) -> Result<(), QueueError> {
    let Outcome { body, error_code } = outcome;
    let (inline, key) = match body {
        ResultBody::Inline(json) => (Some(json.as_str()), None),
        ResultBody::Spooled(key) => (None, Some(key.as_str())),
    };
    let values = [
        Value::Optional(inline),
        Value::Optional(key),
        Value::Optional(*error_code),
        Value::Real(CALLBACK_FLOOR_SECONDS),
    ];
    queue.change_fenced((&GIVE_UP, ACTION), fence, &values).await
}
