//! Why an intent counts as said.

use schemars::JsonSchema;
use serde::Serialize;

use super::Pattern;
use crate::analysis::transcript::Transcript;

/// How an intent was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntentMethod {
    /// Words of a phrase, by their weights.
    Phrase,
    /// A regular expression.
    Pattern,
}

/// One place where something was said, and what made it count.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// What was compared.
    pub method: IntentMethod,
    /// From 0 to 1.
    pub score: f64,
    /// The channel, from 1.
    pub channel: u16,
    /// The first and the last of the transcript's segments, counted from 0.
    pub segments: [usize; 2],
    /// The beginning of the first segment.
    pub start_seconds: f64,
    /// The end of the last.
    pub end_seconds: f64,
    /// What was said there, from the first word that counted to the last.
    pub text: String,
    /// The phrase that it is like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// The words of the phrase that were found, without their endings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched_words: Vec<String>,
    /// Where the words are, among all of the channel; or the place in the segment.
    #[serde(skip)]
    pub(super) place: Place,
}

/// What tells whether two are the same thing said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Words(std::ops::Range<usize>),
    Segment(usize),
}

impl Evidence {
    /// Whether both are about the same words; by pattern and phrase, whether in the same segment.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        if self.channel != other.channel {
            return false;
        }
        match (&self.place, &other.place) {
            (Place::Words(one), Place::Words(two)) => one.start < two.end && two.start < one.end,
            (Place::Segment(segment), _) => (other.segments[0]..=other.segments[1]).contains(segment),
            (Place::Words(_), Place::Segment(segment)) => (self.segments[0]..=self.segments[1]).contains(segment),
        }
    }
}

/// The first match of any pattern in each segment.
pub(super) fn of_patterns(patterns: &[Pattern], transcript: &Transcript) -> Vec<Evidence> {
    let first = |text: &str| patterns.iter().find_map(|pattern| pattern.spans(text).next());
    let segments = transcript.segments.iter().enumerate();
    segments
        .filter_map(|(place, segment)| {
            let range = first(&segment.text)?;
            Some(Evidence {
                method: IntentMethod::Pattern,
                score: 1.0,
                channel: segment.channel,
                segments: [place, place],
                start_seconds: segment.start_seconds,
                end_seconds: segment.end_seconds,
                text: segment.text[range].to_owned(),
                phrase: None,
                matched_words: Vec::new(),
                place: Place::Segment(place),
            })
        })
        .collect()
}
