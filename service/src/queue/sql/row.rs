//! Turns rows into the types of the domain. What does not fit was not written by this service, and is an error.

use sqlx::{ColumnIndex, Decode, Row, Type};

use super::{QueueError, source};
use crate::domain::{
    AudioFormat, CallbackUrl, Deadlines, EndpointName, Job, JobId, NewJob, RequestDetails, RequestKey, SpoolKey,
    StoredAudio,
};
use crate::queue::{Delivery, Fence, JobState, Lease, ResultBody};

/// The kinds of column that the queue has, in a row of any database.
pub trait Columns: Send + Sync {
    /// A text or nothing.
    fn optional(&self, name: &'static str) -> Result<Option<String>, QueueError>;
    /// A whole number.
    fn integer(&self, name: &'static str) -> Result<i64, QueueError>;
    /// Any other.
    fn real(&self, name: &'static str) -> Result<f64, QueueError>;
    /// A moment or none.
    fn moment(&self, name: &'static str) -> Result<Option<f64>, QueueError>;
    /// Nothing is not true.
    fn truth(&self, name: &'static str) -> Result<bool, QueueError>;

    /// A text.
    fn text(&self, name: &'static str) -> Result<String, QueueError> {
        self.optional(name)?.ok_or(QueueError::ReadRow { column: name })
    }
}

impl<R> Columns for R
where
    R: Row + Sync,
    for<'name> &'name str: ColumnIndex<R>,
    for<'row> Option<String>: Decode<'row, R::Database> + Type<R::Database>,
    for<'row> i64: Decode<'row, R::Database> + Type<R::Database>,
    for<'row> f64: Decode<'row, R::Database> + Type<R::Database>,
    for<'row> Option<f64>: Decode<'row, R::Database> + Type<R::Database>,
    for<'row> Option<bool>: Decode<'row, R::Database> + Type<R::Database>,
{
    fn optional(&self, name: &'static str) -> Result<Option<String>, QueueError> {
        self.try_get(name).map_err(unread(name))
    }

    fn integer(&self, name: &'static str) -> Result<i64, QueueError> {
        self.try_get(name).map_err(unread(name))
    }

    fn real(&self, name: &'static str) -> Result<f64, QueueError> {
        self.try_get(name).map_err(unread(name))
    }

    fn moment(&self, name: &'static str) -> Result<Option<f64>, QueueError> {
        self.try_get(name).map_err(unread(name))
    }

    fn truth(&self, name: &'static str) -> Result<bool, QueueError> {
        let found: Option<bool> = self.try_get(name).map_err(unread(name))?;
        Ok(found.unwrap_or(false))
    }
}

fn unread(column: &'static str) -> impl FnOnce(sqlx::Error) -> QueueError {
    move |_| QueueError::ReadRow { column }
}

/// The order of work.
pub(super) fn due_at(row: &impl Columns) -> Result<f64, QueueError> {
    row.real("due_at")
}

/// What is read back from a claimed job; `attempt` is the column that counts the tries.
pub(super) fn job(row: &impl Columns, attempt: &'static str) -> Result<Lease<Job>, QueueError> {
    let audio = StoredAudio {
        key: spool_key(row, "audio_key")?.ok_or(QueueError::ReadRow { column: "audio_key" })?,
        bytes: number(row, "audio_bytes")?,
        sha256_hex: row.text("audio_sha256")?,
    };
    let format = AudioFormat {
        channels: number(row, "channels")?,
        sample_rate_hertz: number(row, "sample_rate_hertz")?,
        bits_per_sample: number(row, "bits_per_sample")?,
        seconds: row.real("audio_seconds")?,
    };
    let sids = row.text("sids")?;
    let work = NewJob {
        endpoint: endpoint(row)?,
        request: RequestKey::stored(row.text("request")?),
        sids: serde_json::from_str(&sids).map_err(|_| QueueError::ReadRow { column: "sids" })?,
        details: details(row)?,
        callback: callback(row)?,
        audio,
        format,
        remote: row
            .optional("audio_source")?
            .map(|json| source::read(&json))
            .transpose()?,
        fields_digest: row.text("fields_digest")?,
        deadlines: deadlines(row)?,
    };
    let job = Job {
        id: id(row)?,
        attempt: number(row, attempt)?,
        work,
    };
    Ok(Lease {
        age_seconds: row.real("age_seconds")?,
        fence: fence(row)?,
        subject: job,
    })
}

/// What is read back from a claimed delivery.
pub(super) fn delivery(row: &impl Columns) -> Result<Lease<Delivery>, QueueError> {
    let body = match (row.optional("result")?, spool_key(row, "result_key")?) {
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
        audio_seconds: row.real("audio_seconds")?,
        attempt: number(row, "delivery_attempt")?,
        waited_seconds: row.real("waited_seconds")?,
        left_seconds: row.real("left_seconds")?,
    };
    Ok(Lease {
        age_seconds: row.real("age_seconds")?,
        fence: fence(row)?,
        subject: delivery,
    })
}

pub(super) fn number<T: TryFrom<i64>>(row: &impl Columns, name: &'static str) -> Result<T, QueueError> {
    T::try_from(row.integer(name)?).map_err(|_| QueueError::ReadRow { column: name })
}

pub(super) fn id(row: &impl Columns) -> Result<JobId, QueueError> {
    JobId::parse(&row.text("id")?).ok_or(QueueError::ReadRow { column: "id" })
}

pub(super) fn state(row: &impl Columns) -> Result<JobState, QueueError> {
    JobState::parse(&row.text("state")?).ok_or(QueueError::ReadRow { column: "state" })
}

pub(super) fn spool_key(row: &impl Columns, name: &'static str) -> Result<Option<SpoolKey>, QueueError> {
    row.optional(name)?
        .map(|key| SpoolKey::parse(&key).map_err(|_| QueueError::ReadRow { column: name }))
        .transpose()
}

/// A row of the first version of the schema has none.
fn details(row: &impl Columns) -> Result<RequestDetails, QueueError> {
    let json = row.optional("details")?;
    json.map_or(Ok(RequestDetails::default()), |json| serde_json::from_str(&json))
        .map_err(|_| QueueError::ReadRow { column: "details" })
}

pub(super) fn endpoint(row: &impl Columns) -> Result<EndpointName, QueueError> {
    Ok(EndpointName::new(row.text("endpoint")?))
}

fn callback(row: &impl Columns) -> Result<CallbackUrl, QueueError> {
    CallbackUrl::parse(&row.text("callback")?).map_err(|_| QueueError::ReadRow { column: "callback" })
}

fn deadlines(row: &impl Columns) -> Result<Deadlines, QueueError> {
    Ok(Deadlines {
        median_seconds: row.real("median_seconds")?,
        p99_seconds: row.real("p99_seconds")?,
        cutoff_seconds: row.real("cutoff_seconds")?,
    })
}

fn fence(row: &impl Columns) -> Result<Fence, QueueError> {
    Ok(Fence {
        id: id(row)?,
        token: row.text("lease_token")?,
        number: row.integer("lease_number")?,
    })
}
