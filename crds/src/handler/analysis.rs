//! `handler.analysis`: which analyzers run on a recording.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::transcription::Transcription;
use crate::rules::rule;

/// The analyzers that run on a recording, one member each.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule("has(self.acoustics) || has(self.transcription)", "handler.analysis must name at least one analyzer: write analysis: {acoustics: {}}"))]
pub struct Analysis {
    /// Measures the sound itself: duration, channels, sample rate, loudness, share of speech, and silences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acoustics: Option<Acoustics>,

    /// Writes down what is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcription: Option<Transcription>,
}

/// Measures the sound itself. It has no settings.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Acoustics {}
