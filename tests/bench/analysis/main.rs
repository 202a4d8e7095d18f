//! How fast recordings are analyzed without a model, and in how much memory: an hour of two speakers, written to a file, and
//! what they said as a transcript. Prints a row for each analyzer and one for all; run by `tests/bench/analyze`.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use marketplace_crds::handler::analysis::Analysis;
use marketplace_service::analysis::transcript::{Segment, Transcript};
use marketplace_service::analysis::{AnalysisPlan, Halt, Material, analyze};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SECONDS: u32 = 3_600;
const RATE_HERTZ: u32 = 8_000;
const SAID: [&str; 6] = [
    "Thank you for calling, how can I help you today?",
    "I am really unhappy with my order, it was late and the box was broken.",
    "My card number is four one one one one one one one, one one one one one one one one.",
    "I am so sorry to hear that, let me see what we can do about it for you.",
    "I would like to cancel my subscription and get my money back please.",
    "That is great, thank you very much for your help.",
];

/// Two speakers in turn, each with what was spoken into the given file, until an hour is over.
fn write(spoken: &Path, file: &Path) -> Result<()> {
    let mut reader = WavReader::open(spoken).context("spoken words")?;
    let step = usize::try_from(reader.spec().sample_rate / RATE_HERTZ)?.max(1);
    let words: Vec<i16> = reader.samples::<i16>().step_by(step).collect::<Result<_, _>>()?;
    let spec = WavSpec {
        channels: 2,
        sample_rate: RATE_HERTZ,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::new(BufWriter::new(File::create(file)?), spec)?;
    let mut turns = words.iter().copied().cycle();
    for frame in 0..SECONDS * RATE_HERTZ {
        let sample = turns.next().context("spoken words")?;
        let is_first = (frame / (10 * RATE_HERTZ)).is_multiple_of(2);
        writer.write_sample(if is_first { sample } else { 0 })?;
        writer.write_sample(if is_first { 0 } else { sample })?;
    }
    writer.finalize()?;
    Ok(())
}

fn transcript() -> Transcript {
    let segment = |(place, text): (u32, &&str)| Segment {
        channel: if place.is_multiple_of(2) { 1 } else { 2 },
        start_seconds: f64::from(3 * place),
        end_seconds: f64::from(3 * place + 3),
        text: (*text).to_owned(),
        confidence: Some(0.9),
    };
    Transcript {
        segments: (0..SECONDS / 3).zip(SAID.iter().cycle()).map(segment).collect(),
        ..Transcript::default()
    }
}

/// The most memory that was ever used, in megabytes.
fn peak_megabytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("a kernel that counts")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

fn measure(name: &str, analysis: Value, file: &Path) -> Result<()> {
    let plan = AnalysisPlan::read(&serde_json::from_value::<Analysis>(analysis)?)?;
    let material = Material {
        audio: file,
        transcript: Some(transcript()),
    };
    let started = Instant::now();
    analyze(material, &plan, &Halt::never())?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{name:<12} {seconds:>8.2} s {:>8.0}x real time {:>6} MB at most",
        f64::from(SECONDS) / seconds,
        peak_megabytes()?
    );
    Ok(())
}

fn main() -> Result<()> {
    let spoken = std::env::args().nth(1).context("usage: analyze FILE.wav")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("hour.wav");
    write(Path::new(&spoken), &file)?;
    println!(
        "an hour of {RATE_HERTZ} Hz, 2 channels, {} MB, one thread",
        std::fs::metadata(&file)?.len() >> 20
    );
    let intent = json!({"intents": [
        {"name": "cancel", "phrases": ["cancel my subscription", "close my account"]},
        {"name": "refund", "phrases": ["get my money back"], "patterns": ["(?i)refund"]},
    ]});
    measure("redaction", json!({"redaction": {}}), &file)?;
    measure("intent", json!({"intent": intent}), &file)?;
    measure("sentiment", json!({"sentiment": {}}), &file)?;
    measure("dtmf", json!({"dtmf": {}}), &file)?;
    measure("acoustics", json!({"acoustics": {}}), &file)?;
    let all = json!({"acoustics": {}, "dtmf": {}, "intent": intent, "redaction": {}, "sentiment": {}});
    measure("all", all, &file)
}
