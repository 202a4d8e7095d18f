//! Turns a recording into a result. Which analyzers run is the endpoint's [`AnalysisPlan`]; adding one is a file under
//! `analysis/` and a line in `analysis/analyzer.rs`. Synchronous and streaming: memory does not grow with the audio. Called
//! by `worker`.
//!
//! Every result has the same members, whether it went well or not:
//!
//! ```json
//! {"schema_version": 1, "request_sid": "MR...", "endpoint": "recordings", "error_code": null, "results": {"acoustics": {}}}
//! {"schema_version": 1, "request_sid": "MR...", "endpoint": "recordings", "error_code": "unreadable_audio", "results": null}
//! ```
//! and, where they are known, `integration_key` and `configuration`; `truncated` where something was left out.

use std::path::Path;

use serde_json::Value;

pub mod acoustics;
mod analyzer;
pub mod audio;
pub mod dtmf;
mod halt;
mod heard;
pub mod intent;
mod pattern;
pub mod raw;
pub mod redaction;
pub mod resample;
mod result;
pub mod sentiment;
pub mod transcript;

pub use acoustics::AcousticsPlan;
pub use analyzer::{AnalysisPlan, Analyzer, Results};
pub use audio::probe;
pub use halt::{Halt, Halted};
pub use heard::Heard;
pub use pattern::{Pattern, ReadPattern};
pub use result::{JobErrorCode, SCHEMA_VERSION, Truncated, fitting, result_json, schema};
use transcript::Transcript;

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

/// What the analyzers work on.
#[derive(Debug)]
pub struct Material<'a> {
    /// Where the audio is.
    pub audio: &'a Path,
    /// What was said in it, where the endpoint has it transcribed.
    pub transcript: Option<Transcript>,
}

/// Runs every analyzer of the plan over the recording, redaction first; the value is `results` of the result.
pub fn analyze(material: Material<'_>, plan: &AnalysisPlan, halt: &Halt) -> Result<Value, AnalysisError> {
    let heard = Heard::new(material, plan, halt)?;
    let results = plan.run(&heard)?;
    serde_json::to_value(results).map_err(|error| AnalysisError::Analyze {
        part: "results",
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
