//! Slides a window over what a channel said and weighs what of a phrase is in it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::evidence::{Evidence, IntentMethod, Place};
use super::phrases::{Phrase, words};
use super::stem::stem;
use crate::analysis::transcript::{Segment, Transcript};

/// What was said on each channel, as stems.
pub(super) struct Spoken<'t> {
    segments: &'t [Segment],
    channels: BTreeMap<u16, Channel>,
}

#[derive(Default)]
struct Channel {
    words: Vec<Word>,
    /// Where each stem is.
    places: HashMap<String, Vec<usize>>,
}

struct Word {
    segment: usize,
    range: Range<usize>,
}

/// A word of a phrase found in a window: where, and which word of the phrase.
type Hit = (usize, usize);

impl<'t> Spoken<'t> {
    pub(super) fn new(transcript: &'t Transcript) -> Self {
        let mut channels: BTreeMap<u16, Channel> = BTreeMap::new();
        for (segment, said) in transcript.segments.iter().enumerate() {
            let channel = channels.entry(said.channel).or_default();
            for (range, word) in words(&said.text) {
                channel.places.entry(stem(&word)).or_default().push(channel.words.len());
                channel.words.push(Word { segment, range });
            }
        }
        Self {
            segments: &transcript.segments,
            channels,
        }
    }

    /// Every window that reaches the threshold, and the best of all.
    pub(super) fn evidence(&self, phrase: &Phrase, threshold: f64) -> Vec<Evidence> {
        let mut found = Vec::new();
        let mut best: Option<Evidence> = None;
        for (channel, spoken) in &self.channels {
            let mut taken_until = 0;
            for (score, hits) in spoken.windows(phrase) {
                let (Some(first), Some(last)) =
                    (hits.iter().map(|hit| hit.0).min(), hits.iter().map(|hit| hit.0).max())
                else {
                    continue;
                };
                let is_better = best.as_ref().is_none_or(|best| score > best.score);
                let is_new = score >= threshold && first >= taken_until;
                if !is_better && !is_new {
                    continue;
                }
                let evidence = self.tell(*channel, spoken, phrase, (score, first..last + 1, &hits));
                if is_better {
                    best = Some(evidence.clone());
                }
                if is_new {
                    taken_until = last + 1;
                    found.push(evidence);
                }
            }
        }
        found.extend(best);
        found
    }

    fn tell(
        &self,
        number: u16,
        channel: &Channel,
        phrase: &Phrase,
        (score, range, hits): (f64, Range<usize>, &[Hit]),
    ) -> Evidence {
        let (first, last) = (&channel.words[range.start], &channel.words[range.end - 1]);
        let matched = hits.iter().map(|(_, word)| phrase.words[*word].0.clone()).collect();
        Evidence {
            method: IntentMethod::Phrase,
            score: (score * 1000.0).round() / 1000.0,
            channel: number,
            segments: [first.segment, last.segment],
            start_seconds: self.segments[first.segment].start_seconds,
            end_seconds: self.segments[last.segment].end_seconds,
            text: self.text(number, first, last),
            phrase: Some(phrase.text.clone()),
            matched_words: matched,
            place: Place::Words(range),
        }
    }

    /// From one word to the other, over the segments of the channel between them.
    fn text(&self, channel: u16, first: &Word, last: &Word) -> String {
        let mut pieces = Vec::new();
        for (place, segment) in self
            .segments
            .iter()
            .enumerate()
            .take(last.segment + 1)
            .skip(first.segment)
        {
            if segment.channel != channel {
                continue;
            }
            let start = if place == first.segment { first.range.start } else { 0 };
            let end = if place == last.segment {
                last.range.end
            } else {
                segment.text.len()
            };
            pieces.push(&segment.text[start..end]);
        }
        pieces.join(" ")
    }
}

impl Channel {
    /// The windows that begin with a word of the phrase, with their score and what was found in them.
    fn windows(&self, phrase: &Phrase) -> Vec<(f64, Vec<Hit>)> {
        let mut hits: Vec<Hit> = Vec::new();
        for (word, (stem, _)) in phrase.words.iter().enumerate() {
            hits.extend(self.places.get(stem).into_iter().flatten().map(|place| (*place, word)));
        }
        hits.sort_unstable();
        let length = 2 * phrase.words.len() + 2;
        let mut windows = Vec::new();
        for (place, (start, _)) in hits.iter().enumerate() {
            let inside = hits[place..].iter().take_while(|hit| hit.0 < start + length);
            let (mut places, mut used) = (Vec::new(), Vec::new());
            // Each word of the phrase once, each word that was said once.
            for (said, word) in inside {
                if !places.contains(said) && !used.contains(word) {
                    places.push(*said);
                    used.push(*word);
                }
            }
            let weight: f64 = used.iter().map(|word| phrase.words[*word].1).sum();
            windows.push((weight / phrase.weight, places.into_iter().zip(used).collect()));
        }
        windows
    }
}
