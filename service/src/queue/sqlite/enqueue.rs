//! One transaction that is the idempotency check and the job: looked up, decided, written.

use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};

use super::{QueueError, SqliteQueue, failed, fenced, row};
use crate::domain::{JobId, NewJob};
use crate::queue::again::{self, Again, Earlier};
use crate::queue::{CALLBACK_FLOOR_SECONDS, Enqueued};

const FIND: &str = "
    SELECT id, state, fields_digest, callback, audio_key, lease_until > unixepoch('subsec') AS leased
    FROM job WHERE addon = ? AND endpoint = ? AND request = ? AND forgotten_at IS NULL";

const INSERT: &str = "
    INSERT INTO job (id, addon, endpoint, request, fields_digest, sids, callback,
                     audio_key, audio_bytes, audio_sha256, channels, sample_rate_hertz, bits_per_sample, audio_seconds,
                     median_seconds, p99_seconds, cutoff_seconds, accepted_at, run_at, due_at, state)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, median, ?, ?, now, now, now + median, 'queued'
    FROM (SELECT unixepoch('subsec') AS now, ? AS median)";

// The audio of a job that is claimed in between is in use; the transaction holds the only right to write.
const REPLACE: &str = "
    UPDATE job SET callback = ?, audio_key = ?, audio_bytes = ?, audio_sha256 = ?,
                   channels = ?, sample_rate_hertz = ?, bits_per_sample = ?, audio_seconds = ?
    WHERE id = ?";

const REDIRECT: &str = "UPDATE job SET callback = ? WHERE id = ?";

// Whoever is sending to the earlier place loses the lease: what it learns is about another callback.
const REDELIVER: &str = "
    UPDATE job SET state = 'delivering', callback = ?, delivery_attempt = 0, ended_at = NULL,
                   deliver_from = unixepoch('subsec'), deliver_at = unixepoch('subsec'),
                   deliver_until = max(deliver_until, unixepoch('subsec') + ?),
                   lease_token = NULL, lease_until = NULL
    WHERE id = ?";

pub(super) async fn enqueue(queue: &SqliteQueue, job: NewJob) -> Result<Enqueued, QueueError> {
    let mut transaction = queue
        .writer
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(failed("begin to enqueue a job"))?;
    let found = sqlx::query(FIND)
        .bind(queue.addon.as_str())
        .bind(job.endpoint.as_str())
        .bind(job.request.as_str())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed("look for an earlier job"))?;
    let enqueued = match found {
        None => insert(&mut transaction, queue, &job).await?,
        Some(found) => repeat(&mut transaction, &found, &job).await?,
    };
    transaction.commit().await.map_err(failed("commit a job"))?;
    Ok(enqueued)
}

async fn insert(
    transaction: &mut Transaction<'static, Sqlite>,
    queue: &SqliteQueue,
    job: &NewJob,
) -> Result<Enqueued, QueueError> {
    let sids = serde_json::to_string(&job.sids).expect("a struct of optional strings always serialises");
    sqlx::query(INSERT)
        .bind(JobId::random().to_string())
        .bind(queue.addon.as_str())
        .bind(job.endpoint.as_str())
        .bind(job.request.as_str())
        .bind(&job.fields_digest)
        .bind(sids)
        .bind(job.callback.expose().as_str())
        .bind(job.audio.key.as_str())
        .bind(stored_bytes(job))
        .bind(&job.audio.sha256_hex)
        .bind(job.format.channels)
        .bind(job.format.sample_rate_hertz)
        .bind(job.format.bits_per_sample)
        .bind(job.format.seconds)
        .bind(job.deadlines.p99_seconds)
        .bind(job.deadlines.cutoff_seconds)
        .bind(job.deadlines.median_seconds)
        .execute(&mut **transaction)
        .await
        .map_err(failed("insert a job"))?;
    Ok(Enqueued::Accepted)
}

async fn repeat(
    transaction: &mut Transaction<'static, Sqlite>,
    found: &SqliteRow,
    job: &NewJob,
) -> Result<Enqueued, QueueError> {
    let earlier = Earlier {
        state: row::state(found)?,
        leased: row::column::<Option<bool>>(found, "leased")?.unwrap_or(false),
        fields_digest: row::column(found, "fields_digest")?,
        callback: row::column::<Option<String>>(found, "callback")?.unwrap_or_default(),
    };
    let id = row::id(found)?.to_string();
    let callback = job.callback.expose().as_str();
    let unneeded = job.audio.key.clone();
    match again::decide(&earlier, job) {
        Again::Reuse => Ok(Enqueued::Reused { unneeded }),
        Again::Nothing | Again::Await => Ok(Enqueued::Duplicate { unneeded }),
        Again::Redirect => {
            let update = sqlx::query(REDIRECT).bind(callback).bind(id);
            fenced(
                &update
                    .execute(&mut **transaction)
                    .await
                    .map_err(failed("redirect a job"))?,
            )?;
            Ok(Enqueued::Duplicate { unneeded })
        }
        Again::Redeliver => {
            let update = sqlx::query(REDELIVER)
                .bind(callback)
                .bind(CALLBACK_FLOOR_SECONDS)
                .bind(id);
            fenced(
                &update
                    .execute(&mut **transaction)
                    .await
                    .map_err(failed("redeliver a result"))?,
            )?;
            Ok(Enqueued::Redeliver { unneeded })
        }
        Again::Replace => {
            replace(transaction, &id, job).await?;
            let earlier_audio = row::spool_key(found, "audio_key")?;
            Ok(Enqueued::Duplicate {
                unneeded: earlier_audio.unwrap_or(unneeded),
            })
        }
    }
}

async fn replace(transaction: &mut Transaction<'static, Sqlite>, id: &str, job: &NewJob) -> Result<(), QueueError> {
    let update = sqlx::query(REPLACE)
        .bind(job.callback.expose().as_str())
        .bind(job.audio.key.as_str())
        .bind(stored_bytes(job))
        .bind(&job.audio.sha256_hex)
        .bind(job.format.channels)
        .bind(job.format.sample_rate_hertz)
        .bind(job.format.bits_per_sample)
        .bind(job.format.seconds)
        .bind(id);
    fenced(
        &update
            .execute(&mut **transaction)
            .await
            .map_err(failed("replace a job"))?,
    )
}

/// SQLite's integers are signed; no file is half as large.
fn stored_bytes(job: &NewJob) -> i64 {
    i64::try_from(job.audio.bytes).unwrap_or(i64::MAX)
}
