//! What analyzers look at: the audio, and what was said and keyed in it, redacted where that is wanted. It is made once per
//! recording by `analysis::analyze`; no analyzer can come by what was taken out.

use std::path::Path;

use super::analyzer::AnalysisPlan;
use super::dtmf::{self, Keyed};
use super::redaction::RedactionReport;
use super::transcript::Transcript;
use super::{AnalysisError, Halt, Material};

/// One recording.
#[derive(Debug)]
pub struct Heard<'a> {
    /// Where the audio is.
    pub audio: &'a Path,
    /// What was said, where the endpoint has it transcribed.
    pub transcript: Option<Transcript>,
    /// What was keyed, where the endpoint wants to know.
    pub keyed: Vec<Keyed>,
    /// What was taken out of both.
    pub redacted: RedactionReport,
    /// Asked between blocks of audio.
    pub halt: &'a Halt,
}

impl<'a> Heard<'a> {
    /// Listens for what is redacted, and redacts it.
    pub(super) fn new(material: Material<'a>, plan: &AnalysisPlan, halt: &'a Halt) -> Result<Self, AnalysisError> {
        let Material { audio, mut transcript } = material;
        let mut keyed = match &plan.dtmf {
            Some(_) => dtmf::listen(audio, halt)?,
            None => Vec::new(),
        };
        let redacted = match &plan.redaction {
            Some(redaction) => redaction.redact(transcript.as_mut(), &mut keyed),
            None => RedactionReport::default(),
        };
        Ok(Self {
            audio,
            transcript,
            keyed,
            redacted,
            halt,
        })
    }

    /// What was said, for an analyzer that is nothing without it.
    pub fn words(&self, part: &'static str) -> Result<&Transcript, AnalysisError> {
        self.transcript.as_ref().ok_or_else(|| AnalysisError::Analyze {
            part,
            reason: "the recording was not transcribed".to_owned(),
        })
    }
}
