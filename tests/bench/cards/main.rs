//! How many card numbers that somebody says are gone from what the built-in engine writes down, and how often something else
//! is taken for one: espeak-ng says sentences that a seed made up, as they are and as a telephone leaves them. Run by
//! `tests/bench/speech`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use marketplace_crds::handler::analysis::Analysis;
use marketplace_service::analysis::transcript::Transcript;
use marketplace_service::analysis::{AnalysisPlan, Halt, Material, analyze};
use marketplace_tests::service::program;
use marketplace_tests::spoken::{Studio, model, sentences, text_in, text_of, words};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

const NUMBERS: u64 = 40;
const VOICES: [&str; 4] = ["en-us", "en-gb", "en-us+f3", "en-gb+m3"];
const DIGITS: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];
/// What a receipt may show of a card, and no more.
const MAY_BE_LEFT: usize = 4;

/// Of sixteen digits, the last of which fits the others (Luhn).
fn card(chance: &mut StdRng) -> Vec<usize> {
    let mut digits = vec![4];
    digits.extend((1..15).map(|_| chance.random_range(0..10_usize)));
    let doubled = |(place, digit): (usize, &usize)| {
        if place % 2 == 0 {
            digit * 2 / 10 + digit * 2 % 10
        } else {
            *digit
        }
    };
    let sum: usize = digits.iter().enumerate().map(doubled).sum();
    digits.push((10 - sum % 10) % 10);
    digits
}

fn spelled(digits: &[usize]) -> String {
    let four = |digits: &[usize]| digits.iter().map(|digit| DIGITS[*digit]).collect::<Vec<_>>().join(" ");
    digits.chunks(4).map(four).collect::<Vec<_>>().join(", ")
}

/// The digits of a text, however they are written.
fn digits(text: &str) -> String {
    let digit = |word: String| match DIGITS.iter().position(|name| *name == word) {
        Some(value) => value.to_string(),
        None => word.chars().filter(char::is_ascii_digit).collect(),
    };
    words(text).into_iter().map(digit).collect()
}

fn transcribed(recording: &Path) -> Result<Transcript> {
    let output = Command::new(program()?)
        .args(["transcribe", "--model", text_of(&model()?)?, text_of(recording)?])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("a transcript")
}

/// What was heard, and what is left of it.
fn heard_and_left(recording: &Path, plan: &AnalysisPlan) -> Result<(String, String)> {
    let transcript = transcribed(recording)?;
    let heard = transcript.segments.iter().map(|segment| segment.text.as_str());
    let heard = heard.collect::<Vec<_>>().join(" ");
    let material = Material {
        audio: recording,
        transcript: Some(transcript),
    };
    let results = analyze(material, plan, &Halt::never())?;
    let left = results["transcription"]["segments"]
        .as_array()
        .context("a transcript")?;
    Ok((heard, text_in(left)))
}

#[derive(Default)]
struct Row {
    heard_right: u64,
    gone: u64,
    taken_for_one: u64,
}

impl Row {
    fn print(&self, name: &str) {
        println!(
            "{name:<20} {:>12} {:>8} {:>24}",
            format!("{} of {NUMBERS}", self.heard_right),
            format!("{} of {NUMBERS}", self.gone),
            format!("{} of {NUMBERS}", self.taken_for_one),
        );
    }
}

fn main() -> Result<()> {
    let settings = json!({"redaction": {}, "transcription": {"engine": {"builtin": {}}}});
    let plan = AnalysisPlan::read(&serde_json::from_value::<Analysis>(settings)?)?;
    let studio = Studio::new()?;
    let mut chance = StdRng::seed_from_u64(2026);
    let (mut clean, mut telephone) = (Row::default(), Row::default());
    for (seed, voice) in (0..NUMBERS).zip(VOICES.into_iter().cycle()) {
        let number = card(&mut chance);
        let secret = digits(&spelled(&number));
        let said = format!("Yes, my card number is {}. Thank you very much.", spelled(&number));
        let other = format!("{} I have {} of them.", sentences(seed, 2), DIGITS[number[1]]);
        for (row, is_telephone) in [(&mut clean, false), (&mut telephone, true)] {
            let record = |name: &str, text: &str| {
                let spoken = studio.say(name, voice, text)?;
                if is_telephone {
                    studio.telephone("sent", &spoken)
                } else {
                    Ok(spoken)
                }
            };
            let (heard, left) = heard_and_left(&record("number", &said)?, &plan)?;
            row.heard_right += u64::from(digits(&heard).contains(&secret));
            row.gone += u64::from(digits(&left).len() <= MAY_BE_LEFT);
            if digits(&left).len() > MAY_BE_LEFT {
                println!("left of {}: {left}", spelled(&number));
            }
            let (heard, left) = heard_and_left(&record("other", &other)?, &plan)?;
            row.taken_for_one += u64::from(heard != left);
        }
    }
    println!(
        "{:<20} {:>12} {:>8} {:>24}",
        "card numbers, spoken", "heard right", "gone", "sentences without, changed"
    );
    clean.print("as they are");
    telephone.print("8 kHz mu-law");
    Ok(())
}
