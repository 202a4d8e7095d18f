//! Figures whose true value is known.

use std::error::Error;
use std::f64::consts::TAU;
use std::time::Instant;

use hound::{SampleFormat, WavSpec, WavWriter};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::analysis::Halted;

type Tested = Result<(), Box<dyn Error>>;

/// A file whose frames a function of the time makes, full scale 1.0.
fn sound(
    channels: u16,
    rate_hertz: u32,
    seconds: f64,
    mut at: impl FnMut(f64, u16) -> f64,
) -> Result<NamedTempFile, Box<dyn Error>> {
    let file = NamedTempFile::new()?;
    let spec = WavSpec {
        channels,
        sample_rate: rate_hertz,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(file.path(), spec)?;
    let mut time = 0.0;
    while time < seconds - 1e-9 {
        for channel in 0..channels {
            #[expect(clippy::cast_possible_truncation, reason = "clamped to 16 bits")]
            writer.write_sample((at(time, channel) * 32_767.0).clamp(-32_768.0, 32_767.0) as i16)?;
        }
        time += 1.0 / f64::from(rate_hertz);
    }
    writer.finalize()?;
    Ok(file)
}

fn tone(hertz: f64, peak_dbfs: f64) -> impl Fn(f64, u16) -> f64 {
    let height = 10_f64.powf(peak_dbfs / 20.0);
    move |time, _| height * (TAU * hertz * time).sin()
}

fn measured(file: &NamedTempFile) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::to_value(measure(file.path(), &Halt::never())?)?)
}

fn near(value: &Value, expected: f64, tolerance: f64) -> bool {
    value
        .as_f64()
        .is_some_and(|value| (value - expected).abs() <= tolerance)
}

#[test]
fn loudness_is_that_of_the_standards_own_example() -> Tested {
    // EBU Tech 3341, case 1: a stereo sine of 1 kHz with peaks of -23 dBFS is -23 LUFS; on one channel 3 dB less.
    for (channels, rate_hertz, lufs) in [(2, 48_000, -23.0), (2, 8_000, -23.0), (1, 16_000, -26.0)] {
        let report = measured(&sound(channels, rate_hertz, 3.0, tone(1_000.0, -23.0))?)?;
        assert!(
            near(&report["integrated_lufs"], lufs, 0.1),
            "{channels} channels at {rate_hertz}: {report}"
        );
        assert!(near(&report["peak_dbfs"], -23.0, 0.1), "{report}");
        assert!(near(&report["true_peak_dbtp"], -23.0, 0.3), "{report}");
    }
    Ok(())
}

#[test]
fn the_form_is_the_files_own() -> Tested {
    let report = measured(&sound(2, 8_000, 1.25, tone(440.0, -20.0))?)?;
    assert_eq!(report["duration_seconds"], 1.25);
    assert_eq!(report["channels"], 2);
    assert_eq!(report["sample_rate_hertz"], 8_000);
    Ok(())
}

#[test]
fn silence_has_no_loudness_and_is_all_silence() -> Tested {
    let report = measured(&sound(1, 8_000, 2.0, |_, _| 0.0)?)?;
    for figure in ["integrated_lufs", "peak_dbfs", "true_peak_dbtp"] {
        assert_eq!(report[figure], Value::Null, "{figure}");
    }
    assert_eq!(report["speech_ratio"], 0.0);
    let expected = json!({
        "seconds": 2.0, "ratio": 1.0, "count": 1, "spans": [{"start_seconds": 0.0, "end_seconds": 2.0}],
    });
    assert_eq!(report["silence"], expected);
    Ok(())
}

#[test]
fn silence_is_where_no_channel_is_heard() -> Tested {
    // The left is silent from 1 s on, the right until 2 s and from 3 s on.
    let loud = tone(440.0, -20.0);
    let file = sound(2, 8_000, 4.0, |time, channel| match channel {
        0 if time < 1.0 => loud(time, 0),
        1 if (2.0..3.0).contains(&time) => loud(time, 1),
        _ => 0.0,
    })?;
    let spans = measured(&file)?["silence"]["spans"].clone();
    let expected = json!([
        {"start_seconds": 1.0, "end_seconds": 2.0},
        {"start_seconds": 3.0, "end_seconds": 4.0},
    ]);
    assert_eq!(spans, expected);
    Ok(())
}

/// A voice as a phonetician would build it: pulses of a gliding pitch through the resonances of changing vowels, in syllables.
fn voice() -> impl FnMut(f64, u16) -> f64 {
    const RATE_HERTZ: f64 = 16_000.0;
    const VOWELS: [[f64; 3]; 4] = [
        [730.0, 1090.0, 2440.0],
        [270.0, 2290.0, 3010.0],
        [570.0, 840.0, 2410.0],
        [530.0, 1840.0, 2480.0],
    ];
    let mut resonators = [[0.0_f64; 2]; 3];
    let mut phase = 0.0;
    move |time, _| {
        let syllable = (time * 4.0).fract();
        let pitch = 120.0 + 25.0 * (TAU * 0.7 * time).sin() - 20.0 * syllable;
        phase += pitch / RATE_HERTZ;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase = phase.fract();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small whole number"
        )]
        let vowel = VOWELS[(time * 4.0) as usize % VOWELS.len()];
        let mut out = 0.0;
        for (state, (formant, share)) in resonators.iter_mut().zip(vowel.into_iter().zip([1.0, 0.5, 0.25])) {
            let radius = (-std::f64::consts::PI * 90.0 / RATE_HERTZ).exp();
            let next =
                pulse + 2.0 * radius * (TAU * formant / RATE_HERTZ).cos() * state[0] - radius * radius * state[1];
            *state = [next, state[0]];
            out += share * next;
        }
        0.1 * out * (std::f64::consts::PI * syllable).sin().powf(0.5)
    }
}

#[test]
fn a_voice_is_speech_and_a_tone_is_not() -> Tested {
    let spoken = measured(&sound(1, 16_000, 4.0, voice())?)?;
    let tone = measured(&sound(1, 16_000, 4.0, tone(440.0, -20.0))?)?;
    let (spoken, tone) = (&spoken["speech_ratio"], &tone["speech_ratio"]);
    assert!(spoken.as_f64().is_some_and(|ratio| ratio > 0.6), "voice: {spoken}");
    assert!(tone.as_f64().is_some_and(|ratio| ratio < 0.2), "tone: {tone}");
    Ok(())
}

#[test]
fn an_analysis_stops_when_it_is_told_to() -> Tested {
    let file = sound(1, 8_000, 1.0, |_, _| 0.0)?;
    let given_up = CancellationToken::new();
    let over = Halt::new(Instant::now(), given_up.clone());
    given_up.cancel();
    let cancelled = Halt::new(Instant::now() + std::time::Duration::from_hours(1), given_up);
    for (halt, why) in [
        (Halt::new(Instant::now(), CancellationToken::new()), Halted::TimedOut),
        (cancelled, Halted::GivenUp),
        (over, Halted::GivenUp),
    ] {
        let result = measure(file.path(), &halt);
        assert!(
            matches!(result, Err(AnalysisError::FinishInTime(halted)) if halted == why),
            "{result:?}"
        );
    }
    Ok(())
}

#[test]
fn audio_shorter_than_any_measure_still_has_a_result() -> Tested {
    for frames in [1.0, 10.0, 100.0] {
        let report = measured(&sound(1, 8_000, frames / 8_000.0, tone(440.0, -20.0))?)?;
        assert_eq!(report["integrated_lufs"], Value::Null, "too short to gate");
        assert!(report["speech_ratio"].is_number(), "{report}");
        assert_eq!(report["silence"]["count"], 0);
    }
    Ok(())
}

#[test]
fn each_channel_is_a_speaker() -> Tested {
    // The left talks from 0 to 4 s, the right from 3 s to 5 s, then nobody.
    let (mut left, mut right) = (voice(), voice());
    let file = sound(2, 16_000, 6.0, |time, channel| match channel {
        0 if time < 4.0 => left(time, 0),
        1 if (3.0..5.0).contains(&time) => right(time, 1),
        _ => 0.0,
    })?;
    let report = measured(&file)?;
    let speakers = &report["speakers"];
    assert!(near(&speakers[0]["speech_seconds"], 4.0, 0.4), "{report}");
    assert!(near(&speakers[1]["speech_seconds"], 2.0, 0.4), "{report}");
    assert!(near(&speakers[0]["talk_ratio"], 0.667, 0.06), "{report}");
    assert_eq!(report["talk_over"]["count"], 1, "{report}");
    assert!(near(&report["talk_over"]["seconds"], 1.0, 0.3), "{report}");
    assert_eq!(report["longest_monologue"]["channel"], 1, "{report}");
    assert!(near(&report["longest_monologue"]["end_seconds"], 4.0, 1.1), "{report}");
    assert_eq!(
        (&report["clipping"], &report["line_noise"]),
        (&json!(false), &json!(false)),
        "{report}"
    );
    Ok(())
}

#[test]
fn a_bad_line_is_told_by_its_channel() -> Tested {
    // The left is a voice far too loud, the right hisses at -40 dBFS.
    let mut left = voice();
    let mut hiss: u32 = 1;
    let file = sound(2, 8_000, 4.0, |time, channel| {
        if channel == 0 {
            return (40.0 * left(time, 0)).clamp(-1.0, 1.0);
        }
        hiss = hiss.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.0346 * (f64::from(hiss >> 8) / f64::from(1 << 23) - 1.0)
    })?;
    let report = measured(&file)?;
    assert_eq!(
        (&report["clipping"], &report["line_noise"]),
        (&json!(true), &json!(true)),
        "{report}"
    );
    assert!(near(&report["speakers"][1]["noise_floor_dbfs"], -34.0, 2.0), "{report}");
    assert_eq!(report["speakers"][1]["clipped_ratio"], 0.0, "{report}");
    Ok(())
}
