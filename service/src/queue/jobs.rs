//! What people do with jobs: look, replay, discard, purge, hold. Called by `cli::jobs` alone, beside whatever serves; each
//! change is one transaction that looks at the job, decides (`decide`) and leaves a row of the audit.

use async_trait::async_trait;
use serde::Serialize;

use super::{Queue, QueueError, Standing};
use crate::domain::{EndpointName, JobId, SpoolKey, TwilioSids};

mod decide;

pub use decide::{Action, Refuse};
pub(super) use decide::{Change, Situation, decide};

/// Which jobs are meant. What is left out is not asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// One job by its name.
    pub id: Option<JobId>,
    /// Where they are; empty for anywhere.
    pub standings: Vec<Standing>,
    /// The endpoint.
    pub endpoint: Option<String>,
    /// The customer's installation.
    pub install: Option<String>,
    /// The version of the add-on.
    pub version: Option<String>,
    /// The request.
    pub request: Option<String>,
    /// Accepted at this moment or later, in seconds since 1970.
    pub after: Option<f64>,
    /// Accepted before this moment.
    pub before: Option<f64>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Behind this job in the order of acceptance.
    pub after: Option<JobId>,
    /// At most so many.
    pub limit: usize,
}

/// What may be told of a job: no callback but its host, no audio, no result.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFacts {
    /// Its name, and the key of its callbacks.
    pub id: JobId,
    /// Which endpoint was called.
    pub endpoint: EndpointName,
    /// Where it is.
    pub standing: Standing,
    /// What Twilio calls the parties.
    pub sids: TwilioSids,
    /// The host of the callback; none when it is forgotten.
    pub callback_host: Option<String>,
    /// Tries at the work.
    pub attempts: u32,
    /// Tries at the callback.
    pub delivery_attempts: u32,
    /// Why the last try failed, as a word.
    pub last_error: Option<String>,
    /// What the result says went wrong, as a word.
    pub error_code: Option<String>,
    /// Whether somebody works on it or sends it at this moment.
    pub is_leased: bool,
    /// Whether the audio is there.
    pub has_audio: bool,
    /// Whether the result is there.
    pub has_result: bool,
    /// How long the audio plays.
    pub audio_seconds: f64,
    /// When what happened.
    pub times: JobTimes,
}

/// In seconds since 1970, by the database's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobTimes {
    /// Answered 202.
    pub accepted: f64,
    /// Half of all results are there by then.
    pub due: f64,
    /// Twilio gives up.
    pub cutoff: f64,
    /// The result was stored.
    pub finished: Option<f64>,
    /// The next try at the callback, not before.
    pub deliver_at: Option<f64>,
    /// Held.
    pub held: Option<f64>,
    /// Confirmed, given up or discarded.
    pub ended: Option<f64>,
    /// The result and the callback went.
    pub forgotten: Option<f64>,
}

/// Who changes something, and how it was chosen; kept with the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who.
    pub author: String,
    /// The filter, in words.
    pub choice: String,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acted {
    /// It is done.
    Done {
        /// The audio that nobody names any more.
        audio: Option<SpoolKey>,
        /// The same for a large result.
        result: Option<SpoolKey>,
    },
    /// It is not, and why.
    Refused(Refuse),
    /// There is no such job any more.
    Gone,
}

/// A row of the audit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    /// In seconds since 1970.
    #[serde(skip)]
    pub at: f64,
    /// What was done.
    pub action: String,
    /// With which job; none for the whole of a fence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Of which request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// By whom.
    pub by: String,
    /// How it was chosen.
    pub choice: String,
}

/// A queue whose jobs are looked at and changed by people.
#[async_trait]
pub trait Jobs: Queue {
    /// In the order of acceptance.
    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<JobFacts>, QueueError>;

    /// One job, one transaction.
    async fn act(&self, action: Action, id: JobId, note: &Note) -> Result<Acted, QueueError>;

    /// How many jobs `fence` would hold.
    async fn count_fenced(&self, before: f64) -> Result<u64, QueueError>;

    /// Voids the lease of every unfinished job that was accepted before this moment, and holds it. Says how many.
    async fn fence(&self, before: f64, note: &Note) -> Result<u64, QueueError>;

    /// Whether these data were fenced before exactly this moment already: then whoever chose since is not overruled.
    async fn is_fenced(&self, note: &Note) -> Result<bool, QueueError>;

    /// The newest changes, the newest first.
    async fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, QueueError>;
}
