//! A job whose endpoint a partner's code answers: asked within the job's time, and what follows from its answer.
//!
//! A partner that is away (no connection, busy, left alone) costs no attempt: the recording waits for it until its time is
//! over. One that is there and fails on this recording is asked as often as an analysis of ours would be tried, because
//! the recording itself may be what it fails on.

use std::time::{Duration, Instant};

use marketplace_daemon::cause::chain;
use serde_json::Value;

use super::MAX_ATTEMPTS;
use super::work::{Conclusion, WorkStage};
use crate::analysis::JobErrorCode;
use crate::domain::Job;
use crate::handler::http::{AboutRecording, AskPartner, Call, Partner};
use crate::spool::Opened;

/// How soon a partner that is away is asked again, give or take half: in its own time it is asked by nobody.
const POSTPONED_SECONDS: f64 = 2.0;

impl WorkStage {
    pub(super) async fn ask(&self, partner: &Partner, job: &Job, (audio, within): (&Opened, Duration)) -> Conclusion {
        let began = Instant::now();
        let call = Call {
            request: &job.work.request,
            within,
            limit_bytes: self.result_bytes,
        };
        let question = AboutRecording::new(job);
        let said = tokio::select! {
            said = partner.analyze(&question, audio.path(), call) => said,
            () = self.given_up.cancelled() => return Conclusion::Release,
        };
        match said {
            Ok(results) => {
                self.metrics
                    .analyzed(&job.work.endpoint, began.elapsed(), job.work.format.seconds);
                Conclusion::Deliver(Ok(Value::Object(results.unwrap_or_default())))
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), job.id = %job.id, "a partner gave no result");
                let left = within.saturating_sub(began.elapsed());
                conclude(&error, (job.attempt, left), self.jitter.next())
            }
        }
    }
}

/// What an answer that is none comes to; `jitter` is a random number in 0..1.
fn conclude(error: &AskPartner, (attempt, left): (u32, Duration), jitter: f64) -> Conclusion {
    let reason = error.category();
    if left.is_zero() {
        return Conclusion::Deliver(Err(JobErrorCode::TimedOut));
    }
    let postponed = |seconds: f64| Conclusion::Postpone {
        reason,
        after_seconds: (seconds + POSTPONED_SECONDS * (jitter - 0.5)).clamp(0.0, left.as_secs_f64()),
    };
    let tried = |code| {
        if attempt >= MAX_ATTEMPTS {
            Conclusion::Deliver(Err(code))
        } else {
            Conclusion::Retry { reason }
        }
    };
    match error {
        AskPartner::AwaitPartner(open) => postponed(open.as_secs_f64() + POSTPONED_SECONDS),
        AskPartner::FindSecret | AskPartner::Connect | AskPartner::AcceptStatus(408 | 425 | 429 | 503) => {
            postponed(POSTPONED_SECONDS)
        }
        AskPartner::AnswerInTime(_)
        | AskPartner::ReadWhole
        | AskPartner::ReadJson
        | AskPartner::AcceptStatus(500..=599) => tried(JobErrorCode::HandlerFailed),
        AskPartner::ReadAudio(_) => tried(JobErrorCode::InternalError),
        AskPartner::CallUrl(_) | AskPartner::AcceptStatus(_) => Conclusion::Deliver(Err(JobErrorCode::HandlerFailed)),
        AskPartner::ReadTooLarge { .. } => Conclusion::Deliver(Err(JobErrorCode::ResultTooLarge)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_that_is_away_costs_no_attempt_and_one_that_fails_does() {
        let left = Duration::from_mins(1);
        let postponed = |reason, after_seconds| Conclusion::Postpone { reason, after_seconds };
        let failed = || Conclusion::Deliver(Err(JobErrorCode::HandlerFailed));
        let retried = |reason| Conclusion::Retry { reason };
        for (error, first, last) in [
            (AskPartner::Connect, postponed("partner_unreachable", 2.0), None),
            (AskPartner::AcceptStatus(429), postponed("partner_failed", 2.0), None),
            (AskPartner::AcceptStatus(503), postponed("partner_failed", 2.0), None),
            (AskPartner::FindSecret, postponed("partner_secret_missing", 2.0), None),
            (
                AskPartner::AwaitPartner(Duration::from_secs(7)),
                postponed("partner_left_alone", 9.0),
                None,
            ),
            (AskPartner::AcceptStatus(500), retried("partner_failed"), Some(failed())),
            (AskPartner::AcceptStatus(502), retried("partner_failed"), Some(failed())),
            (
                AskPartner::AnswerInTime(left),
                retried("partner_timeout"),
                Some(failed()),
            ),
            (AskPartner::ReadWhole, retried("partner_broke_off"), Some(failed())),
            (AskPartner::ReadJson, retried("partner_answer_invalid"), Some(failed())),
            (AskPartner::AcceptStatus(400), failed(), None),
            (AskPartner::AcceptStatus(302), failed(), None),
            (
                AskPartner::ReadTooLarge { limit_bytes: 1 },
                Conclusion::Deliver(Err(JobErrorCode::ResultTooLarge)),
                None,
            ),
        ] {
            assert_eq!(conclude(&error, (1, left), 0.5), first, "{error}");
            assert_eq!(
                conclude(&error, (MAX_ATTEMPTS, left), 0.5),
                last.unwrap_or(first),
                "{error}"
            );
            let too_late = conclude(&error, (1, Duration::ZERO), 0.5);
            assert_eq!(too_late, Conclusion::Deliver(Err(JobErrorCode::TimedOut)), "{error}");
        }
    }

    #[test]
    fn nothing_is_postponed_beyond_its_time() {
        let left = Duration::from_secs(1);
        let waiting = AskPartner::AwaitPartner(Duration::from_mins(5));
        let expected = Conclusion::Postpone {
            reason: "partner_left_alone",
            after_seconds: 1.0,
        };
        assert_eq!(conclude(&waiting, (1, left), 0.9), expected);
    }
}
