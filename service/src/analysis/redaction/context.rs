//! Decides what each number is, by its check digit, its form, the words around it on any channel, and what came before it.

use std::collections::BTreeSet;
use std::ops::Range;

use marketplace_crds::handler::redaction::Entity;

use super::clusters::{self, Cluster};
use super::replace::Finding;
use super::tokens::{Speech, Token};
use super::words::Class;
use super::{cards, numbers};

mod phrases;

use phrases::{Meaning, Mention};

/// How many words may lie between what gives a number its meaning and the number.
const REACH: usize = 20;
/// The same for numbers so short that many others look like them.
const SHORT_REACH: usize = 10;
/// How many words behind a number may give it its meaning.
const REACH_BACK: usize = 5;
/// How closely a word of another number must stand before one to make it that.
const OTHERWISE_REACH: usize = 3;
/// How closely a code or a date follows the number of its card.
const BEHIND_CARD: usize = 6;
/// A card's number that was not heard right, perhaps with what is read out behind it.
const LIKE_CARD: Range<usize> = 12..31;

/// All that is found, of what is wanted.
pub(super) fn find(speech: &Speech, wanted: &BTreeSet<Entity>) -> Vec<Finding> {
    let mentions = phrases::find(speech);
    let mut found = Vec::new();
    for tokens in speech.channels.values() {
        found.extend(find_on(tokens, &mentions));
    }
    found.sort_by_key(|(entity, _)| *entity);
    found.retain(|(entity, _)| wanted.contains(entity));
    found
        .into_iter()
        .map(|(entity, tokens)| Finding::of_tokens(name(entity), tokens))
        .collect()
}

/// What stands in its place.
pub(super) fn name(entity: Entity) -> &'static str {
    match entity {
        Entity::CardNumber => "CardNumber",
        Entity::CardCode => "CardCode",
        Entity::CardExpiry => "CardExpiry",
        Entity::SocialSecurityNumber => "SocialSecurityNumber",
        Entity::AccountNumber => "AccountNumber",
    }
}

fn find_on<'t>(tokens: &'t [Token], mentions: &[Mention]) -> Vec<(Entity, &'t [Token])> {
    let answers = answers(tokens, mentions);
    let mut taken = with_misheard(tokens, cards::find(tokens), mentions);
    let mut found: Vec<(Entity, Range<usize>)> =
        taken.iter().map(|range| (Entity::CardNumber, range.clone())).collect();
    let formed: Vec<_> = social_security_forms(tokens).collect();
    found.extend(formed.iter().map(|range| (Entity::SocialSecurityNumber, range.clone())));
    taken.extend(formed);
    taken.sort_by_key(|range| range.start);
    for cluster in clusters::find(tokens, &taken, &answers) {
        let card_ended = found
            .iter()
            .filter(|(entity, range)| is_of_card(*entity) && range.end <= cluster.range.start)
            .map(|(_, range)| range.end)
            .max();
        let follows_card = card_ended.is_some_and(|end| cluster.range.start - end <= BEHIND_CARD);
        if let Some(entity) = judge(
            tokens,
            &cluster,
            mentions,
            &Before {
                found: &found,
                follows_card,
            },
        ) {
            let start = if entity == Entity::CardExpiry {
                with_month(tokens, cluster.range.start)
            } else {
                cluster.range.start
            };
            found.push((entity, start..cluster.range.end));
        }
    }
    found
        .into_iter()
        .map(|(entity, range)| (entity, &tokens[range]))
        .collect()
}

/// Where a channel goes on after another one asked for something.
fn answers(tokens: &[Token], mentions: &[Mention]) -> BTreeSet<usize> {
    let asked = |from: usize, to: usize| {
        let between = mentions
            .iter()
            .filter(|mention| from < mention.start && mention.end <= to);
        between.into_iter().any(|mention| mention.meaning != Meaning::Card)
    };
    let pairs = tokens.windows(2).enumerate();
    pairs
        .filter(|(_, pair)| pair[0].order + 1 < pair[1].order && asked(pair[0].order, pair[1].order))
        .map(|(place, _)| place + 1)
        .collect()
}

/// Where a card was spoken of, what is read out with a number belongs to it: the check digit of a part is chance.
fn with_misheard(tokens: &[Token], cards: Vec<Range<usize>>, mentions: &[Mention]) -> Vec<Range<usize>> {
    let is_of_card = |cluster: &Cluster| {
        let order = tokens[cluster.range.start].order;
        let mut before = mentions
            .iter()
            .filter(|mention| mention.end <= order && order - mention.end <= REACH);
        cluster.may_have(LIKE_CARD) && before.any(|mention| mention.meaning == Meaning::Card)
    };
    let misheard = clusters::find(tokens, &[], &BTreeSet::new())
        .into_iter()
        .filter(is_of_card);
    let misheard: Vec<_> = misheard
        .map(|cluster| cluster.range)
        .filter(|range| !cards.iter().any(|card| card.start == range.start))
        .collect();
    cards::joined([cards, misheard].concat())
}

fn is_of_card(entity: Entity) -> bool {
    match entity {
        Entity::CardNumber | Entity::CardCode | Entity::CardExpiry => true,
        Entity::SocialSecurityNumber | Entity::AccountNumber => false,
    }
}

/// What was found before a number on its channel.
struct Before<'f> {
    found: &'f [(Entity, Range<usize>)],
    follows_card: bool,
}

/// What the nearest words say that it is, if its length can be that. Words that another number has answered count last.
fn judge(tokens: &[Token], cluster: &Cluster, mentions: &[Mention], before: &Before<'_>) -> Option<Entity> {
    let (first, last) = (&tokens[cluster.range.start], &tokens[cluster.range.end - 1]);
    let mut said: Vec<(usize, &Mention)> = mentions
        .iter()
        .filter(|mention| mention.end <= first.order)
        .map(|mention| (first.order - mention.end, mention))
        .filter(|(distance, _)| *distance <= REACH)
        .collect();
    said.sort_by_key(|(distance, _)| *distance);
    let mut answered = None;
    for (distance, mention) in said {
        if mention.meaning == Meaning::Otherwise && distance < OTHERWISE_REACH {
            return None;
        }
        let Some(entity) = means(mention.meaning, cluster, distance) else {
            continue;
        };
        let is_answer = |(other, range): &(Entity, Range<usize>)| {
            *other == entity && range.end <= cluster.range.start && tokens[range.start].order >= mention.end
        };
        if entity == Entity::CardNumber || !before.found.iter().any(is_answer) {
            return Some(entity);
        }
        answered = answered.or(Some(entity));
    }
    let behind = mentions
        .iter()
        .filter(|mention| mention.segment == last.segment && mention.start > last.order)
        .filter(|mention| mention.start - last.order <= REACH_BACK)
        .find_map(|mention| means(mention.meaning, cluster, 0));
    let has_month = with_month(tokens, cluster.range.start) < cluster.range.start;
    let of_card = || {
        before
            .follows_card
            .then(|| of_card(tokens, cluster, has_month))
            .flatten()
    };
    behind.or_else(of_card).or(answered)
}

/// What a meaning so many words before a number makes of it.
fn means(meaning: Meaning, cluster: &Cluster, distance: usize) -> Option<Entity> {
    let is_near = distance <= SHORT_REACH;
    match meaning {
        Meaning::Card if cluster.may_have(LIKE_CARD) => Some(Entity::CardNumber),
        Meaning::CardCode if is_near && cluster.may_have([3, 4, 7, 8].into_iter()) => Some(Entity::CardCode),
        Meaning::CardExpiry if is_near && cluster.may_have([1, 2, 3, 4, 6, 7, 8].into_iter()) => {
            Some(Entity::CardExpiry)
        }
        Meaning::SocialSecurity if cluster.may_have(std::iter::once(9)) => Some(Entity::SocialSecurityNumber),
        Meaning::SocialSecurity if is_near && cluster.may_have(std::iter::once(4)) => {
            Some(Entity::SocialSecurityNumber)
        }
        Meaning::Account if cluster.may_have(5..18) => Some(Entity::AccountNumber),
        Meaning::AccountAtOnce if distance <= 1 && cluster.may_have(5..18) => Some(Entity::AccountNumber),
        Meaning::Card
        | Meaning::CardCode
        | Meaning::CardExpiry
        | Meaning::SocialSecurity
        | Meaning::Account
        | Meaning::AccountAtOnce
        | Meaning::Otherwise => None,
    }
}

/// What is read out behind the number of a card, without a word for it.
fn of_card(tokens: &[Token], cluster: &Cluster, has_month: bool) -> Option<Entity> {
    if has_month && cluster.may_have([2, 4].into_iter()) {
        return Some(Entity::CardExpiry);
    }
    let months = numbers::readings(tokens, cluster.range.start);
    let begins_with_month = months
        .iter()
        .any(|reading| matches!(reading.digits.as_slice(), [0 | 1] | [0, 1..=9, ..] | [1, 0..=2, ..]));
    if cluster.may_have(6..9) || (begins_with_month && cluster.may_have(std::iter::once(4))) {
        Some(Entity::CardExpiry)
    } else {
        cluster.may_have([3, 4].into_iter()).then_some(Entity::CardCode)
    }
}

/// Where a date begins whose year is at this token: `december of twenty six`.
fn with_month(tokens: &[Token], year: usize) -> usize {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let is_month = |token: &Token| {
        MONTHS.contains(&token.text.as_str())
            || (token.text.len() >= 3 && token.text != "mar" && MONTHS.iter().any(|month| month[..3] == token.text))
    };
    let near = year.saturating_sub(2)..year;
    near.rev()
        .find(|place| tokens.get(*place).is_some_and(is_month))
        .unwrap_or(year)
}

/// `123-45-6789` and `123 45 6789`, with numbers that were ever given out.
fn social_security_forms(tokens: &[Token]) -> impl Iterator<Item = Range<usize>> {
    tokens.windows(3).enumerate().filter_map(|(start, group)| {
        let [area, middle, serial] = group else { return None };
        let is_form = group
            .iter()
            .zip([3, 2, 4])
            .all(|(token, length)| token.class == Class::Written && token.text.len() == length);
        let is_joined = area.segment == serial.segment
            && area.range.end + 1 == middle.range.start
            && middle.range.end + 1 == serial.range.start;
        let is_given = area.text != "000"
            && area.text != "666"
            && !area.text.starts_with('9')
            && middle.text != "00"
            && serial.text != "0000";
        (is_form && is_joined && is_given).then_some(start..start + 3)
    })
}
