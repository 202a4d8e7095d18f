//! The right to work on a job, and what may be handed in under it. A lease is a value: it must be given up to finish, so
//! that no path finishes twice.

use uuid::Uuid;

use crate::domain::{AudioFormat, CallbackUrl, Deadlines, EndpointName, JobId, SpoolKey, StoredAudio};

/// What must be shown to change a leased job: a stale one changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub(super) id: JobId,
    pub(super) token: String,
    pub(super) number: i64,
}

impl Fence {
    /// The job it is about.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }
}

/// A random word that only one lease has.
#[derive(Debug, Clone)]
pub(super) struct LeaseToken(pub(super) String);

impl LeaseToken {
    pub(super) fn random() -> Self {
        Self(Uuid::new_v4().as_simple().to_string())
    }
}

/// The right to work on `subject` until it ends or is renewed no more.
#[derive(Debug)]
pub struct Lease<T> {
    /// What is worked on.
    pub subject: T,
    /// How long ago the job was accepted, by the database's clock, when the lease was given.
    pub age_seconds: f64,
    pub(super) fence: Fence,
}

impl<T> Lease<T> {
    /// What a heartbeat shows.
    #[must_use]
    pub fn fence(&self) -> &Fence {
        &self.fence
    }
}

/// The JSON that is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultBody {
    /// In the row.
    Inline(String),
    /// In the spool, because it is large.
    Spooled(SpoolKey),
}

/// How work on a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkRecord {
    /// There is a result, good or bad, and it is to be delivered.
    Done(Outcome),
    /// The attempt failed for a reason that may pass; another may follow after this time.
    Retry {
        /// Why, as a word.
        reason: &'static str,
        /// Not before.
        after_seconds: f64,
    },
    /// The same, and the attempt is not counted: what it needs is away, and nothing was tried.
    Postpone {
        /// Why, as a word.
        reason: &'static str,
        /// Not before.
        after_seconds: f64,
    },
    /// Nobody's fault, such as a stop of the worker: the attempt is not counted.
    Release,
}

/// Audio that was fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// It, already safe.
    pub audio: StoredAudio,
    /// What it was measured to be.
    pub format: AudioFormat,
    /// When the result is due, now that the length is known.
    pub deadlines: Deadlines,
}

/// How an attempt at a fetch ended.
#[derive(Debug, Clone, PartialEq)]
pub enum FetchRecord {
    /// The audio is there.
    Fetched(Fetched),
    /// It will never be, and an error is to be delivered.
    GiveUp(Outcome),
    /// Another attempt follows after this time.
    Retry {
        /// Why, as a word.
        reason: &'static str,
        /// Not before.
        after_seconds: f64,
    },
    /// Nobody's fault, such as a stop of the worker: the attempt is not counted.
    Release,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What is sent.
    pub body: ResultBody,
    /// The word for what went wrong, if anything did.
    pub error_code: Option<&'static str>,
}

/// A result on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The job, and with it the idempotency key.
    pub id: JobId,
    /// Which endpoint it answers.
    pub endpoint: EndpointName,
    /// Where to.
    pub callback: CallbackUrl,
    /// What.
    pub body: ResultBody,
    /// When it was due.
    pub deadlines: Deadlines,
    /// How long the audio plays.
    pub audio_seconds: f64,
    /// The how-manieth try this is, from 1.
    pub attempt: u32,
    /// How long the result has been there.
    pub waited_seconds: f64,
    /// How long trying still makes sense; negative when it does not.
    pub left_seconds: f64,
}

/// How an attempt at a callback ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DeliveryRecord {
    /// The receiver has it.
    Confirmed,
    /// Another attempt follows after this time.
    Retry {
        /// Why, as a word.
        reason: &'static str,
        /// Not before.
        after_seconds: f64,
    },
    /// The receiver does not want it, or must not be told.
    Rejected {
        /// Why, as a word.
        reason: &'static str,
    },
    /// The time for trying is over.
    Expired,
}
