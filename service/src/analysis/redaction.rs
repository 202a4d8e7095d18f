//! Takes card numbers and the like out of what was said and keyed, before anything else sees it: whatever later analyzers,
//! results and logs have is what this leaves. Called once per recording by `analysis::heard`.
//!
//! What is found errs on the side of taking out too much. A number is looked for on each channel by itself, from segment to
//! segment, whatever another channel says in between; words that give a number its meaning are heard on every channel.

use std::collections::{BTreeMap, BTreeSet};

use marketplace_crds::handler::redaction::{Entity, Redaction};
use schemars::JsonSchema;
use serde::Serialize;

use super::AnalysisError;
use super::analyzer::Analyzer;
use super::dtmf::Keyed;
use super::heard::Heard;
use super::pattern::{Pattern, ReadPattern};
use super::transcript::Transcript;

mod cards;
mod clusters;
mod context;
mod keys;
mod numbers;
mod replace;
mod tokens;
mod words;

use replace::Finding;
use tokens::Speech;

/// What is taken out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RedactionPlan {
    /// What is recognised by itself.
    pub entities: BTreeSet<Entity>,
    /// The publisher's own, by name.
    pub patterns: Vec<(String, Pattern)>,
}

/// How many of what were taken out, and where; never what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct RedactionReport {
    /// How many, by the name that stands in their place.
    pub counts: BTreeMap<String, u64>,
    /// Where, in order of time.
    pub spans: Vec<RedactedSpan>,
}

/// Where something was taken out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RedactedSpan {
    /// The name that stands in its place.
    pub entity: String,
    /// Out of what.
    pub source: RedactedSource,
    /// The channel, from 1.
    pub channel: u16,
    /// Of words: the first and the last of the transcript's segments, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<[usize; 2]>,
    /// The beginning of the first segment, or of the first key.
    pub start_seconds: f64,
    /// The end of the last.
    pub end_seconds: f64,
}

/// What something was taken out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RedactedSource {
    /// What was said.
    Transcript,
    /// The keys that were pressed.
    Keys,
}

impl Analyzer for RedactionPlan {
    type Settings = Redaction;
    type Report = RedactionReport;
    const LISTS: &'static [&'static str] = &["spans"];

    fn read(settings: &Redaction) -> Result<Self, ReadPattern> {
        let Redaction { entities, patterns } = settings;
        let own = patterns.iter().flatten();
        Ok(Self {
            entities: entities.iter().copied().collect(),
            patterns: own
                .map(|own| Ok((own.name.clone(), Pattern::new(&own.name, &own.pattern)?)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// It is done by then: nothing is told that was not taken out first.
    fn analyze(&self, heard: &Heard<'_>) -> Result<RedactionReport, AnalysisError> {
        Ok(heard.redacted.clone())
    }
}

impl RedactionPlan {
    /// Takes everything out of both.
    pub fn redact(&self, transcript: Option<&mut Transcript>, keyed: &mut Vec<Keyed>) -> RedactionReport {
        let mut spans = keys::redact(keyed, &self.entities);
        if let Some(transcript) = transcript {
            let findings = self.find(transcript);
            spans.extend(replace::replace(transcript, &findings));
        }
        spans.sort_by(|one, other| one.start_seconds.total_cmp(&other.start_seconds));
        let mut counts = BTreeMap::new();
        for span in &spans {
            *counts.entry(span.entity.clone()).or_default() += 1;
        }
        RedactionReport { counts, spans }
    }

    /// Everything that is to be taken out of what was said; where two overlap, the earlier in the list says what it is.
    fn find(&self, transcript: &Transcript) -> Vec<Finding> {
        let speech = Speech::new(transcript);
        let mut findings = context::find(&speech, &self.entities);
        for (segment, said) in transcript.segments.iter().enumerate() {
            for (name, pattern) in &self.patterns {
                let spans = pattern.spans(&said.text);
                findings.extend(spans.map(|range| Finding::within(name, segment, range)));
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests;
