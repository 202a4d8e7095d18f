//! Finds card numbers among the tokens of a channel: every way of reading them is held against the check digit at once.

use std::collections::BTreeMap;
use std::ops::Range;

use super::numbers::{Reading, counts_digits, is_passed_over, readings};
use super::tokens::Token;
use super::words::Class;

/// How long card numbers are (ISO/IEC 7812).
pub(super) const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
const MOST_DIGITS: usize = *DIGITS.end();
/// How many fillers may stand between two groups of one number.
const MOST_FILLERS: usize = 12;
/// How many other words may, where the number begins as the cards of consumers do and is as long as they are.
const MOST_OTHER_WORDS: usize = 3;
/// What cards of consumers begin with.
const FIRST_DIGITS: std::ops::RangeInclusive<u8> = 2..=6;

/// For each number of digits, which pairs of sums (modulo 10) some reading has: the first with the digits at even places
/// doubled as the check digit's rule has it, the second with those at odd places. Which one counts is known at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums([u128; MOST_DIGITS + 1]);

impl Sums {
    const NONE: Self = Self([0; MOST_DIGITS + 1]);

    pub(super) fn of(digits: &[u8]) -> Self {
        let mut empty = Self::NONE;
        empty.0[0] = 1;
        empty.with(digits)
    }

    /// Every reading with these digits behind it.
    pub(super) fn with(&self, digits: &[u8]) -> Self {
        let mut longer = Self::NONE;
        for (count, pairs) in self.0.iter().enumerate() {
            let to = count + digits.len();
            if *pairs == 0 || to > MOST_DIGITS {
                continue;
            }
            let (even, odd) = digits.iter().enumerate().fold((0, 0), |(even, odd), (place, digit)| {
                if (count + place).is_multiple_of(2) {
                    (even + doubled(*digit), odd + usize::from(*digit))
                } else {
                    (even + usize::from(*digit), odd + doubled(*digit))
                }
            });
            for pair in (0..100).filter(|pair| pairs >> pair & 1 == 1) {
                longer.0[to] |= 1 << ((pair / 10 + even) % 10 * 10 + (pair % 10 + odd) % 10);
            }
        }
        longer
    }

    fn join(&mut self, other: &Self) {
        for (mine, others) in self.0.iter_mut().zip(other.0) {
            *mine |= others;
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|pairs| *pairs == 0)
    }

    /// How many digits the readings have that are as long as a card number and have its check digit.
    fn cards(&self) -> impl Iterator<Item = usize> {
        DIGITS.filter(|count| {
            (0..100).filter(|pair| self.0[*count] >> pair & 1 == 1).any(|pair| {
                // The last digit is not doubled, the one before it is.
                let sum = if count % 2 == 0 { pair / 10 } else { pair % 10 };
                sum == 0
            })
        })
    }

    /// Whether a reading is a card number.
    pub(super) fn has_card(&self) -> bool {
        self.cards().next().is_some()
    }

    /// Whether a reading that begins with this digit is as long as the cards that do.
    fn has_usual_card(&self, first: u8) -> bool {
        self.cards().any(|count| match first {
            2 | 5 => count == 16,
            3 => (14..=16).contains(&count),
            4 => matches!(count, 13 | 16 | 19),
            6 => count >= 16,
            _ => false,
        })
    }
}

fn doubled(digit: u8) -> usize {
    let doubled = usize::from(digit) * 2;
    if doubled > 9 { doubled - 9 } else { doubled }
}

/// Every stretch of tokens that has a card number, those that overlap as one. Numbers as cards usually are come first: within
/// them no other is looked for, because some part of a long number has a check digit by chance.
pub(super) fn find(tokens: &[Token]) -> Vec<Range<usize>> {
    let ends: Vec<Ends> = (0..tokens.len()).map(|start| ends(tokens, start)).collect();
    let of = |end: fn(&Ends) -> Option<usize>| {
        let found = ends
            .iter()
            .enumerate()
            .filter_map(move |(start, ends)| Some(start..end(ends)?));
        found.collect::<Vec<_>>()
    };
    let usual = joined(of(|ends| ends.usual));
    let mut all = of(|ends| ends.any);
    all.retain(|range| !usual.iter().any(|usual| usual.contains(&range.start)));
    all.extend(usual);
    joined(all)
}

/// Those that overlap as one.
pub(super) fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut found: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match found.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => found.push(range),
        }
    }
    found
}

/// The farthest ends of card numbers that begin at one token.
#[derive(Debug, Default)]
struct Ends {
    usual: Option<usize>,
    any: Option<usize>,
}

fn ends(tokens: &[Token], start: usize) -> Ends {
    let mut found = Ends::default();
    // `the first four are`: the number begins behind it.
    if counts_digits(tokens, start) && readings(tokens, start + 1).is_empty() {
        return found;
    }
    for first in readings(tokens, start) {
        let Some(digit) = first.digits.first().copied() else {
            continue;
        };
        follow(tokens, &first, false, |place, sums| {
            if sums.has_card() {
                found.any = found.any.max(Some(place));
            }
            if sums.has_usual_card(digit) {
                found.usual = found.usual.max(Some(place));
            }
        });
        if FIRST_DIGITS.contains(&digit) {
            follow(tokens, &first, true, |place, sums| {
                if sums.has_usual_card(digit) {
                    found.usual = found.usual.max(Some(place));
                }
            });
        }
    }
    found
}

/// Shows every place at which readings end, with what they sum to.
fn follow(tokens: &[Token], first: &Reading, loosely: bool, mut see: impl FnMut(usize, &Sums)) {
    let mut waiting = BTreeMap::from([(first.end, Sums::of(&first.digits))]);
    while let Some((place, sums)) = waiting.pop_first() {
        see(place, &sums);
        for next in continuations(tokens, place, loosely) {
            for reading in readings(tokens, next) {
                let longer = sums.with(&reading.digits);
                if !longer.is_empty() {
                    waiting.entry(reading.end).or_insert(Sums::NONE).join(&longer);
                }
            }
        }
    }
}

/// Where the next group may begin: here, or behind what a speaker says in between.
pub(super) fn continuations(tokens: &[Token], place: usize, loosely: bool) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut fillers, mut others) = (0, 0);
    for (next, token) in tokens.iter().enumerate().skip(place) {
        if token.after_pause {
            break;
        }
        found.push(next);
        if !is_passed_over(tokens, next) {
            break;
        }
        if token.class == Class::Other {
            others += 1;
        } else {
            fillers += 1;
        }
        if fillers > MOST_FILLERS || others > if loosely { MOST_OTHER_WORDS } else { 0 } {
            break;
        }
    }
    found
}
