//! One transaction that is the idempotency check and the job: inserted, or else the earlier one looked up and decided on.

use super::statement::{Statement, statement};
use super::{Access, Columns, Database, QueueError, SqlQueue, Transaction, Value, failed, room, row, source, written};
use crate::crash;
use crate::domain::{JobId, NewJob};
use crate::queue::again::{self, Again, Earlier};
use crate::queue::{CALLBACK_FLOOR_SECONDS, Enqueued};

/// Between the insert that found a row and the look at it the row may be forgotten; hardly twice in a row.
const TRIES: usize = 3;
/// Longer than anybody waits.
const NEVER_SECONDS: f64 = 1e12;

// Whoever comes second with the same request waits here until the first has committed, and then finds its row.
const INSERT: Statement = statement!(
    "INSERT INTO job (id, addon, endpoint, request, fields_digest, sids, callback,
                     audio_key, audio_bytes, audio_sha256, channels, sample_rate_hertz, bits_per_sample, audio_seconds,
                     median_seconds, p99_seconds, cutoff_seconds, accepted_at, run_at, due_at, state, details,
                     audio_source, fetch_at, install)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
           $15, $16, $17, moment, moment + $20, moment + $15, 'queued', $18, $19, moment, $21
    FROM (SELECT " NOW " AS moment) AS clock WHERE true
    ON CONFLICT (addon, endpoint, request) WHERE forgotten_at IS NULL DO NOTHING"
);

const FIND: Statement = statement!(
    "SELECT id, " STATE " AS state, fields_digest, callback, audio_key, audio_source, lease_until > " NOW " AS leased,
           discarded_at IS NOT NULL AS discarded
    FROM job WHERE addon = $1 AND endpoint = $2 AND request = $3 AND forgotten_at IS NULL " LOCKED
);

// The audio of a job that is claimed in between is in use; the transaction holds the only right to change the row. A job
// that is held goes on: Twilio says that it has no answer.
const REPLACE: Statement = statement!(
    "UPDATE job SET callback = $2, audio_key = $3, audio_bytes = $4, audio_sha256 = $5,
                   channels = $6, sample_rate_hertz = $7, bits_per_sample = $8, audio_seconds = $9, details = $10,
                   run_at = CASE WHEN held_at IS NULL THEN run_at ELSE " NOW " END, held_at = NULL
    WHERE id = $1"
);

// Whoever fetches from the earlier place loses the lease: what it brings is not what is asked for now.
const REFETCH: Statement = statement!(
    "UPDATE job SET callback = $2, audio_key = $3, audio_bytes = $4, audio_sha256 = $5,
                   channels = $6, sample_rate_hertz = $7, bits_per_sample = $8, audio_seconds = $9, details = $10,
                   median_seconds = $11, p99_seconds = $12, cutoff_seconds = $13, due_at = accepted_at + $11,
                   audio_source = $14, held_at = NULL, run_at = " NOW " + $15, fetch_at = " NOW ", fetch_attempt = 0,
                   lease_token = NULL, lease_until = NULL
    WHERE id = $1"
);

// One that is held goes on with the audio that it has.
const REDIRECT: Statement = statement!(
    "UPDATE job SET callback = $2, run_at = CASE WHEN held_at IS NULL THEN run_at ELSE " NOW " END, held_at = NULL
    WHERE id = $1"
);

// Whoever is sending to the earlier place loses the lease: what it learns is about another callback.
const REDELIVER: Statement = statement!(
    "UPDATE job SET state = 'delivering', callback = $2, delivery_attempt = 0, ended_at = NULL, held_at = NULL,
                   deliver_from = " NOW ", deliver_at = " NOW ",
                   deliver_until = " LATER_OF "(deliver_until, " NOW " + $3),
                   lease_token = NULL, lease_until = NULL
    WHERE id = $1"
);

pub(super) async fn enqueue(queue: &SqlQueue<impl Database>, job: NewJob) -> Result<Enqueued, QueueError> {
    for _ in 0..TRIES {
        let mut transaction = queue.database.begin(Access::Write).await?;
        let enqueued = if insert(&mut transaction, queue, &job).await? {
            // Dropped here, the transaction takes the row back.
            if let Some(full) = room::find(&mut transaction, queue, &job).await? {
                return Ok(full);
            }
            Enqueued::Accepted
        } else {
            let values = [
                Value::Text(queue.addon.as_str()),
                Value::Text(job.endpoint.as_str()),
                Value::Text(job.request.as_str()),
            ];
            let found = transaction.fetch(&FIND, &values).await;
            match found.map_err(failed("look for an earlier job"))?.first() {
                Some(found) => repeat(&mut transaction, found, &job).await?,
                None => continue,
            }
        };
        crash::point("before_commit");
        transaction.commit().await.map_err(failed("commit a job"))?;
        crash::point("after_commit");
        return Ok(enqueued);
    }
    Err(failed("find the earlier job")(sqlx::Error::RowNotFound))
}

async fn insert<D: Database>(
    transaction: &mut D::Transaction,
    queue: &SqlQueue<D>,
    job: &NewJob,
) -> Result<bool, QueueError> {
    let sids = serde_json::to_string(&job.sids).expect("a struct of optional strings always serialises");
    let (id, details) = (JobId::random().to_string(), details(job));
    let audio_source = audio_source(job);
    let values = [
        &[
            Value::Text(&id),
            Value::Text(queue.addon.as_str()),
            Value::Text(job.endpoint.as_str()),
            Value::Text(job.request.as_str()),
            Value::Text(&job.fields_digest),
            Value::Text(&sids),
            Value::Text(job.callback.expose().as_str()),
        ][..],
        &written::audio(&job.audio, &job.format),
        &written::deadlines(&job.deadlines),
        &[
            Value::Text(&details),
            Value::Optional(audio_source.as_deref()),
            runs_after(job),
            Value::Text(room::install(job)),
        ],
    ]
    .concat();
    let inserted = transaction.change(&INSERT, &values).await;
    Ok(inserted.map_err(failed("insert a job"))? > 0)
}

async fn repeat<T: Transaction>(transaction: &mut T, found: &T::Row, job: &NewJob) -> Result<Enqueued, QueueError> {
    let earlier = Earlier {
        state: row::state(found)?,
        leased: found.truth("leased")?,
        discarded: found.truth("discarded")?,
        fields_digest: found.text("fields_digest")?,
        callback: found.optional("callback")?.unwrap_or_default(),
        audio_source: found.optional("audio_source")?,
    };
    let id = row::id(found)?.to_string();
    let (id, callback) = (Value::Text(&id), Value::Text(job.callback.expose().as_str()));
    let unneeded = job.audio.key.clone();
    match again::decide(&earlier, job, audio_source(job).as_deref()) {
        Again::Reuse => Ok(Enqueued::Reused { unneeded }),
        Again::Nothing | Again::Await => Ok(Enqueued::Duplicate { unneeded }),
        Again::Redirect => {
            let redirected = transaction.change(&REDIRECT, &[id, callback]).await;
            redirected.map_err(failed("redirect a job"))?;
            Ok(Enqueued::Duplicate { unneeded })
        }
        Again::Redeliver => {
            let values = [id, callback, Value::Real(CALLBACK_FLOOR_SECONDS)];
            let redelivered = transaction.change(&REDELIVER, &values).await;
            redelivered.map_err(failed("redeliver a result"))?;
            Ok(Enqueued::Redeliver { unneeded })
        }
        Again::Refetch => {
            refetch(transaction, id, job).await?;
            let earlier_audio = row::spool_key(found, "audio_key")?;
            Ok(Enqueued::Duplicate {
                unneeded: earlier_audio.unwrap_or(unneeded),
            })
        }
        Again::Replace => {
            replace(transaction, id, job).await?;
            let earlier_audio = row::spool_key(found, "audio_key")?;
            Ok(Enqueued::Duplicate {
                unneeded: earlier_audio.unwrap_or(unneeded),
            })
        }
    }
}

async fn replace<T: Transaction>(transaction: &mut T, id: Value<'_>, job: &NewJob) -> Result<(), QueueError> {
    let details = details(job);
    let values = replacing(id, job, &details);
    let replaced = transaction.change(&REPLACE, &values).await;
    replaced.map(drop).map_err(failed("replace a job"))
}

async fn refetch<T: Transaction>(transaction: &mut T, id: Value<'_>, job: &NewJob) -> Result<(), QueueError> {
    let (details, audio_source) = (details(job), audio_source(job));
    let place = [Value::Optional(audio_source.as_deref()), runs_after(job)];
    let values = [
        &replacing(id, job, &details)[..],
        &written::deadlines(&job.deadlines),
        &place,
    ]
    .concat();
    let replaced = transaction.change(&REFETCH, &values).await;
    replaced.map(drop).map_err(failed("replace where audio is"))
}

/// The first parameters of both statements that put a repeated request into its earlier one's place.
fn replacing<'a>(id: Value<'a>, job: &'a NewJob, details: &'a str) -> Vec<Value<'a>> {
    let callback = Value::Text(job.callback.expose().as_str());
    [
        &[id, callback][..],
        &written::audio(&job.audio, &job.format),
        &[Value::Text(details)],
    ]
    .concat()
}

fn audio_source(job: &NewJob) -> Option<String> {
    job.remote.as_ref().map(source::write)
}

/// How long the work has to wait; for audio that is not there, until somebody says that it is.
fn runs_after(job: &NewJob) -> Value<'static> {
    Value::Real(if job.remote.is_some() { NEVER_SECONDS } else { 0.0 })
}

fn details(job: &NewJob) -> String {
    serde_json::to_string(&job.details).expect("strings and a word always serialise")
}
