//! `handler.analysis`: which analyzers run on a recording.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dtmf::Dtmf;
use super::intent::Intent;
use super::redaction::Redaction;
use super::sentiment::Sentiment;
use super::transcription::Transcription;
use crate::rules::rule;

/// The analyzers that run on a recording, one member each.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "[has(self.acoustics), has(self.dtmf), has(self.intent), has(self.redaction), has(self.sentiment), has(self.transcription)].exists(set, set)",
        "handler.analysis must name at least one analyzer: write analysis: {acoustics: {}}",
    ),
    validation = rule(
        "(!has(self.intent) && !has(self.sentiment)) || (has(self.transcription) && !has(self.transcription.engine.none))",
        "handler.analysis.intent and handler.analysis.sentiment need words: add transcription: {engine: {builtin: {}}}, or another engine than none",
    ),
    validation = rule(
        "!has(self.redaction) || has(self.dtmf) || (has(self.transcription) && !has(self.transcription.engine.none))",
        "handler.analysis.redaction has nothing to redact: add transcription: {engine: {builtin: {}}}, or dtmf: {}",
    ),
)]
pub struct Analysis {
    /// Measures the sound itself: duration, channels, sample rate, loudness, speech, silences, who talks how much and over
    /// whom, clipping and noise of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acoustics: Option<Acoustics>,

    /// Writes down what is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcription: Option<Transcription>,
    /// Finds the keys that were pressed on a telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtmf: Option<Dtmf>,

    /// Finds what the speakers want, among intents that you describe by phrases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,

    /// Takes card numbers and the like out of the transcript and out of the keys that were pressed, before anything else
    /// sees either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,

    /// Says how positive or negative the words are: of each segment, of each speaker, over time and on the whole. English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
}

/// Measures the sound itself. It has no settings.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Acoustics {}
