//! What was said in a recording: made by an engine of `speech`, read by every analyzer of words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was said, in order of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// The language as a BCP 47 tag, where the engine tells it.
    pub language: Option<String>,
    /// By their start; those of different channels may overlap.
    pub segments: Vec<Segment>,
}

/// What one speaker said without a longer pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// Which channel of the recording, from 1: in a recording of two channels each is one speaker.
    pub channel: u16,
    /// From the beginning of the recording, in seconds.
    pub start_seconds: f64,
    /// From the beginning of the recording, in seconds.
    pub end_seconds: f64,
    /// The words, as the engine writes them.
    pub text: String,
    /// How sure the engine is, from 0 to 1, where it tells.
    pub confidence: Option<f64>,
}
