//! Finds numbers that are spoken in one go, with nothing but fillers between their digits, and how many digits they may have.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::cards::continuations;
use super::numbers::{Reading, counts_digits, readings};
use super::tokens::Token;
use super::words::Class;

/// More digits than any number that is looked for has; what is longer counts as this many.
const MOST_DIGITS: usize = 63;

/// A number in one go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    /// Its tokens.
    pub(super) range: Range<usize>,
    /// How many digits its readings have, a bit for each.
    counts: u64,
}

impl Cluster {
    /// Whether some reading has so many digits.
    pub(super) fn may_have(&self, mut counts: impl Iterator<Item = usize>) -> bool {
        counts.any(|count| self.counts >> count & 1 == 1)
    }
}

/// All of a channel, but for what is taken already. None goes on over the beginning of an answer.
pub(super) fn find(tokens: &[Token], taken: &[Range<usize>], answers: &BTreeSet<usize>) -> Vec<Cluster> {
    let mut found: Vec<Cluster> = Vec::new();
    let mut start = 0;
    while start < tokens.len() {
        if let Some(range) = taken.iter().find(|range| range.contains(&start)) {
            start = range.end;
            continue;
        }
        let next = taken.iter().map(|range| range.start).find(|next| *next > start);
        let answer = answers.range(start + 1..).next().copied();
        let limit = next.into_iter().chain(answer).fold(tokens.len(), usize::min);
        match grow(&tokens[..limit], start) {
            Some(cluster) => {
                start = cluster.range.end;
                found.push(cluster);
            }
            None => start += 1,
        }
    }
    found
}

/// The cluster that begins at this token.
fn grow(tokens: &[Token], start: usize) -> Option<Cluster> {
    if counts_digits(tokens, start) {
        return None;
    }
    let mut waiting = BTreeMap::new();
    take(&mut waiting, readings_of_words(tokens, start), 1);
    let mut cluster = None;
    while let Some((place, counts)) = waiting.pop_first() {
        cluster = Some(Cluster {
            range: start..place,
            counts,
        });
        for next in continuations(tokens, place, false) {
            take(&mut waiting, readings_of_words(tokens, next), counts);
        }
    }
    cluster
}

fn take(waiting: &mut BTreeMap<usize, u64>, readings: Vec<Reading>, counts: u64) {
    for Reading { end, digits } in readings {
        let longer = (0..=MOST_DIGITS)
            .filter(|count| counts >> count & 1 == 1)
            .fold(0, |bits, count| bits | 1 << (count + digits.len()).min(MOST_DIGITS));
        *waiting.entry(end).or_insert(0) |= longer;
    }
}

/// What only sounds like a digit is one between digits alone.
fn readings_of_words(tokens: &[Token], place: usize) -> Vec<Reading> {
    let is_unit = |place: Option<usize>| {
        let token = place.and_then(|place| tokens.get(place));
        token.is_some_and(|token| matches!(token.class, Class::Unit(_)))
    };
    match tokens.get(place).map(|token| token.class) {
        Some(Class::Homophone(_)) if !(is_unit(place.checked_sub(1)) && is_unit(Some(place + 1))) => Vec::new(),
        _ => readings(tokens, place),
    }
}
