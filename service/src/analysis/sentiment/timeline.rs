//! How the mood goes, in pieces of equal length.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{SentimentScore, SpeakerSentiment, Weighed, mean, speakers};
use crate::analysis::transcript::Segment;

/// How long a piece is, where that does not make too many.
const PIECE_SECONDS: f64 = 30.0;
/// More than this and pieces become twice as long.
const MOST_PIECES: f64 = 240.0;

/// One piece of the time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TimelinePiece {
    /// Its beginning.
    pub start_seconds: f64,
    /// Its end.
    pub end_seconds: f64,
    /// All that was begun to be said in it.
    #[serde(flatten)]
    pub score: SentimentScore,
    /// By channel.
    pub speakers: Vec<SpeakerSentiment>,
}

/// Every piece in which something was begun to be said.
pub(super) fn pieces(segments: &[Segment], weighed: &[Weighed]) -> Vec<TimelinePiece> {
    let end = segments.iter().map(|segment| segment.start_seconds).fold(0.0, f64::max);
    let mut seconds = PIECE_SECONDS;
    while end / seconds >= MOST_PIECES {
        seconds *= 2.0;
    }
    let mut pieces: BTreeMap<u32, BTreeMap<u16, Vec<Weighed>>> = BTreeMap::new();
    for (segment, weighed) in segments.iter().zip(weighed) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the most pieces"
        )]
        let piece = (segment.start_seconds / seconds) as u32;
        let channels = pieces.entry(piece).or_default();
        channels.entry(segment.channel).or_default().push(*weighed);
    }
    let tell = |(piece, channels): (u32, BTreeMap<u16, Vec<Weighed>>)| TimelinePiece {
        start_seconds: f64::from(piece) * seconds,
        end_seconds: f64::from(piece + 1) * seconds,
        score: mean(channels.values().flatten().copied()).told(),
        speakers: speakers(channels),
    };
    pieces.into_iter().map(tell).collect()
}
