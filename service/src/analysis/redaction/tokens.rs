//! What was said as words and numbers, channel by channel, with their places: what is found in them is replaced there.

use std::collections::BTreeMap;
use std::ops::Range;

use super::words::{Class, class};
use crate::analysis::transcript::Transcript;

/// A longer run of digits is no number of its own: what hides in it is looked for digit by digit.
const LONGEST_NUMBER: usize = 19;
/// Who pauses longer than this between two digits has begun something else.
pub(super) const LONGEST_PAUSE_SECONDS: f64 = 120.0;

/// A word, a number, or a sign that has a meaning.
#[derive(Debug)]
pub(super) struct Token {
    /// In lower case.
    pub(super) text: String,
    pub(super) class: Class,
    /// Which segment of the transcript.
    pub(super) segment: usize,
    /// Where in its text.
    pub(super) range: Range<usize>,
    /// How many tokens of all channels come before it.
    pub(super) order: usize,
    /// It is joined to the one before it by a hyphen: `forty-two`.
    pub(super) is_joined: bool,
    /// Its speaker paused for so long before it that a number ended.
    pub(super) after_pause: bool,
}

/// All tokens of a transcript.
#[derive(Debug)]
pub(super) struct Speech {
    /// In order of time, by channel.
    pub(super) channels: BTreeMap<u16, Vec<Token>>,
    /// By `order`: the channel and the place there.
    pub(super) all: Vec<(u16, usize)>,
}

impl Speech {
    pub(super) fn new(transcript: &Transcript) -> Self {
        let mut channels: BTreeMap<u16, Vec<Token>> = BTreeMap::new();
        let mut all = Vec::new();
        let mut ends: BTreeMap<u16, f64> = BTreeMap::new();
        for (segment, said) in transcript.segments.iter().enumerate() {
            let end = ends.insert(said.channel, said.end_seconds);
            let mut after_pause = end.is_some_and(|end| said.start_seconds - end > LONGEST_PAUSE_SECONDS);
            let tokens = channels.entry(said.channel).or_default();
            for range in ranges(&said.text) {
                let text = said.text[range.clone()].to_lowercase();
                all.push((said.channel, tokens.len()));
                tokens.push(Token {
                    class: class(&text),
                    text,
                    segment,
                    is_joined: range.start > 0
                        && said.text[..range.start].ends_with('-')
                        && said.text[..range.start - 1].ends_with(char::is_alphabetic),
                    range,
                    order: all.len() - 1,
                    after_pause: std::mem::take(&mut after_pause),
                });
            }
        }
        Self { channels, all }
    }

    pub(super) fn at(&self, order: usize) -> Option<&Token> {
        let (channel, place) = self.all.get(order)?;
        self.channels.get(channel)?.get(*place)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Sign,
    Nothing,
}

fn kind(char: char) -> Kind {
    if char.is_ascii_digit() {
        Kind::Digit
    } else if char.is_alphabetic() || char == '\'' || char == '\u{2019}' {
        Kind::Letter
    } else if matches!(char, '$' | '€' | '£' | '%') {
        Kind::Sign
    } else {
        Kind::Nothing
    }
}

/// Runs of letters, runs of digits, and signs.
fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut before = Kind::Nothing;
    for (place, char) in text.char_indices() {
        let kind = kind(char);
        let end = place + char.len_utf8();
        match ranges.last_mut() {
            Some(range) if kind == before && matches!(kind, Kind::Letter | Kind::Digit) => range.end = end,
            _ if kind != Kind::Nothing => ranges.push(place..end),
            _ => {}
        }
        before = kind;
    }
    let is_long = |range: &Range<usize>| {
        range.len() > LONGEST_NUMBER && text[range.clone()].starts_with(|char: char| char.is_ascii_digit())
    };
    ranges
        .into_iter()
        .flat_map(|range| {
            let step = if is_long(&range) { 1 } else { range.len() };
            range.clone().step_by(step).map(move |start| start..start + step)
        })
        .collect()
}
