//! How work ends, whatever becomes of its audio.

use serde_json::json;

use super::*;

#[test]
fn a_job_is_tried_five_times_and_within_its_time() {
    let left = Some(Duration::from_secs(9));
    for (attempt, left, step) in [
        (
            1,
            left,
            Step::Analyze {
                within: Duration::from_secs(9),
            },
        ),
        (
            MAX_ATTEMPTS,
            left,
            Step::Analyze {
                within: Duration::from_secs(9),
            },
        ),
        (MAX_ATTEMPTS + 1, left, Step::GiveUp(JobErrorCode::InternalError)),
        (MAX_ATTEMPTS + 1, None, Step::GiveUp(JobErrorCode::InternalError)),
        (1, None, Step::GiveUp(JobErrorCode::TimedOut)),
    ] {
        assert_eq!(next_step(attempt, left), step, "attempt {attempt}");
    }
}

#[test]
fn every_end_of_an_analysis_leads_to_a_result_or_another_try() {
    let read_file = || AnalysisError::ReadFile(std::io::Error::other("gone"));
    let analyze = || AnalysisError::Analyze {
        part: "loudness",
        reason: String::new(),
    };
    let unreadable = AnalysisError::ReadAudio { reason: String::new() };
    for (analyzed, attempt, conclusion) in [
        (Ok(json!({})), 1, Conclusion::Deliver(Ok(json!({})))),
        (
            Err(unreadable),
            1,
            Conclusion::Deliver(Err(JobErrorCode::UnreadableAudio)),
        ),
        (
            Err(AnalysisError::FinishInTime(Halted::TimedOut)),
            1,
            Conclusion::Deliver(Err(JobErrorCode::TimedOut)),
        ),
        (
            Err(AnalysisError::FinishInTime(Halted::GivenUp)),
            MAX_ATTEMPTS,
            Conclusion::Release,
        ),
        (Err(read_file()), 1, Conclusion::Retry { reason: "read_file" }),
        (
            Err(analyze()),
            MAX_ATTEMPTS - 1,
            Conclusion::Retry { reason: "analyze" },
        ),
        (
            Err(read_file()),
            MAX_ATTEMPTS,
            Conclusion::Deliver(Err(JobErrorCode::InternalError)),
        ),
        (
            Err(analyze()),
            MAX_ATTEMPTS,
            Conclusion::Deliver(Err(JobErrorCode::InternalError)),
        ),
    ] {
        assert_eq!(conclude(analyzed, attempt), conclusion);
    }
}
