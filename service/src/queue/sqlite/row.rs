//! Turns rows into the types of the domain. What does not fit was not written by this service, and is an error.

use sqlx::sqlite::{SqliteRow, SqliteTypeInfo};
use sqlx::{Decode, Row, Sqlite, Type};

use super::QueueError;
use crate::domain::{
    AudioFormat, CallbackUrl, Deadlines, EndpointName, Job, JobId, NewJob, RequestKey, SpoolKey, StoredAudio,
};
use crate::queue::{Delivery, Fence, JobState, Lease, ResultBody};

/// What is read back from a claimed job.
pub(super) fn job(row: &SqliteRow) -> Result<Lease<Job>, QueueError> {
    let audio = StoredAudio {
        key: spool_key(row, "audio_key")?.ok_or(QueueError::ReadRow { column: "audio_key" })?,
        bytes: number(row, "audio_bytes")?,
        sha256_hex: column(row, "audio_sha256")?,
    };
    let format = AudioFormat {
        channels: number(row, "channels")?,
        sample_rate_hertz: number(row, "sample_rate_hertz")?,
        bits_per_sample: number(row, "bits_per_sample")?,
        seconds: column(row, "audio_seconds")?,
    };
    let sids: String = column(row, "sids")?;
    let work = NewJob {
        endpoint: endpoint(row)?,
        request: RequestKey::stored(column(row, "request")?),
        sids: serde_json::from_str(&sids).map_err(|_| QueueError::ReadRow { column: "sids" })?,
        callback: callback(row)?,
        audio,
        format,
        fields_digest: column(row, "fields_digest")?,
        deadlines: deadlines(row)?,
    };
    let job = Job {
        id: id(row)?,
        attempt: number(row, "attempt")?,
        work,
    };
    Ok(Lease {
        age_seconds: column(row, "age_seconds")?,
        fence: fence(row)?,
        subject: job,
    })
}

/// What is read back from a claimed delivery.
pub(super) fn delivery(row: &SqliteRow) -> Result<Lease<Delivery>, QueueError> {
    let body = match (column::<Option<String>>(row, "result")?, spool_key(row, "result_key")?) {
        (_, Some(key)) => ResultBody::Spooled(key),
        (Some(json), None) => ResultBody::Inline(json),
        (None, None) => return Err(QueueError::ReadRow { column: "result" }),
    };
    let delivery = Delivery {
        id: id(row)?,
        endpoint: endpoint(row)?,
        callback: callback(row)?,
        body,
        deadlines: deadlines(row)?,
        attempt: number(row, "delivery_attempt")?,
        waited_seconds: column(row, "waited_seconds")?,
        left_seconds: column(row, "left_seconds")?,
    };
    Ok(Lease {
        age_seconds: column(row, "age_seconds")?,
        fence: fence(row)?,
        subject: delivery,
    })
}

pub(super) fn column<'row, T>(row: &'row SqliteRow, name: &'static str) -> Result<T, QueueError>
where
    T: Decode<'row, Sqlite> + Type<Sqlite>,
    SqliteTypeInfo: Sized,
{
    row.try_get(name).map_err(|_| QueueError::ReadRow { column: name })
}

pub(super) fn number<T: TryFrom<i64>>(row: &SqliteRow, name: &'static str) -> Result<T, QueueError> {
    T::try_from(column::<i64>(row, name)?).map_err(|_| QueueError::ReadRow { column: name })
}

pub(super) fn id(row: &SqliteRow) -> Result<JobId, QueueError> {
    JobId::parse(&column::<String>(row, "id")?).ok_or(QueueError::ReadRow { column: "id" })
}

pub(super) fn state(row: &SqliteRow) -> Result<JobState, QueueError> {
    JobState::parse(&column::<String>(row, "state")?).ok_or(QueueError::ReadRow { column: "state" })
}

pub(super) fn spool_key(row: &SqliteRow, name: &'static str) -> Result<Option<SpoolKey>, QueueError> {
    let key: Option<String> = column(row, name)?;
    key.map(|key| SpoolKey::parse(&key).map_err(|_| QueueError::ReadRow { column: name }))
        .transpose()
}

fn endpoint(row: &SqliteRow) -> Result<EndpointName, QueueError> {
    Ok(EndpointName::new(column::<String>(row, "endpoint")?))
}

fn callback(row: &SqliteRow) -> Result<CallbackUrl, QueueError> {
    CallbackUrl::parse(&column::<String>(row, "callback")?).map_err(|_| QueueError::ReadRow { column: "callback" })
}

fn deadlines(row: &SqliteRow) -> Result<Deadlines, QueueError> {
    Ok(Deadlines {
        median_seconds: column(row, "median_seconds")?,
        p99_seconds: column(row, "p99_seconds")?,
        cutoff_seconds: column(row, "cutoff_seconds")?,
    })
}

fn fence(row: &SqliteRow) -> Result<Fence, QueueError> {
    Ok(Fence {
        id: id(row)?,
        token: column(row, "lease_token")?,
        number: column(row, "lease_number")?,
    })
}
