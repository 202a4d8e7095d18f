//! All analyzers at once, and what later ones see of what was redacted.

use std::error::Error;

use hound::{SampleFormat, WavSpec, WavWriter};
use marketplace_crds::handler::analysis::Analysis;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::*;
use crate::analysis::transcript::Segment;

type Tested = Result<(), Box<dyn Error>>;

/// A WAV file of these channels, full scale 1.0; what is shorter ends with silence.
pub(crate) fn wav(rate_hertz: u32, channels: &[Vec<f32>]) -> Result<NamedTempFile, Box<dyn Error>> {
    let file = NamedTempFile::new()?;
    let spec = WavSpec {
        channels: u16::try_from(channels.len())?,
        sample_rate: rate_hertz,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(file.path(), spec)?;
    let longest = channels.iter().map(Vec::len).max().unwrap_or(0);
    for frame in 0..longest {
        for channel in channels {
            let sample = channel.get(frame).copied().unwrap_or(0.0);
            #[expect(clippy::cast_possible_truncation, reason = "clamped to 16 bits")]
            writer.write_sample((sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16)?;
        }
    }
    writer.finalize()?;
    Ok(file)
}

/// Segments of two seconds each, one after the other: the channel and the words.
pub(crate) fn transcript(said: &[(u16, &str)]) -> Transcript {
    let segment = |(start, (channel, text)): (u32, &(u16, &str))| Segment {
        channel: *channel,
        start_seconds: f64::from(2 * start),
        end_seconds: f64::from(2 * start + 2),
        text: (*text).to_owned(),
        confidence: None,
    };
    Transcript {
        segments: (0..).zip(said).map(segment).collect(),
        ..Transcript::default()
    }
}

/// Everything, with patterns.
fn plan() -> Result<AnalysisPlan, Box<dyn Error>> {
    let analysis: Analysis = serde_json::from_value(json!({
        "acoustics": {},
        "dtmf": {},
        "intent": {"intents": [{"name": "cancel", "phrases": ["cancel my subscription"], "patterns": ["(?i)stop billing"]}]},
        "redaction": {"patterns": [{"name": "MemberNumber", "pattern": "M-[0-9]{6}"}]},
        "sentiment": {},
    }))?;
    Ok(AnalysisPlan::read(&analysis)?)
}

fn analyzed(said: &[(u16, &str)]) -> Result<Value, Box<dyn Error>> {
    let file = wav(8_000, &[vec![0.0; 8_000], vec![0.1; 8_000]])?;
    let material = Material {
        audio: file.path(),
        transcript: Some(transcript(said)),
    };
    Ok(analyze(material, &plan()?, &Halt::never())?)
}

#[test]
fn every_analyzer_has_its_member_of_the_results() -> Tested {
    let results = analyzed(&[(1, "I want to cancel my subscription."), (2, "That is sad.")])?;
    let members: Vec<&String> = results.as_object().ok_or("an object")?.keys().collect();
    assert_eq!(
        members,
        ["acoustics", "dtmf", "intent", "redaction", "sentiment", "transcription"]
    );
    assert_eq!(results["intent"]["detected"], json!(["cancel"]));
    Ok(())
}

#[test]
fn nothing_in_the_results_has_what_was_redacted() -> Tested {
    let said = [
        (
            1,
            "Cancel my subscription, my card is 4111 1111 1111 1111, I am M-123456.",
        ),
        (
            2,
            "Stop billing 4111-1111-1111-1111, cancel my subscription four one one one one one one one one one one one one one one one",
        ),
    ];
    let results = analyzed(&said)?.to_string();
    for secret in ["4111", "1111", "123456", "one one"] {
        assert!(!results.contains(secret), "{secret} in {results}");
    }
    assert_eq!(results.matches("\"MemberNumber\":1").count(), 1, "{results}");
    Ok(())
}

#[test]
fn who_redacts_says_so_before_anything_is_kept() -> Tested {
    assert!(plan()?.redacts());
    let plain: Analysis = serde_json::from_value(json!({"sentiment": {}}))?;
    assert!(!AnalysisPlan::read(&plain)?.redacts());
    Ok(())
}

#[test]
fn an_analyzer_of_words_without_words_is_an_error_and_not_a_result() -> Tested {
    let file = wav(8_000, &[vec![0.0; 800]])?;
    let material = Material {
        audio: file.path(),
        transcript: None,
    };
    let analyzed = analyze(material, &plan()?, &Halt::never());
    assert!(
        matches!(analyzed, Err(AnalysisError::Analyze { part: "intent", .. })),
        "{analyzed:?}"
    );
    Ok(())
}

#[test]
fn plans_that_are_written_alike_are_equal() -> Tested {
    assert_eq!(plan()?, plan()?);
    let other: Analysis =
        serde_json::from_value(json!({"redaction": {"patterns": [{"name": "M", "pattern": "M-[0-9]{7}"}]}}))?;
    let another: Analysis =
        serde_json::from_value(json!({"redaction": {"patterns": [{"name": "M", "pattern": "M-[0-9]{6}"}]}}))?;
    assert_ne!(AnalysisPlan::read(&other)?, AnalysisPlan::read(&another)?);
    Ok(())
}
