//! Puts the name of what was found in its place.

use std::ops::Range;

use super::tokens::Token;
use super::{RedactedSource, RedactedSpan};
use crate::analysis::transcript::{Segment, Transcript};

/// Something to be taken out: in one segment, or in several that follow each other on a channel.
#[derive(Debug)]
pub(super) struct Finding {
    name: String,
    /// A segment of the transcript, and a range of its text.
    parts: Vec<(usize, Range<usize>)>,
}

impl Finding {
    /// Of a pattern.
    pub(super) fn within(name: &str, segment: usize, range: Range<usize>) -> Self {
        Self {
            name: name.to_owned(),
            parts: vec![(segment, range)],
        }
    }

    /// Of a channel's tokens that follow each other.
    pub(super) fn of_tokens(name: &str, tokens: &[Token]) -> Self {
        let mut parts: Vec<(usize, Range<usize>)> = Vec::new();
        for token in tokens {
            match parts.last_mut() {
                Some((segment, range)) if *segment == token.segment => range.end = token.range.end,
                _ => parts.push((token.segment, token.range.clone())),
            }
        }
        Self {
            name: name.to_owned(),
            parts,
        }
    }
}

/// Replaces everything that was found; what lies within what was found before it is no finding of its own.
pub(super) fn replace(transcript: &mut Transcript, findings: &[Finding]) -> Vec<RedactedSpan> {
    let mut spans = Vec::new();
    let mut places: Vec<Vec<(Range<usize>, &str)>> = vec![Vec::new(); transcript.segments.len()];
    for Finding { name, parts } in findings {
        let is_new = parts.iter().any(|(segment, range)| {
            let covers = |(taken, _): &(Range<usize>, &str)| taken.start <= range.start && range.end <= taken.end;
            !places[*segment].iter().any(covers)
        });
        if !is_new {
            continue;
        }
        spans.extend(span(&transcript.segments, name, parts));
        for (segment, range) in parts {
            places[*segment].push((range.clone(), name.as_str()));
        }
    }
    for (segment, places) in transcript.segments.iter_mut().zip(places) {
        segment.text = replaced(&segment.text, places);
    }
    spans
}

fn span(segments: &[Segment], name: &str, parts: &[(usize, Range<usize>)]) -> Option<RedactedSpan> {
    let (first, last) = (parts.first()?.0, parts.last()?.0);
    Some(RedactedSpan {
        entity: name.to_owned(),
        source: RedactedSource::Transcript,
        channel: segments.get(first)?.channel,
        segments: Some([first, last]),
        start_seconds: segments.get(first)?.start_seconds,
        end_seconds: segments.get(last)?.end_seconds,
    })
}

/// Those that overlap become one, by the name of the first that was found.
fn replaced(text: &str, places: Vec<(Range<usize>, &str)>) -> String {
    let mut ordered: Vec<(usize, Range<usize>, &str)> = places
        .into_iter()
        .enumerate()
        .map(|(found, (range, name))| (found, range, name))
        .collect();
    ordered.sort_by_key(|(_, range, _)| range.start);
    let mut joined: Vec<(usize, Range<usize>, &str)> = Vec::new();
    for (found, range, name) in ordered {
        match joined.last_mut() {
            Some((earliest, taken, kept)) if range.start < taken.end => {
                taken.end = taken.end.max(range.end);
                if found < *earliest {
                    (*earliest, *kept) = (found, name);
                }
            }
            _ => joined.push((found, range, name)),
        }
    }
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for (_, range, name) in joined {
        result.push_str(&text[copied..range.start]);
        result.push('[');
        result.push_str(name);
        result.push(']');
        copied = range.end;
    }
    result.push_str(&text[copied..]);
    result
}
