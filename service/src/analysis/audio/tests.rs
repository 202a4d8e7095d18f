//! What counts as audio. Files are written by hound and then bent.

use std::error::Error;
use std::io::Cursor;

use hound::{Sample, SampleFormat, WavSpec, WavWriter};
use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;

type Tested = Result<(), Box<dyn Error>>;

fn wav<S: Sample + Copy>(spec: WavSpec, samples: &[S]) -> Result<Vec<u8>, hound::Error> {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16) -> WavSpec {
    WavSpec {
        channels,
        sample_rate,
        bits_per_sample,
        sample_format: SampleFormat::Int,
    }
}

fn file(bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let file = NamedTempFile::new()?;
    std::fs::write(file.path(), bytes)?;
    Ok(file)
}

fn read_all(bytes: &[u8]) -> Result<Vec<f32>, AnalysisError> {
    let file = file(bytes).map_err(AnalysisError::ReadFile)?;
    let mut wav = Audio::open(file.path())?;
    let (mut all, mut block) = (Vec::new(), Vec::new());
    loop {
        wav.read_block(7, &mut block)?;
        if block.is_empty() {
            return Ok(all);
        }
        all.extend_from_slice(&block);
    }
}

/// Why a file is refused when it is opened, before anything is computed from it; or nothing.
fn refusal(bytes: &[u8]) -> Result<Option<String>, std::io::Error> {
    let file = file(bytes)?;
    match probe(file.path()) {
        Err(AnalysisError::ReadAudio { reason }) => Ok(Some(reason)),
        _ => Ok(None),
    }
}

#[test]
fn every_kind_of_sample_reads_as_parts_of_full_scale() -> Tested {
    let half = [0.0, 0.5, -0.5, -1.0];
    for bits in [8_u16, 16, 24, 32] {
        let full = 1_i64 << (bits - 1);
        let samples = [0, full / 2, -full / 2, -full].map(|sample| i32::try_from(sample).unwrap_or(i32::MIN));
        assert_eq!(read_all(&wav(spec(2, 8_000, bits), &samples)?)?, half, "{bits} bits");
    }
    let float = WavSpec {
        sample_format: SampleFormat::Float,
        ..spec(2, 8_000, 32)
    };
    assert_eq!(read_all(&wav(float, &[0.0_f32, 0.5, -0.5, -1.0])?)?, half);
    assert_eq!(
        read_all(&wav(float, &[f32::NAN, f32::INFINITY])?)?,
        [0.0, 0.0],
        "no figure is computed from these"
    );
    Ok(())
}

#[test]
fn a_file_is_measured_and_its_header_not_believed() -> Tested {
    let file = file(&wav(spec(2, 8_000, 16), &vec![0_i16; 2 * 12_000])?)?;
    let format = probe(file.path())?;
    let expected = AudioFormat {
        channels: 2,
        sample_rate_hertz: 8_000,
        bits_per_sample: 16,
        seconds: 1.5,
    };
    assert_eq!(format, expected);
    Ok(())
}

#[test]
fn what_is_no_wav_is_refused_with_a_reason() -> Tested {
    let good = wav(spec(1, 8_000, 16), &[1_i16; 100])?;
    let with = |at: usize, bytes: &[u8]| {
        let mut bent = good.clone();
        bent.splice(at..at + bytes.len(), bytes.iter().copied());
        bent
    };
    // Offsets into the 44 bytes of a plain header: 20 format, 22 channels, 24 rate, 28 bytes per second, 32 block, 34 bits.
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("a text", b"these are not the bytes of a sound".to_vec()),
        ("an mp3", [b"ID3\x03\0\0\0\0\0\0".as_slice(), &[0xff; 100]].concat()),
        ("half a header", good[..30].to_vec()),
        ("a header alone", good[..44].to_vec()),
        ("cut off in the samples", good[..good.len() - 50].to_vec()),
        ("data said to be 4 GB", with(40, &[0xfe, 0xff, 0xff, 0xff])),
        ("zero channels", with(22, &[0, 0])),
        ("a rate of zero", with(24, &[0, 0, 0, 0, 0, 0, 0, 0])),
        ("zero bits", with(34, &[0, 0])),
        ("a block of zero", with(32, &[0, 0])),
        ("mu-law of 16 bits", with(20, &[7, 0])),
        ("adpcm of 16 bits", with(20, &[2, 0])),
        ("nine channels", wav(spec(9, 8_000, 16), &[0_i16; 90])?),
        ("a rate of 1 MHz", wav(spec(1, 1_000_000, 16), &[0_i16; 90])?),
        ("a rate of 100 Hz", wav(spec(1, 100, 16), &[0_i16; 90])?),
    ] {
        let reason = refusal(&bytes)?;
        assert!(reason.is_some_and(|reason| !reason.is_empty()), "{name}");
    }
    assert_eq!(refusal(&good)?, None);
    Ok(())
}

#[test]
fn audio_without_a_length_is_audio() -> Tested {
    let file = file(&wav::<i16>(spec(2, 8_000, 16), &[])?)?;
    let format = probe(file.path())?;
    assert_eq!((format.channels, format.seconds), (2, 0.0));
    assert_eq!(read_all(&wav::<i16>(spec(2, 8_000, 16), &[])?)?, [0.0; 0]);
    Ok(())
}

#[test]
fn a_file_that_is_not_there_is_our_fault() {
    let read = Audio::open(Path::new("/nonexistent/audio")).map(|_| ());
    assert!(matches!(read, Err(AnalysisError::ReadFile(_))), "{read:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_header_makes_a_panic_or_more_samples_than_bytes(
        at in 0_usize..44, bytes in proptest::collection::vec(any::<u8>(), 1..16), length in 0_usize..300,
    ) {
        let mut bent = wav(spec(2, 8_000, 16), &[3_i16; 128]).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for (offset, byte) in bytes.into_iter().enumerate() {
            if let Some(place) = bent.get_mut(at + offset) {
                *place = byte;
            }
        }
        bent.truncate(length);
        if let Ok(samples) = read_all(&bent) {
            prop_assert!(samples.len() <= bent.len());
        }
    }
}
