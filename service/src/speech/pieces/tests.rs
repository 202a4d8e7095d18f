//! A recording that somebody speaks in is cut the same way each time, each channel by itself. Speech is a buzz with
//! formants: enough for the detector, and nothing to install.

use std::error::Error;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const RATE: u32 = 8_000;

/// A vowel: harmonics of a low voice that swells and falls a few times per second, as syllables do.
fn voice(second: f64) -> f64 {
    let pitch = 120.0 + 20.0 * (second * 2.1).sin();
    let harmonics = (1..=24).map(|number| {
        let hertz = f64::from(number) * pitch;
        let near = |formant: f64| (-((hertz - formant) / 180.0).powi(2)).exp();
        (near(600.0) + near(1100.0) + 0.4 * near(2400.0)) * (std::f64::consts::TAU * hertz * second).sin()
    });
    let syllables = 0.5 - 0.5 * (std::f64::consts::TAU * 4.0 * second).cos();
    0.2 * syllables * harmonics.sum::<f64>()
}

/// A recording of two channels, of which each is spoken in between these seconds.
fn recording(folder: &TempDir, spoken: [&[(f64, f64)]; 2], seconds: u32) -> Result<PathBuf, Box<dyn Error>> {
    let path = folder.path().join("recording.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec)?;
    for frame in 0..seconds * RATE {
        let second = f64::from(frame) / f64::from(RATE);
        for spans in spoken {
            let speaks = spans.iter().any(|(start, end)| (*start..*end).contains(&second));
            let sample = if speaks { voice(second) } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, reason = "clamped to what 16 bits hold")]
            writer.write_sample((sample.clamp(-1.0, 1.0) * 32_000.0) as i16)?;
        }
    }
    writer.finalize()?;
    Ok(path)
}

fn all(path: &Path) -> Result<Vec<Piece>, AnalysisError> {
    let (mut pieces, mut found) = (Pieces::open(path)?, Vec::new());
    while let Some(piece) = pieces.next(&Halt::never())? {
        found.push(piece);
    }
    Ok(found)
}

#[test]
fn each_channel_is_cut_by_itself_and_each_time_alike() -> Result<(), Box<dyn Error>> {
    let folder = TempDir::new()?;
    let path = recording(&folder, [&[(1.0, 4.0), (12.0, 14.0)], &[(6.0, 9.0)]], 18)?;
    let pieces = all(&path)?;
    let mut found: Vec<_> = pieces
        .iter()
        .map(|piece| (piece.channel, piece.start_seconds, piece.end_seconds))
        .collect();
    found.sort_by(|one, other| one.1.total_cmp(&other.1));
    let expected = [(1, 1.0, 4.0), (2, 6.0, 9.0), (1, 12.0, 14.0)];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((channel, start, end), (of, from, to)) in found.iter().zip(expected) {
        let near = |one: f64, other: f64| (one - other).abs() < 0.35;
        assert!(
            *channel == of && near(*start, from) && near(*end, to),
            "{found:?}, want {expected:?}"
        );
    }
    let places: Vec<_> = pieces.iter().map(|piece| piece.place).collect();
    assert_eq!(places, [0, 1, 2]);
    assert_eq!(all(&path)?, pieces, "the place of a piece is its name");
    Ok(())
}

#[test]
fn a_halt_ends_the_reading() -> Result<(), Box<dyn Error>> {
    let folder = TempDir::new()?;
    let path = recording(&folder, [&[], &[]], 2)?;
    let halt = Halt::new(std::time::Instant::now(), tokio_util::sync::CancellationToken::new());
    let halted = Pieces::open(&path)?.next(&halt);
    assert!(matches!(halted, Err(AnalysisError::FinishInTime(_))));
    Ok(())
}
