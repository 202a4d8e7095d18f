//! Finds what the speakers want, among the publisher's own intents. The method, so that a score can be checked by hand:
//!
//! 1. What was said and the phrases become words in lower case, without their endings (`stem`).
//! 2. A word's weight is `ln(1 + phrases / phrases with it)` over all phrases of all intents; a function word (`the`, `my`)
//!    has a fifth of that.
//! 3. A window slides over what one channel said, twice as long as the phrase and two words more. The score is the weight of
//!    the phrase's words that are in it, by the weight of all its words: 1 is all of them, in any order.
//! 4. A pattern that matches a segment scores 1.
//!
//! From the threshold on an intent is detected, and its evidence listed; what does not overlap counts once each.

use marketplace_crds::handler::intent::{Intent, NamedIntent};
use schemars::JsonSchema;
use serde::Serialize;

use super::AnalysisError;
use super::analyzer::Analyzer;
use super::heard::Heard;
use super::pattern::{Pattern, ReadPattern};
use super::transcript::Transcript;

mod evidence;
mod phrases;
mod stem;
mod windows;

pub use evidence::{Evidence, IntentMethod};
use phrases::Phrase;
use windows::Spoken;

/// Of one intent this many are listed; all are counted.
const MOST_EVIDENCE: usize = 20;

/// The publisher's intents, weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentPlan {
    /// From which score on, from 0 to 1.
    threshold: f64,
    intents: Vec<IntentOfPlan>,
}

#[derive(Debug, Clone, PartialEq)]
struct IntentOfPlan {
    name: String,
    phrases: Vec<Phrase>,
    patterns: Vec<Pattern>,
}

/// What the speakers want.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct IntentReport {
    /// From which score on an intent is detected.
    pub threshold: f64,
    /// The names of those that are detected, the surest first.
    pub detected: Vec<String>,
    /// All that the endpoint names, in its order.
    pub intents: Vec<IntentFound>,
}

/// One intent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct IntentFound {
    /// Its name.
    pub name: String,
    /// Whether its score reaches the threshold.
    pub detected: bool,
    /// The best that it came to, from 0 to 1.
    pub score: f64,
    /// How often it was said.
    pub count: usize,
    /// Where, and why; of many the first twenty. Without any, the best that was found below the threshold.
    pub evidence: Vec<Evidence>,
}

impl Analyzer for IntentPlan {
    type Settings = Intent;
    type Report = IntentReport;

    fn read(settings: &Intent) -> Result<Self, ReadPattern> {
        let Intent {
            intents,
            threshold_percent,
        } = settings;
        let weights = phrases::weigh(intents.iter().flat_map(|intent| &intent.phrases));
        let read = |NamedIntent {
                        name,
                        phrases,
                        patterns,
                    }: &NamedIntent| {
            Ok(IntentOfPlan {
                name: name.clone(),
                phrases: phrases.iter().map(|phrase| Phrase::new(phrase, &weights)).collect(),
                patterns: patterns
                    .iter()
                    .flatten()
                    .map(|pattern| Pattern::new(name, pattern))
                    .collect::<Result<_, _>>()?,
            })
        };
        Ok(Self {
            threshold: f64::from(*threshold_percent) / 100.0,
            intents: intents.iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    fn analyze(&self, heard: &Heard<'_>) -> Result<IntentReport, AnalysisError> {
        let transcript = heard.words("intent")?;
        let spoken = Spoken::new(transcript);
        let mut intents = Vec::new();
        for intent in &self.intents {
            heard.halt.check().map_err(AnalysisError::FinishInTime)?;
            intents.push(self.find(intent, transcript, &spoken));
        }
        let mut detected: Vec<&IntentFound> = intents.iter().filter(|intent| intent.detected).collect();
        detected.sort_by(|one, other| other.score.total_cmp(&one.score));
        Ok(IntentReport {
            threshold: self.threshold,
            detected: detected.into_iter().map(|intent| intent.name.clone()).collect(),
            intents,
        })
    }
}

impl IntentPlan {
    fn find(&self, intent: &IntentOfPlan, transcript: &Transcript, spoken: &Spoken<'_>) -> IntentFound {
        let mut all = evidence::of_patterns(&intent.patterns, transcript);
        for phrase in &intent.phrases {
            all.extend(spoken.evidence(phrase, self.threshold));
        }
        // The best first: what overlaps with better evidence is the same thing said once.
        all.sort_by(|one, other| {
            other
                .score
                .total_cmp(&one.score)
                .then(one.start_seconds.total_cmp(&other.start_seconds))
        });
        let score = all.first().map_or(0.0, |best| best.score);
        let detected = score >= self.threshold;
        let mut kept: Vec<Evidence> = Vec::new();
        for evidence in all {
            let enough = evidence.score >= self.threshold || kept.is_empty();
            if enough && !kept.iter().any(|better| better.overlaps(&evidence)) {
                kept.push(evidence);
            }
        }
        let count = if detected { kept.len() } else { 0 };
        kept.sort_by(|one, other| one.start_seconds.total_cmp(&other.start_seconds));
        kept.truncate(MOST_EVIDENCE);
        IntentFound {
            name: intent.name.clone(),
            detected,
            score,
            count,
            evidence: kept,
        }
    }
}

#[cfg(test)]
mod tests;
