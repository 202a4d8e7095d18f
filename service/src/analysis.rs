//! Turns audio into a result. Which analyzers run is the endpoint's [`AnalysisPlan`]; adding one is a file under
//! `analysis/` and a line here. Synchronous and streaming: memory does not grow with the audio. Called by `worker`.
//!
//! Every result has the same members, whether it went well or not:
//!
//! ```json
//! {"request_sid": "MR...", "endpoint": "recordings", "error_code": null, "results": {"acoustics": {}}}
//! {"request_sid": "MR...", "endpoint": "recordings", "error_code": "unreadable_audio", "results": null}
//! ```
//! and, where they are known, `integration_key` and `configuration`.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::{EndpointName, Job, RequestDetails};
use crate::speech::TranscriptionPlan;

pub mod acoustics;
pub mod audio;
mod halt;
pub mod raw;
pub mod resample;
pub mod transcript;

pub use acoustics::AcousticsPlan;
pub use audio::probe;
pub use halt::{Halt, Halted};
use transcript::Transcript;

/// What an endpoint wants to know about its audio.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnalysisPlan {
    /// Loudness, speech and silence.
    pub acoustics: Option<AcousticsPlan>,
    /// What is said: written down before the analyzers run, which read it.
    pub transcription: Option<TranscriptionPlan>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// The bytes are not audio that can be read; another attempt would find the same.
    #[error("failed to read the audio: {reason}")]
    ReadAudio {
        /// What is wrong with it, in words for its sender.
        reason: String,
    },
    /// The disk failed; another attempt may do better.
    #[error("failed to read the audio file")]
    ReadFile(#[source] std::io::Error),
    /// The work was told to stop.
    #[error("failed to finish the analysis: {0}")]
    FinishInTime(Halted),
    /// An analyzer failed on audio that it should take; another attempt may do better.
    #[error("failed to analyze {part}: {reason}")]
    Analyze {
        /// Which analyzer.
        part: &'static str,
        /// What it said.
        reason: String,
    },
}

/// The word in `error_code` of a job that has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobErrorCode {
    /// The audio is no WAV file that can be read.
    UnreadableAudio,
    /// The audio could not be fetched from its URL.
    AudioUnreachable,
    /// What was fetched had another number of bytes than was announced, each time.
    AudioIncomplete,
    /// What was to be fetched is larger than a recording may be.
    AudioTooLarge,
    /// The time until Twilio's cut-off was not enough.
    TimedOut,
    /// The partner's code has not answered, or not with a result.
    HandlerFailed,
    /// The result is larger than Twilio takes.
    ResultTooLarge,
    /// All attempts failed for reasons of ours.
    InternalError,
}

impl JobErrorCode {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnreadableAudio => "unreadable_audio",
            Self::AudioUnreachable => "audio_unreachable",
            Self::AudioIncomplete => "audio_incomplete",
            Self::AudioTooLarge => "audio_too_large",
            Self::TimedOut => "timed_out",
            Self::HandlerFailed => "handler_failed",
            Self::ResultTooLarge => "result_too_large",
            Self::InternalError => "internal_error",
        }
    }
}

/// What the analyzers work on.
#[derive(Debug)]
pub struct Material<'a> {
    /// Where the audio is.
    pub audio: &'a Path,
    /// What was said in it, where the endpoint has it transcribed.
    pub transcript: Option<Transcript>,
}

/// Runs every analyzer of the plan over the recording; the value is `results` of the result.
pub fn analyze(material: Material<'_>, plan: &AnalysisPlan, halt: &Halt) -> Result<Value, AnalysisError> {
    let AnalysisPlan {
        acoustics,
        transcription: _,
    } = plan;
    let Material {
        audio: path,
        transcript,
    } = material;
    let mut results = Map::new();
    if let Some(transcript) = transcript {
        results.insert("transcription".to_owned(), json!(transcript));
    }
    if let Some(acoustics) = acoustics {
        results.insert("acoustics".to_owned(), self::acoustics::measure(path, acoustics, halt)?);
    }
    Ok(Value::Object(results))
}

#[derive(Serialize)]
struct ResultJson<'a> {
    request_sid: Option<&'a str>,
    endpoint: &'a EndpointName,
    #[serde(flatten)]
    details: &'a RequestDetails,
    error_code: Option<&'static str>,
    results: Option<&'a Value>,
}

/// The result that is delivered for a job.
#[must_use]
pub fn result_json(job: &Job, results: Result<&Value, JobErrorCode>) -> String {
    let json = ResultJson {
        request_sid: job.work.sids.request.as_deref(),
        endpoint: &job.work.endpoint,
        details: &job.work.details,
        error_code: results.err().map(JobErrorCode::as_str),
        results: results.ok(),
    };
    serde_json::to_string(&json).expect("strings and a JSON value always serialise")
}
