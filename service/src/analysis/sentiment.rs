//! Says how positive or negative the words are, by VADER (Hutto and Gilbert, 2014): a lexicon of English with rules for
//! negation, emphasis and contrast. A baseline: it counts words and understands nothing.
//!
//! Each sentence is scored by itself, as VADER's authors advise; a segment has the mean of its sentences, a speaker and the
//! whole the mean of their segments, each by its number of words.

use std::collections::BTreeMap;

use marketplace_crds::handler::sentiment::Sentiment;
use schemars::JsonSchema;
use serde::Serialize;
use vader_sentimental::SentimentIntensityAnalyzer;

use super::AnalysisError;
use super::analyzer::Analyzer;
use super::heard::Heard;
use super::pattern::ReadPattern;
use super::transcript::Segment;

mod timeline;

pub use timeline::TimelinePiece;

/// From here on a score is positive, and from its negative on negative; its authors' own bounds.
const POLARITY: f64 = 0.05;

/// Nothing can be set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SentimentPlan {}

/// A score by VADER.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct SentimentScore {
    /// From -1, as negative as can be, to 1.
    pub compound: f64,
    /// The part of the words that is positive.
    pub positive: f64,
    /// The part that is neither.
    pub neutral: f64,
    /// The part that is negative.
    pub negative: f64,
    /// The word for `compound`: negative up to -0.05, positive from 0.05.
    pub label: SentimentLabel,
}

/// Which way it leans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentimentLabel {
    /// Up to -0.05.
    Negative,
    /// Between.
    #[default]
    Neutral,
    /// From 0.05.
    Positive,
}

/// One segment of the transcript.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SegmentSentiment {
    /// Which of the transcript's segments, counted from 0.
    pub segment: usize,
    /// The channel, from 1.
    pub channel: u16,
    /// When it was said.
    pub start_seconds: f64,
    /// Until when.
    pub end_seconds: f64,
    /// How it leans.
    #[serde(flatten)]
    pub score: SentimentScore,
}

/// Everything that one channel said.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SpeakerSentiment {
    /// The channel, from 1.
    pub channel: u16,
    /// How it leans.
    #[serde(flatten)]
    pub score: SentimentScore,
}

/// How positive or negative the words are.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SentimentReport {
    /// How it was found: `vader`.
    pub method: &'static str,
    /// All that was said.
    pub overall: SentimentScore,
    /// By channel.
    pub speakers: Vec<SpeakerSentiment>,
    /// Over time, in equal pieces; those in which nothing was said are left out.
    pub timeline: Vec<TimelinePiece>,
    /// By segment.
    pub segments: Vec<SegmentSentiment>,
}

impl Analyzer for SentimentPlan {
    type Settings = Sentiment;
    type Report = SentimentReport;
    const LISTS: &'static [&'static str] = &["segments", "timeline"];

    fn read(settings: &Sentiment) -> Result<Self, ReadPattern> {
        let Sentiment {} = settings;
        Ok(Self {})
    }

    fn analyze(&self, heard: &Heard<'_>) -> Result<SentimentReport, AnalysisError> {
        let vader = SentimentIntensityAnalyzer::new();
        let transcript = heard.words("sentiment")?;
        let mut weighed = Vec::with_capacity(transcript.segments.len());
        for segment in &transcript.segments {
            heard.halt.check().map_err(AnalysisError::FinishInTime)?;
            weighed.push(Weighed::new(&vader, segment));
        }
        Ok(report(&transcript.segments, &weighed))
    }
}

/// A score, and how many words it is of.
#[derive(Debug, Clone, Copy, Default)]
struct Weighed {
    score: SentimentScore,
    words: f64,
}

impl Weighed {
    fn new(vader: &SentimentIntensityAnalyzer<'_>, segment: &Segment) -> Self {
        mean(sentences(&segment.text).map(|sentence| {
            let scores = vader.polarity_scores(sentence);
            Self {
                score: SentimentScore {
                    compound: scores.compound,
                    positive: scores.pos,
                    neutral: scores.neu,
                    negative: scores.neg,
                    label: SentimentLabel::Neutral,
                },
                words: count_words(sentence),
            }
        }))
    }
}

fn speakers(channels: BTreeMap<u16, Vec<Weighed>>) -> Vec<SpeakerSentiment> {
    let speaker = |(channel, weighed): (u16, Vec<Weighed>)| SpeakerSentiment {
        channel,
        score: mean(weighed.into_iter()).told(),
    };
    channels.into_iter().map(speaker).collect()
}

fn report(segments: &[Segment], weighed: &[Weighed]) -> SentimentReport {
    let mut channels: BTreeMap<u16, Vec<Weighed>> = BTreeMap::new();
    for (segment, weighed) in segments.iter().zip(weighed) {
        channels.entry(segment.channel).or_default().push(*weighed);
    }
    SentimentReport {
        method: "vader",
        overall: mean(weighed.iter().copied()).told(),
        speakers: speakers(channels),
        timeline: timeline::pieces(segments, weighed),
        segments: segments
            .iter()
            .zip(weighed)
            .enumerate()
            .map(|(place, (segment, weighed))| SegmentSentiment {
                segment: place,
                channel: segment.channel,
                start_seconds: segment.start_seconds,
                end_seconds: segment.end_seconds,
                score: weighed.told(),
            })
            .collect(),
    }
}

/// The mean by the number of words.
fn mean(all: impl Iterator<Item = Weighed>) -> Weighed {
    let mut sum = Weighed::default();
    for Weighed { score, words } in all {
        sum.words += words;
        sum.score.compound += score.compound * words;
        sum.score.positive += score.positive * words;
        sum.score.neutral += score.neutral * words;
        sum.score.negative += score.negative * words;
    }
    if sum.words > 0.0 {
        sum.score.compound /= sum.words;
        sum.score.positive /= sum.words;
        sum.score.neutral /= sum.words;
        sum.score.negative /= sum.words;
    }
    sum
}

impl Weighed {
    /// As it is told: four digits after the point, as VADER itself rounds, and the word for it.
    fn told(&self) -> SentimentScore {
        let rounded = |figure: f64| (figure * 10_000.0).round() / 10_000.0;
        let compound = rounded(self.score.compound);
        SentimentScore {
            compound,
            positive: rounded(self.score.positive),
            neutral: rounded(self.score.neutral),
            negative: rounded(self.score.negative),
            label: if compound >= POLARITY {
                SentimentLabel::Positive
            } else if compound <= -POLARITY {
                SentimentLabel::Negative
            } else {
                SentimentLabel::Neutral
            },
        }
    }
}

/// What ends with a point, a question mark or an exclamation mark; those belong to it.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let is_end = |(place, _): &(usize, &str)| rest[*place + 1..].starts_with(char::is_whitespace);
        let end = rest
            .match_indices(['.', '?', '!'])
            .find(is_end)
            .map_or(rest.len(), |(place, _)| place + 1);
        let (sentence, behind) = rest.split_at(end);
        rest = behind;
        Some(sentence)
    })
}

fn count_words(text: &str) -> f64 {
    u32::try_from(text.split_whitespace().count()).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests;
