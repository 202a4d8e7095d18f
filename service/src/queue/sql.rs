//! The queue in an SQL database: one set of statements, run through a [`Database`] that `sqlite` and `postgres` each are.
//! They differ in how a transaction begins and in a few words (`statement`); what is done inside is the same text.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::{Encode, Type};

use super::load::Load;
use super::{
    Arrivals, Delivery, DeliveryRecord, Enqueued, Fence, FetchRecord, Gauges, Lease, Queue, QueueError, Retention,
    Room, WorkRecord,
};
use crate::domain::{AddonKey, Job, JobId, NewJob, SpoolKey};

mod audit;
mod delivery;
mod enqueue;
mod facts;
mod fence;
mod fetch;
mod jobs;
mod load;
mod pieces;
mod room;
mod row;
mod source;
pub(in crate::queue) mod statement;
mod tidy;
mod work;
mod written;

pub(super) use row::Columns;
use statement::Statement;

/// A parameter of a statement.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A text or nothing.
    Optional(Option<&'a str>),
    /// A whole number.
    Integer(i64),
    /// Any other.
    Real(f64),
}

/// What a transaction is begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Sees at least what was committed when it began to wait; changes nothing.
    Read,
    /// Sees every commit so far; what it commits is safe against power loss.
    Write,
}

/// A database, as far as the queue needs one.
#[async_trait]
pub trait Database: fmt::Debug + Send + Sync + 'static {
    /// What it begins.
    type Transaction: Transaction;

    /// Begins one.
    async fn begin(&self, access: Access) -> Result<Self::Transaction, QueueError>;
}

/// Statements that are done together or not at all. Dropped, they are not.
#[async_trait]
pub trait Transaction: Send {
    /// What it finds.
    type Row: Columns;

    /// Says what there is, or what was changed.
    async fn fetch(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<Vec<Self::Row>, sqlx::Error>;

    /// Says how many rows there were to change.
    async fn change(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<u64, sqlx::Error>;

    /// Returns when it is safe.
    async fn commit(self) -> Result<(), sqlx::Error>;
}

/// Joins a text with its parameters.
pub(super) fn bound<'query, DB>(
    text: &'static str,
    values: &'query [Value<'query>],
) -> Query<'query, DB, <DB as sqlx::Database>::Arguments>
where
    DB: sqlx::Database,
    for<'value> &'value str: Encode<'value, DB> + Type<DB>,
    for<'value> Option<&'value str>: Encode<'value, DB> + Type<DB>,
    for<'value> i64: Encode<'value, DB> + Type<DB>,
    for<'value> f64: Encode<'value, DB> + Type<DB>,
{
    values.iter().fold(sqlx::query(text), |query, value| match *value {
        Value::Text(text) => query.bind(text),
        Value::Optional(text) => query.bind(text),
        Value::Integer(number) => query.bind(number),
        Value::Real(number) => query.bind(number),
    })
}

/// The queue of one add-on in one database.
#[derive(Debug)]
pub struct SqlQueue<D> {
    pub(super) database: D,
    addon: AddonKey,
    lease_seconds: f64,
    room: Room,
    arrivals: Arrivals,
}

impl<D> SqlQueue<D> {
    pub(super) fn new(database: D, addon: AddonKey, lease: Duration) -> Self {
        Self {
            database,
            addon,
            lease_seconds: lease.as_secs_f64(),
            room: Room::UNBOUNDED,
            arrivals: Arrivals::default(),
        }
    }

    /// The same with no more room than this.
    #[must_use]
    pub fn bounded(mut self, room: Room) -> Self {
        self.room = room;
        self
    }
}

impl<D: Database> SqlQueue<D> {
    /// One statement that only looks, in a transaction of its own.
    async fn fetch(
        &self,
        access: Access,
        (statement, action): (&Statement, &'static str),
        values: &[Value<'_>],
    ) -> Result<Vec<<D::Transaction as Transaction>::Row>, QueueError> {
        let mut transaction = self.database.begin(access).await?;
        let rows = transaction.fetch(statement, values).await.map_err(failed(action))?;
        transaction.commit().await.map_err(failed(action))?;
        Ok(rows)
    }

    /// One statement that changes rows, in a transaction of its own.
    async fn change(
        &self,
        (statement, action): (&Statement, &'static str),
        values: &[Value<'_>],
    ) -> Result<u64, QueueError> {
        let mut transaction = self.database.begin(Access::Write).await?;
        let changed = transaction.change(statement, values).await.map_err(failed(action))?;
        transaction.commit().await.map_err(failed(action))?;
        Ok(changed)
    }

    /// The parameters of a claim, in the order that all of them have.
    fn claiming<'a>(&'a self, token: &'a str, limit: usize) -> [Value<'a>; 4] {
        [
            Value::Text(token),
            Value::Real(self.lease_seconds),
            Value::Text(self.addon.as_str()),
            integer(limit),
        ]
    }

    /// A statement whose first four parameters are the add-on and the fence: it changes one row, or the fence is stale.
    async fn change_fenced(
        &self,
        (statement, action): (&Statement, &'static str),
        fence: &Fence,
        values: &[Value<'_>],
    ) -> Result<(), QueueError> {
        let id = fence.id.to_string();
        let mut all = vec![
            Value::Text(self.addon.as_str()),
            Value::Text(&id),
            Value::Text(&fence.token),
            Value::Integer(fence.number),
        ];
        all.extend(values);
        match self.change((statement, action), &all).await? {
            0 => Err(QueueError::LoseLease),
            _ => Ok(()),
        }
    }
}

/// Adds what was tried to what the database said.
pub(super) fn failed(action: &'static str) -> impl FnOnce(sqlx::Error) -> QueueError {
    move |source| QueueError::UseDatabase { action, source }
}

/// A number that SQL can hold; its integers are signed, and no limit and no file is half as large.
fn integer(number: impl TryInto<i64>) -> Value<'static> {
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}

#[async_trait]
impl<D: Database> Queue for SqlQueue<D> {
    async fn enqueue(&self, job: NewJob) -> Result<Enqueued, QueueError> {
        let is_remote = job.remote.is_some();
        let enqueued = enqueue::enqueue(self, job).await?;
        match enqueued {
            Enqueued::Accepted | Enqueued::Duplicate { .. } if is_remote => self.arrivals.fetches.notify_one(),
            Enqueued::Accepted => self.arrivals.work.notify_one(),
            Enqueued::Redeliver { .. } => self.arrivals.deliveries.notify_one(),
            Enqueued::Duplicate { .. }
            | Enqueued::Reused { .. }
            | Enqueued::Full { .. }
            | Enqueued::InstallFull { .. } => {}
        }
        Ok(enqueued)
    }

    async fn recover(&self) -> Result<u64, QueueError> {
        tidy::recover(self).await
    }

    async fn claim_fetches(&self, limit: usize) -> Result<Vec<Lease<Job>>, QueueError> {
        fetch::claim(self, limit).await
    }

    async fn end_fetch(&self, lease: Lease<Job>, record: FetchRecord) -> Result<(), QueueError> {
        let next = match record {
            FetchRecord::Fetched(_) => Some(&self.arrivals.work),
            FetchRecord::GiveUp(_) => Some(&self.arrivals.deliveries),
            FetchRecord::Retry { .. } | FetchRecord::Release => None,
        };
        fetch::end(self, lease.fence(), record).await?;
        if let Some(next) = next {
            next.notify_one();
        }
        Ok(())
    }

    async fn claim(&self, limit: usize) -> Result<Vec<Lease<Job>>, QueueError> {
        work::claim(self, limit).await
    }

    async fn claim_deliveries(&self, limit: usize) -> Result<Vec<Lease<Delivery>>, QueueError> {
        delivery::claim(self, limit).await
    }

    async fn renew(&self, fence: &Fence) -> Result<(), QueueError> {
        work::renew(self, fence).await
    }

    async fn kept_pieces(&self, fence: &Fence, engine: &str) -> Result<Vec<(u32, String)>, QueueError> {
        pieces::kept(self, fence, engine).await
    }

    async fn keep_piece(&self, fence: &Fence, engine: &str, piece: (u32, &str)) -> Result<(), QueueError> {
        pieces::keep(self, fence, engine, piece).await
    }

    async fn finish(&self, lease: Lease<Job>, record: WorkRecord) -> Result<(), QueueError> {
        let done = matches!(record, WorkRecord::Done(_));
        work::finish(self, lease.fence(), record).await?;
        if done {
            self.arrivals.deliveries.notify_one();
        }
        Ok(())
    }

    async fn record(&self, lease: Lease<Delivery>, record: DeliveryRecord) -> Result<(), QueueError> {
        delivery::record(self, lease.fence(), record).await
    }

    async fn release_delivery(&self, lease: Lease<Delivery>) -> Result<(), QueueError> {
        delivery::release(self, lease.fence()).await
    }

    async fn gauges(&self) -> Result<Gauges, QueueError> {
        tidy::gauges(self).await
    }

    async fn load(&self) -> Result<Load, QueueError> {
        load::load(self).await
    }

    async fn removable_audio(&self, limit: usize) -> Result<Vec<(JobId, SpoolKey)>, QueueError> {
        tidy::removable_audio(self, limit).await
    }

    async fn audio_removed(&self, id: JobId) -> Result<(), QueueError> {
        tidy::audio_removed(self, id).await
    }

    async fn retire(&self, retention: &Retention) -> Result<u64, QueueError> {
        tidy::retire(self, retention).await
    }

    async fn known_files(&self, keys: &[SpoolKey]) -> Result<HashSet<SpoolKey>, QueueError> {
        tidy::known_files(self, keys).await
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }
}
