//! One job: analysed within its time, its result stored with the intent to call back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use marketplace_daemon::cause::chain;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::audio::{self, NoAudio, open_audio};
use super::claiming::Stage;
use super::heartbeat::Heartbeat;
use super::{MAX_ATTEMPTS, WorkMetrics, WorkOutcome};
use crate::analysis::{self, AnalysisError, AnalysisPlan, Halt, Halted, JobErrorCode, Material};
use crate::crash;
use crate::deadline;
use crate::domain::{EndpointName, Job};
use crate::handler::http::Partners;
use crate::queue::{Lease, Outcome, Queue, QueueError, ResultBody, WorkRecord};
use crate::retry::{self, Jitter};
use crate::speech::Engines;
use crate::speech::kept::Keep;
use crate::spool::{Opened, Spool, SpoolError};
use crate::trace;

/// A larger result lies in the spool: rows are read whole.
const ROW_RESULT_BYTES: usize = 256 * 1024;

pub(super) struct WorkStage {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) spool: Arc<Spool>,
    pub(super) plans: HashMap<EndpointName, AnalysisPlan>,
    pub(super) partners: Partners,
    pub(super) engines: Engines,
    pub(super) metrics: WorkMetrics,
    pub(super) jitter: Arc<Jitter>,
    pub(super) lease: Duration,
    pub(super) result_bytes: usize,
    pub(super) given_up: CancellationToken,
}

/// What is to be done with a job that was just leased.
#[derive(Debug, PartialEq)]
enum Step {
    Analyze { within: Duration },
    GiveUp(JobErrorCode),
}

/// A job that was leased too often has killed its workers: it is not tried again, but its sender is told.
fn next_step(attempt: u32, left: Option<Duration>) -> Step {
    match left {
        _ if attempt > MAX_ATTEMPTS => Step::GiveUp(JobErrorCode::InternalError),
        None => Step::GiveUp(JobErrorCode::TimedOut),
        Some(within) => Step::Analyze { within },
    }
}

/// What an analysis comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Conclusion {
    Deliver(Result<Value, JobErrorCode>),
    Retry { reason: &'static str },
    Postpone { reason: &'static str, after_seconds: f64 },
    Release,
}

fn conclude(analyzed: Result<Value, AnalysisError>, attempt: u32) -> Conclusion {
    let reason = match analyzed {
        Ok(results) => return Conclusion::Deliver(Ok(results)),
        Err(AnalysisError::ReadAudio { .. }) => return Conclusion::Deliver(Err(JobErrorCode::UnreadableAudio)),
        Err(AnalysisError::FinishInTime(Halted::TimedOut)) => return Conclusion::Deliver(Err(JobErrorCode::TimedOut)),
        Err(AnalysisError::FinishInTime(Halted::GivenUp)) => return Conclusion::Release,
        Err(AnalysisError::ReadFile(_)) => "read_file",
        Err(AnalysisError::Analyze { .. }) => "analyze",
    };
    if attempt >= MAX_ATTEMPTS {
        Conclusion::Deliver(Err(JobErrorCode::InternalError))
    } else {
        Conclusion::Retry { reason }
    }
}

#[async_trait]
impl Stage for WorkStage {
    type Lease = Lease<Job>;

    const NAME: &'static str = "work";

    async fn claim(&self, limit: usize) -> Result<Vec<Lease<Job>>, QueueError> {
        self.queue.claim(limit).await
    }

    async fn handle(&self, lease: Lease<Job>) {
        crash::point("after_claim");
        let (id, endpoint) = (lease.subject.id, lease.subject.work.endpoint.clone());
        let heartbeat = Heartbeat::start(Arc::clone(&self.queue), lease.fence().clone(), self.lease);
        let span = trace::job(&lease.subject);
        let analyzed = tokio::select! {
            conclusion = self.work(&lease).instrument(span.clone()) => Some(conclusion),
            () = heartbeat.lost() => None,
        };
        let ended = match analyzed {
            Some(conclusion) => self.end(lease, conclusion).await,
            None => Err(EndWork::Queue(QueueError::LoseLease)),
        };
        match ended {
            Ok(outcome) => {
                trace::ended(&span, outcome.label());
                self.metrics.worked(&endpoint, outcome);
            }
            Err(EndWork::Queue(QueueError::LoseLease)) => {
                self.metrics.worked(&endpoint, WorkOutcome::LeaseLost);
                tracing::warn!(job.id = %id, "a result was dropped: the lease had ended");
            }
            Err(error) => {
                self.metrics.worked(&endpoint, WorkOutcome::Failed);
                tracing::error!(error = chain(&error), job.id = %id, "a job was not recorded");
            }
        }
    }

    fn arrived(&self) -> &Notify {
        &self.queue.arrivals().work
    }
}

/// Why a job's end could not be recorded; its lease then ends by itself.
#[derive(Debug, thiserror::Error)]
enum EndWork {
    #[error("failed to record the end of a job")]
    Queue(#[source] QueueError),
    #[error("failed to store a large result")]
    Spool(#[source] SpoolError),
}

impl WorkStage {
    async fn work(&self, lease: &Lease<Job>) -> Conclusion {
        let Lease {
            subject: job,
            age_seconds,
            ..
        } = lease;
        let left = deadline::work_left(&job.work.deadlines, *age_seconds);
        match next_step(job.attempt, left) {
            Step::GiveUp(code) => Conclusion::Deliver(Err(code)),
            Step::Analyze { within } => {
                let began = Instant::now();
                let audio = match open_audio(&self.spool, job).await {
                    Ok(audio) => audio,
                    Err(NoAudio::Yet) => return audio::postpone(&self.jitter),
                    Err(NoAudio::AnyMore(reason)) => {
                        return conclude(Err(AnalysisError::ReadFile(reason)), job.attempt);
                    }
                };
                let within = within.saturating_sub(began.elapsed());
                if let Some(partner) = self.partners.get(&job.work.endpoint) {
                    return Box::pin(self.ask(partner, job, (&audio, within))).await;
                }
                let analyzed = self.analyze(lease, audio, within).await;
                if let Err(error) = &analyzed {
                    tracing::warn!(error = chain(error), job.id = %job.id, "an analysis failed");
                }
                conclude(analyzed, job.attempt)
            }
        }
    }

    async fn analyze(&self, lease: &Lease<Job>, audio: Opened, within: Duration) -> Result<Value, AnalysisError> {
        let job = &lease.subject;
        let Some(plan) = self.plans.get(&job.work.endpoint).cloned() else {
            let reason = "the endpoint has no analysis any more".to_owned();
            return Err(AnalysisError::Analyze {
                part: "nothing",
                reason,
            });
        };
        let started = Instant::now();
        // Cancelled when the grace period is over, and when this future is dropped because the lease was lost.
        let cancelled = self.given_up.child_token();
        let _cancel_on_drop = cancelled.clone().drop_guard();
        let halt = Halt::new(started + within, cancelled);
        let transcript = match &plan.transcription {
            Some(wanted) => {
                let keep = Keep {
                    queue: self.queue.as_ref(),
                    fence: lease.fence(),
                };
                let heard = self.engines.transcribe(wanted, (audio.path(), &halt), Some(&keep));
                heard.await?
            }
            None => None,
        };
        let analyze = move || {
            let material = Material {
                audio: audio.path(),
                transcript,
            };
            analysis::analyze(material, &plan, &halt)
        };
        let analyzed = tokio::task::spawn_blocking(analyze).await.unwrap_or_else(|error| {
            Err(AnalysisError::Analyze {
                part: "everything",
                reason: error.to_string(),
            })
        });
        if analyzed.is_ok() {
            self.metrics
                .analyzed(&job.work.endpoint, started.elapsed(), job.work.format.seconds);
        }
        analyzed
    }

    async fn end(&self, lease: Lease<Job>, conclusion: Conclusion) -> Result<WorkOutcome, EndWork> {
        let (record, outcome) = match conclusion {
            Conclusion::Deliver(results) => {
                let (json, error) = analysis::fitting(&lease.subject, results, self.result_bytes);
                let error_code = error.map(JobErrorCode::as_str);
                let outcome = if error_code.is_none() {
                    WorkOutcome::Analyzed
                } else {
                    WorkOutcome::GaveUp
                };
                (
                    WorkRecord::Done(Outcome {
                        body: self.keep(json).await?,
                        error_code,
                    }),
                    outcome,
                )
            }
            Conclusion::Retry { reason } => {
                let after_seconds = retry::wait_seconds(lease.subject.attempt, self.jitter.next());
                (WorkRecord::Retry { reason, after_seconds }, WorkOutcome::Failed)
            }
            Conclusion::Postpone { reason, after_seconds } => {
                (WorkRecord::Postpone { reason, after_seconds }, WorkOutcome::Postponed)
            }
            Conclusion::Release => (WorkRecord::Release, WorkOutcome::Released),
        };
        self.queue.finish(lease, record).await.map_err(EndWork::Queue)?;
        crash::point("result_recorded");
        Ok(outcome)
    }

    /// The text is given up as it is written: a result is never held twice.
    async fn keep(&self, json: String) -> Result<ResultBody, EndWork> {
        if json.len() <= ROW_RESULT_BYTES && !crash::is_awaited_at("result_spooled") {
            return Ok(ResultBody::Inline(json));
        }
        self.spool
            .store_result(json.as_bytes())
            .await
            .map(ResultBody::Spooled)
            .map_err(EndWork::Spool)
    }
}

#[cfg(test)]
mod tests;
