//! One fetch: audio that is elsewhere brought into the spool, and its job given to the work with deadlines of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marketplace_daemon::cause::chain;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::claiming::Stage;
use super::heartbeat::Heartbeat;
use super::{FetchOutcome, MAX_ATTEMPTS, WorkMetrics};
use crate::analysis::{self, JobErrorCode};
use crate::crash;
use crate::deadline::{self, Sla};
use crate::domain::Job;
use crate::fetch::{FetchAudio, Fetcher, Meaning};
use crate::intake::TakeIn;
use crate::queue::{FetchRecord, Fetched, Lease, Outcome, Queue, QueueError, ResultBody};
use crate::retry::{self, Jitter};
use crate::spool::Spool;
use crate::trace;

pub(super) struct FetchStage {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) spool: Arc<Spool>,
    pub(super) fetcher: Fetcher,
    pub(super) sla: Sla,
    pub(super) metrics: WorkMetrics,
    pub(super) jitter: Arc<Jitter>,
    pub(super) lease: Duration,
    pub(super) given_up: CancellationToken,
}

/// What an attempt comes to, in one word why.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Conclusion {
    Retry { reason: &'static str, after_seconds: f64 },
    GiveUp { reason: &'static str, code: JobErrorCode },
}

/// Tried until its time is over; the last try is made when time runs out, not a wait too late.
fn conclude(meaning: Meaning, attempt: u32, wait_seconds: f64, left: Option<Duration>) -> Conclusion {
    let (reason, code) = match meaning {
        Meaning::Passing(reason) => (reason, JobErrorCode::AudioUnreachable),
        Meaning::Doubtful(reason, code) if attempt < MAX_ATTEMPTS => (reason, code),
        Meaning::Doubtful(reason, code) | Meaning::Final(reason, code) => return Conclusion::GiveUp { reason, code },
    };
    match left {
        Some(left) => Conclusion::Retry {
            reason,
            after_seconds: wait_seconds.min(left.as_secs_f64()),
        },
        None => Conclusion::GiveUp { reason, code },
    }
}

#[async_trait]
impl Stage for FetchStage {
    type Lease = Lease<Job>;

    const NAME: &'static str = "fetch";

    async fn claim(&self, limit: usize) -> Result<Vec<Lease<Job>>, QueueError> {
        self.queue.claim_fetches(limit).await
    }

    async fn handle(&self, lease: Lease<Job>) {
        crash::point("fetch_claimed");
        let (id, endpoint) = (lease.subject.id, lease.subject.work.endpoint.clone());
        let heartbeat = Heartbeat::start(Arc::clone(&self.queue), lease.fence().clone(), self.lease);
        let span = trace::fetch(&lease.subject);
        let record = tokio::select! {
            record = self.fetch(&lease).instrument(span.clone()) => Some(record),
            () = heartbeat.lost() => None,
            () = self.given_up.cancelled() => Some(FetchRecord::Release),
        };
        let ended = match record {
            Some(record) => {
                let told = outcome_and_reason(&record);
                self.queue.end_fetch(lease, record).await.map(|()| told)
            }
            None => Err(QueueError::LoseLease),
        };
        let (outcome, reason) = match ended {
            Ok(told) => {
                crash::point("fetch_recorded");
                told
            }
            Err(QueueError::LoseLease) => {
                tracing::info!(job.id = %id, "a fetch was superseded");
                (FetchOutcome::LeaseLost, "none")
            }
            Err(error) => {
                tracing::error!(error = chain(&error), job.id = %id, "a fetch was not recorded");
                (FetchOutcome::Failed, "queue")
            }
        };
        trace::ended(&span, outcome.label());
        self.metrics.fetched(&endpoint, outcome, reason);
    }

    fn arrived(&self) -> &Notify {
        &self.queue.arrivals().fetches
    }
}

impl FetchStage {
    async fn fetch(&self, lease: &Lease<Job>) -> FetchRecord {
        let Lease {
            subject: job,
            age_seconds,
            ..
        } = lease;
        let started = tokio::time::Instant::now();
        let Some(within) = deadline::work_left(&job.work.deadlines, *age_seconds) else {
            return give_up(job, JobErrorCode::AudioUnreachable);
        };
        let brought = tokio::time::timeout(within, self.bring(job)).await;
        let error = match brought {
            Ok(Ok(fetched)) => return FetchRecord::Fetched(fetched),
            Ok(Err(error)) => error,
            Err(_) => return give_up(job, JobErrorCode::AudioUnreachable),
        };
        let host = job.work.remote.as_ref().map(|remote| remote.url.host());
        tracing::warn!(
            error = chain(&error), job.id = %job.id, audio.host = host, attempt = job.attempt, "a fetch failed"
        );
        let left = within.checked_sub(started.elapsed()).filter(|left| !left.is_zero());
        let wait_seconds = retry::wait_seconds(job.attempt, self.jitter.next());
        match conclude(error.meaning(), job.attempt, wait_seconds, left) {
            Conclusion::Retry { reason, after_seconds } => FetchRecord::Retry { reason, after_seconds },
            Conclusion::GiveUp { reason: _, code } => give_up(job, code),
        }
    }

    /// Safe in the spool when this returns; should the row then not be written, the file is nobody's, and is swept.
    async fn bring(&self, job: &Job) -> Result<Fetched, FetchAudio> {
        let remote = job.work.remote.as_ref();
        let remote = remote.expect("a claimed fetch has a URL: the queue claims no other");
        let (audio, format) = self.fetcher.fetch(&self.spool, remote, job.attempt).await?;
        let audio = audio.store().await.map_err(TakeIn::StoreAudio)?;
        crash::point("fetched");
        Ok(Fetched {
            audio,
            format,
            deadlines: deadline::deadlines(format.seconds, &self.sla),
        })
    }
}

fn give_up(job: &Job, code: JobErrorCode) -> FetchRecord {
    FetchRecord::GiveUp(Outcome {
        body: ResultBody::Inline(analysis::result_json(job, Err(code))),
        error_code: Some(code.as_str()),
    })
}

fn outcome_and_reason(record: &FetchRecord) -> (FetchOutcome, &'static str) {
    match record {
        FetchRecord::Fetched(_) => (FetchOutcome::Fetched, "none"),
        FetchRecord::GiveUp(outcome) => (FetchOutcome::GaveUp, outcome.error_code.unwrap_or("none")),
        FetchRecord::Retry { reason, .. } => (FetchOutcome::Failed, reason),
        FetchRecord::Release => (FetchOutcome::Released, "none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_is_tried_until_its_time_is_over_and_a_wrong_size_five_times() {
        use JobErrorCode::{AudioIncomplete, AudioUnreachable};
        let left = Some(Duration::from_secs(3));
        let passing = Meaning::Passing("busy");
        let doubtful = Meaning::Doubtful("size_mismatch", AudioIncomplete);
        let last = Meaning::Final("client_error", AudioUnreachable);
        let retry = |reason, after_seconds| Conclusion::Retry { reason, after_seconds };
        let give_up = |reason, code| Conclusion::GiveUp { reason, code };
        for (meaning, attempt, left, conclusion) in [
            (passing, 1, left, retry("busy", 2.0)),
            (passing, 1000, left, retry("busy", 2.0)),
            (passing, 1, Some(Duration::from_secs(1)), retry("busy", 1.0)),
            (passing, 1, None, give_up("busy", AudioUnreachable)),
            (doubtful, MAX_ATTEMPTS - 1, left, retry("size_mismatch", 2.0)),
            (doubtful, MAX_ATTEMPTS, left, give_up("size_mismatch", AudioIncomplete)),
            (last, 1, left, give_up("client_error", AudioUnreachable)),
        ] {
            assert_eq!(
                conclude(meaning, attempt, 2.0, left),
                conclusion,
                "{meaning:?} {attempt}"
            );
        }
    }
}
