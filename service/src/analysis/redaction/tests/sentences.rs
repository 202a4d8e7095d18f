//! Recall over sentences that are made from a seed: every way of saying a card number, with every kind of noise.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{all, left};
use crate::analysis::redaction::words::{Class, class};

const SENTENCES: u64 = 400;
const UNITS: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];
const TEENS: [&str; 10] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const NOISE: [&str; 10] = [
    "um",
    "uh",
    "okay",
    "and then",
    "er",
    "let me see",
    "dash",
    "yeah",
    "hang on",
    "that's right",
];
const BEFORE: [&str; 6] = [
    "my number is",
    "sure it's",
    "yes please write down",
    "the card reads",
    "so",
    "charge",
];
const AFTER: [&str; 5] = ["thank you", "that's all", "did you get that", "okay bye", ""];
const ASIDES: [&str; 4] = ["go ahead", "okay", "mm-hmm", "got it, and the rest?"];

fn pick<'t>(random: &mut StdRng, list: &[&'t str]) -> &'t str {
    list[random.random_range(0..list.len())]
}

/// Digits of a length and a beginning that cards have, with their check digit.
fn card(random: &mut StdRng) -> Vec<u8> {
    const KINDS: [(&str, usize); 8] = [
        ("4", 16),
        ("51", 16),
        ("37", 15),
        ("6011", 16),
        ("4", 13),
        ("36", 14),
        ("2223", 16),
        ("4", 19),
    ];
    let (front, length) = KINDS[random.random_range(0..KINDS.len())];
    let mut digits: Vec<u8> = front.bytes().map(|digit| digit - b'0').collect();
    while digits.len() < length - 1 {
        digits.push(random.random_range(0..10));
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(
            |(place, digit)| match u32::from(*digit) * if place % 2 == 0 { 2 } else { 1 } {
                value @ 10.. => value - 9,
                value => value,
            },
        )
        .sum();
    digits.push(u8::try_from((10 - sum % 10) % 10).unwrap_or_default());
    digits
}

/// One group of digits as somebody says or an engine writes it.
fn spoken(random: &mut StdRng, digits: &[u8]) -> String {
    let written = |digits: &[u8]| digits.iter().map(ToString::to_string).collect::<String>();
    let unit = |random: &mut StdRng, digit: u8| match digit {
        0 if random.random_bool(0.5) => "oh",
        digit => UNITS[usize::from(digit)],
    };
    let mut words: Vec<String> = Vec::new();
    let mut rest = digits;
    let style = random.random_range(0..4);
    while let [first, behind @ ..] = rest {
        let run = rest.iter().take_while(|digit| *digit == first).count();
        let pair = behind.first().map(|second| usize::from(first * 10 + second));
        let taken = match (style, run, pair) {
            (0, _, _) => {
                words.push(written(rest));
                rest.len()
            }
            (1, 3.., _) => {
                words.push(format!("triple {}", unit(random, *first)));
                3
            }
            (1 | 2, 2.., _) if random.random_bool(0.7) => {
                words.push(format!("double {}", unit(random, *first)));
                2
            }
            (2, _, Some(pair @ 10..20)) => {
                words.push(TEENS[pair - 10].to_owned());
                2
            }
            (2, _, Some(pair @ 20..)) if pair % 10 == 0 => {
                words.push(TENS[pair / 10].to_owned());
                2
            }
            (2, _, Some(pair @ 20..)) => {
                let join = if random.random_bool(0.5) { " " } else { "-" };
                words.push(format!("{}{join}{}", TENS[pair / 10], UNITS[pair % 10]));
                2
            }
            _ => {
                words.push(unit(random, *first).to_owned());
                1
            }
        };
        rest = &rest[taken.min(rest.len())..];
    }
    words.join(if random.random_bool(0.3) { ", " } else { " " })
}

/// A number in groups, said in one breath or in several segments, with noise and asides of another channel.
fn said(random: &mut StdRng, digits: &[u8]) -> Vec<(u16, String)> {
    let plain = random.random_bool(0.25);
    let size = if plain && random.random_bool(0.3) {
        digits.len()
    } else {
        random.random_range(2..=5)
    };
    let separator = ["-", " ", ".", " - "][random.random_range(0..4)];
    let (is_split, is_noisy) = (random.random_bool(0.4), random.random_bool(0.4));
    let mut segments = vec![(1, format!("{} ", pick(random, &BEFORE)))];
    for (place, group) in digits.chunks(size).enumerate() {
        if is_split && place > 0 && random.random_bool(0.5) {
            if random.random_bool(0.5) {
                segments.push((2, pick(random, &ASIDES).to_owned()));
            }
            segments.push((1, String::new()));
        }
        let group = if plain {
            group.iter().map(ToString::to_string).collect()
        } else {
            spoken(random, group)
        };
        let noise = if is_noisy && place > 0 && random.random_bool(0.5) {
            format!("{} ", pick(random, &NOISE))
        } else {
            String::new()
        };
        if let Some((_, text)) = segments.last_mut() {
            text.extend([noise.as_str(), group.as_str(), if plain { separator } else { " " }]);
        }
    }
    segments.push((1, pick(random, &AFTER).to_owned()));
    segments
}

fn redacted(segments: &[(u16, String)]) -> Vec<String> {
    let segments: Vec<(u16, &str)> = segments
        .iter()
        .map(|(channel, text)| (*channel, text.as_str()))
        .collect();
    left(&all(), &segments).0
}

fn has_number(text: &str) -> bool {
    let words = text
        .split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).any(|word| {
        matches!(
            class(&word),
            Class::Written | Class::Unit(_) | Class::Teen(_) | Class::Tens(_) | Class::Repeat(_)
        )
    })
}

#[test]
fn every_card_number_of_four_hundred_sentences_goes() {
    let mut missed = Vec::new();
    for seed in 0..SENTENCES {
        let mut random = StdRng::seed_from_u64(seed);
        let digits = card(&mut random);
        let sentence = said(&mut random, &digits);
        let left = redacted(&sentence);
        if left.iter().any(|text| has_number(text)) || !left.iter().any(|text| text.contains("[CardNumber]")) {
            missed.push((sentence, left));
        }
    }
    let found = SENTENCES - missed.len() as u64;
    println!("card numbers: {found} of {SENTENCES} taken out");
    assert!(
        missed.is_empty(),
        "{} missed: {:#?}",
        missed.len(),
        &missed[..missed.len().min(5)]
    );
}

#[test]
fn few_of_four_hundred_sentences_without_a_card_lose_a_number() {
    let mut wrong = Vec::new();
    for seed in 0..SENTENCES {
        let mut random = StdRng::seed_from_u64(seed);
        let number = |random: &mut StdRng, length: usize| -> Vec<u8> {
            (0..length).map(|_| random.random_range(0..10)).collect()
        };
        let mut sentence = String::new();
        for _ in 0..random.random_range(1..4) {
            let (before, length, after) = [
                ("call me at", 10, "after lunch"),
                ("the order is", 6, "from last week"),
                ("it was", 3, "dollars"),
                ("I live at", 4, "Main Street"),
                ("my zip code is", 5, "by the way"),
                ("the tracking number is", 12, "and it never came"),
                ("I have waited", 2, "minutes"),
                ("reference", 8, "they told me"),
            ][random.random_range(0..8)];
            let digits = number(&mut random, length);
            sentence.extend([before, " ", &spoken(&mut random, &digits), " ", after, " "]);
        }
        let left = redacted(&[(1, sentence.clone())]);
        if left[0].contains("[CardNumber]") {
            wrong.push(sentence);
        }
    }
    println!("without a card: {} of {SENTENCES} lost a number", wrong.len());
    assert!(
        wrong.len() as u64 * 20 <= SENTENCES,
        "{} of them: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
}
