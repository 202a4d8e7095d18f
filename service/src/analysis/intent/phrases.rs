//! The publisher's phrases as words with weights.

use std::collections::{BTreeMap, BTreeSet};

use super::stem::{is_function_word, stem};

/// The part of its weight that a function word has.
const FUNCTION_WORD_SHARE: f64 = 0.2;

/// An example of how something is said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Phrase {
    /// As the publisher wrote it.
    pub(super) text: String,
    /// Its stems, each as often as it is there, with their weights.
    pub(super) words: Vec<(String, f64)>,
    /// The sum of the weights.
    pub(super) weight: f64,
}

/// In how many phrases a stem is, and how many phrases there are.
pub(super) struct Weights {
    phrases: f64,
    with_stem: BTreeMap<String, f64>,
}

/// Words of a text, in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, String)> {
    let is_part = |char: char| char.is_alphanumeric() || char == '\'' || char == '\u{2019}';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(is_part)?;
        let end = text[start..]
            .find(|char| !is_part(char))
            .map_or(text.len(), |length| start + length);
        rest = end;
        Some((start..end, text[start..end].to_lowercase()))
    })
}

pub(super) fn weigh<'p>(phrases: impl Iterator<Item = &'p String>) -> Weights {
    let mut weights = Weights {
        phrases: 0.0,
        with_stem: BTreeMap::new(),
    };
    for phrase in phrases {
        weights.phrases += 1.0;
        let stems: BTreeSet<String> = words(phrase).map(|(_, word)| stem(&word)).collect();
        for stem in stems {
            *weights.with_stem.entry(stem).or_default() += 1.0;
        }
    }
    weights
}

impl Phrase {
    pub(super) fn new(text: &str, weights: &Weights) -> Self {
        let weigh = |(_, word): (_, String)| {
            let stem = stem(&word);
            let with_stem = weights.with_stem.get(&stem).copied().unwrap_or(1.0);
            let weight = (1.0 + weights.phrases / with_stem).ln();
            let share = if is_function_word(&word) {
                FUNCTION_WORD_SHARE
            } else {
                1.0
            };
            (stem, weight * share)
        };
        let words: Vec<_> = words(text).map(weigh).collect();
        Self {
            text: text.to_owned(),
            weight: words.iter().map(|(_, weight)| weight).sum(),
            words,
        }
    }
}
