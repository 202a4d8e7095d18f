//! Recordings in which somebody speaks: espeak-ng says what a seed gives it, when the test runs. So nobody can have prepared
//! the engine for it, and what was said is known to the word.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::Value;
use tempfile::TempDir;

/// Words of a robot on a telephone that may be wrong, in percent: above what was measured.
pub const TELEPHONE_LIMIT_PERCENT: usize = 35;

const THINGS: [&str; 20] = [
    "river", "garden", "doctor", "window", "teacher", "bottle", "market", "letter", "mountain", "engine", "kitchen",
    "winter", "farmer", "money", "summer", "paper", "building", "station", "morning", "picture",
];
const KINDS: [&str; 10] = [
    "small", "green", "heavy", "quiet", "yellow", "broken", "careful", "famous", "honest", "simple",
];
const DEEDS: [&str; 10] = [
    "opened",
    "carried",
    "followed",
    "painted",
    "remembered",
    "finished",
    "noticed",
    "visited",
    "cleaned",
    "described",
];
const PLACES: [&str; 6] = ["behind", "under", "near", "beside", "before", "after"];

/// So many sentences of words that everybody knows, in an order that nobody does.
pub fn sentences(seed: u64, count: usize) -> String {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut one_of = |words: &[&'static str]| words.choose(&mut chance).copied().unwrap_or_default();
    let sentences = (0..count).map(|_| {
        format!(
            "The {} {} {} the {} {} the {} {}.",
            one_of(&KINDS),
            one_of(&THINGS),
            one_of(&DEEDS),
            one_of(&THINGS),
            one_of(&PLACES),
            one_of(&KINDS),
            one_of(&THINGS)
        )
    });
    sentences.collect::<Vec<_>>().join(" ")
}

/// Where recordings are made.
pub struct Studio {
    folder: TempDir,
}

impl Studio {
    /// An empty one.
    pub fn new() -> Result<Self> {
        Ok(Self {
            folder: TempDir::with_prefix("marketplace-")?,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.wav"))
    }

    /// This voice says that.
    pub fn say(&self, name: &str, voice: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        run("espeak-ng", &["-v", voice, "-s", "150", "-w", text_of(&path)?, text])?;
        Ok(path)
    }

    /// What sox makes of recordings: its arguments before the name of the new one, and after.
    pub fn mix(&self, name: &str, before: &[&str], after: &[&str]) -> Result<PathBuf> {
        let path = self.path(name);
        // -R: the same noise in every run
        run("sox", &[&["-R"], before, &[text_of(&path)?], after].concat())?;
        Ok(path)
    }

    /// As a telephone sends it: 8 kHz, mu-law.
    pub fn telephone(&self, name: &str, recording: &Path) -> Result<PathBuf> {
        self.mix(name, &[text_of(recording)?, "-r", "8000", "-e", "mu-law"], &[])
    }

    /// The same from its end to its beginning.
    pub fn reversed(&self, name: &str, recording: &Path) -> Result<PathBuf> {
        self.mix(name, &[text_of(recording)?], &["reverse"])
    }
}

/// The path as an argument.
pub fn text_of(path: &Path) -> Result<&str> {
    path.to_str().context("a path of the test's own is text")
}

/// The bytes of a recording.
pub fn bytes_of(path: &Path) -> Result<Bytes> {
    Ok(std::fs::read(path)?.into())
}

/// The folder with the model; a suite that needs it fails without it.
pub fn model() -> Result<PathBuf> {
    let folder = match std::env::var_os("MARKETPLACE_MODEL") {
        Some(folder) => PathBuf::from(folder),
        None => fetched()?,
    };
    ensure!(
        folder.join("encoder_model.onnx").is_file(),
        "there is no model in {}: run `make model`",
        folder.display()
    );
    Ok(folder)
}

/// Where `make model` leaves it.
fn fetched() -> Result<PathBuf> {
    let cache = match std::env::var_os("MARKETPLACE_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => {
            PathBuf::from(std::env::var_os("HOME").context("there is no HOME")?).join(".cache/marketplace-operator")
        }
    };
    let folders = cache
        .join("model")
        .read_dir()
        .context("there is no model: run `make model`")?;
    let mut folders: Vec<_> = folders.flatten().map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.join("encoder_model.onnx").is_file());
    folders.sort();
    folders.pop().context("there is no model: run `make model`")
}

/// How far what was heard is from what was said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WordErrors {
    /// Words that are wrong, missing or too many.
    pub errors: usize,
    /// Words that were said.
    pub said: usize,
}

impl WordErrors {
    /// Compares, whatever the case and the signs between.
    pub fn between(said: &str, heard: &str) -> Self {
        let (said, heard) = (words(said), words(heard));
        let mut row: Vec<usize> = (0..=heard.len()).collect();
        for (place, word) in said.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], place + 1);
            for (column, other) in heard.iter().enumerate() {
                let replaced = diagonal + usize::from(word != other);
                diagonal = row[column + 1];
                row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
            }
        }
        Self {
            errors: row.last().copied().unwrap_or_default(),
            said: said.len(),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            errors: self.errors + other.errors,
            said: self.said + other.said,
        }
    }

    /// The word error rate in percent.
    pub fn percent(self) -> usize {
        self.errors * 100 / self.said.max(1)
    }
}

/// What the segments of a transcript say, one after the other.
pub fn text_in(segments: &[Value]) -> String {
    let texts = segments.iter().filter_map(|segment| segment["text"].as_str());
    texts.collect::<Vec<_>>().join(" ")
}

/// The words of a text, in small letters.
pub fn words(text: &str) -> Vec<String> {
    let words = text.split(|sign: char| !sign.is_alphanumeric() && sign != '\'');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn run(program: &str, arguments: &[&str]) -> Result<Output> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{program} is missing: apt-get install {program}"))?;
    if !output.status.success() {
        bail!("{program} has failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_wrong_missing_and_too_much() {
        for (said, heard, errors) in [
            ("Ever tried. Ever failed.", "ever tried ever failed", 0),
            ("ever tried", "never tried", 1),
            ("ever tried", "tried", 1),
            ("ever tried", "I have ever tried", 2),
            ("ever tried", "", 2),
            ("", "ever tried", 2),
        ] {
            assert_eq!(WordErrors::between(said, heard).errors, errors, "{said} | {heard}");
        }
    }

    #[test]
    fn the_same_seed_says_the_same() {
        assert_eq!(sentences(7, 3), sentences(7, 3));
        assert_ne!(sentences(7, 3), sentences(8, 3));
        assert_eq!(words(&sentences(7, 3)).len(), 30);
    }
}
