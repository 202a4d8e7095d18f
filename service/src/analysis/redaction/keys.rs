//! Finds card numbers among the keys that were pressed, and what is keyed behind one: a card that is keyed in is a card.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use marketplace_crds::handler::redaction::Entity;

use super::cards::{Sums, joined};
use super::context::name;
use super::tokens::LONGEST_PAUSE_SECONDS;
use super::{RedactedSource, RedactedSpan};
use crate::analysis::dtmf::Keyed;

/// A pause that ends a number which no `#` ended.
const PAUSE_SECONDS: f64 = 3.0;

/// Puts the name of what was found in the place of its keys.
pub(super) fn redact(keyed: &mut Vec<Keyed>, wanted: &BTreeSet<Entity>) -> Vec<RedactedSpan> {
    let mut channels: BTreeMap<u16, Vec<Keyed>> = BTreeMap::new();
    for key in keyed.drain(..) {
        channels.entry(key.channel).or_default().push(key);
    }
    let mut spans = Vec::new();
    for (channel, keys) in channels {
        let found = find(&keys);
        let mut copied = 0;
        for (entity, range) in found.into_iter().filter(|(entity, _)| wanted.contains(entity)) {
            let (start_seconds, end_seconds) = (keys[range.start].start_seconds, keys[range.end - 1].end_seconds);
            keyed.extend_from_slice(&keys[copied..range.start]);
            keyed.push(Keyed {
                key: format!("[{}]", name(entity)),
                channel,
                start_seconds,
                end_seconds,
            });
            copied = range.end;
            spans.push(RedactedSpan {
                entity: name(entity).to_owned(),
                source: RedactedSource::Keys,
                channel,
                segments: None,
                start_seconds,
                end_seconds,
            });
        }
        keyed.extend_from_slice(&keys[copied..]);
    }
    keyed.sort_by(|one, other| one.start_seconds.total_cmp(&other.start_seconds));
    spans
}

fn digit(key: &Keyed) -> Option<u8> {
    key.key.parse().ok()
}

/// On one channel, in order.
fn find(keys: &[Keyed]) -> Vec<(Entity, Range<usize>)> {
    // What is a card's number from its first key to its last is one; else it is looked for everywhere.
    let whole: Vec<Range<usize>> = numbers(keys)
        .into_iter()
        .filter(|number| has_check_digit(&keys[number.clone()]))
        .collect();
    let inside = (0..keys.len()).filter(|start| !whole.iter().any(|card| card.contains(start)));
    let others = inside.filter_map(|start| Some(start..end_of_card(keys, start)?));
    let cards = joined(others.chain(whole.iter().cloned()).collect());
    let mut found = Vec::new();
    for (place, card) in cards.iter().enumerate() {
        found.push((Entity::CardNumber, card.clone()));
        let until = cards.get(place + 1).map_or(keys.len(), |next| next.start);
        let card_ended = keys[card.end - 1].end_seconds;
        let numbers = numbers(&keys[card.end..until]).into_iter();
        let behind = numbers.map(|number| number.start + card.end..number.end + card.end);
        let behind = behind.filter(|number| keys[number.start].start_seconds - card_ended <= LONGEST_PAUSE_SECONDS);
        found.extend(behind.filter_map(|number| Some((of_card(&keys[number.clone()])?, number))));
    }
    found
}

fn has_check_digit(number: &[Keyed]) -> bool {
    Sums::of(&number.iter().filter_map(digit).collect::<Vec<_>>()).has_card()
}

/// The farthest end of a card number that begins with this key; other keys than digits are passed over.
fn end_of_card(keys: &[Keyed], start: usize) -> Option<usize> {
    let mut sums = Sums::of(&[digit(keys.get(start)?)?]);
    let mut farthest = None;
    for (place, pair) in keys.windows(2).enumerate().skip(start) {
        let [before, key] = pair else { break };
        if key.start_seconds - before.end_seconds > LONGEST_PAUSE_SECONDS {
            break;
        }
        if let Some(digit) = digit(key) {
            sums = sums.with(&[digit]);
            if sums.has_card() {
                farthest = Some(place + 2);
            }
        }
    }
    farthest
}

/// Runs of digits without a pause.
fn numbers(keys: &[Keyed]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (place, key) in keys.iter().enumerate().filter(|(_, key)| digit(key).is_some()) {
        match found.last_mut() {
            Some(last) if last.end == place && key.start_seconds - keys[place - 1].end_seconds <= PAUSE_SECONDS => {
                last.end = place + 1;
            }
            _ => found.push(place..place + 1),
        }
    }
    found
}

/// What is keyed behind the number of a card.
fn of_card(number: &[Keyed]) -> Option<Entity> {
    let digits: Vec<u8> = number.iter().filter_map(digit).collect();
    match digits.as_slice() {
        [0, 1..=9, _, _] | [1, 0..=2, _, _] | [_, _, _, _, _, _] => Some(Entity::CardExpiry),
        [_, _, _] | [_, _, _, _] => Some(Entity::CardCode),
        _ => None,
    }
}
