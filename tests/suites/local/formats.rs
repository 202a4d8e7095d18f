//! The same sound in every format that a recorder may write is heard as the same sound.

use std::f64::consts::TAU;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use marketplace_tests::addon::{home, request_sid};
use marketplace_tests::audio::{Recording, Sound, compressed};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::service::Service;
use serde_json::Value;

use super::recording::{assert_accepted, upload};

const SECONDS: f64 = 3.0;
const AMPLITUDE: f64 = 0.25;
const LOUDNESS_TOLERANCE_LUFS: f64 = 0.5;
/// Four bits a sample overshoot a little where a tone sets in; all other formats keep within a tenth of this.
const PEAK_TOLERANCE_DECIBELS: f64 = 1.2;

fn tone(channels: u16, rate_hertz: u32) -> Recording {
    let sound = Sound::Tone {
        hertz: 997.0,
        amplitude: AMPLITUDE,
    };
    Recording::new(channels, rate_hertz).then(sound, SECONDS)
}

/// What a program of the system makes of a WAV file.
fn converted(folder: &Path, wav: &Bytes, (program, arguments): (&str, &[&str])) -> Result<Bytes> {
    let (from, to) = (folder.join("from.wav"), folder.join("to"));
    std::fs::write(&from, wav)?;
    let status = Command::new(program)
        .args(arguments.iter().map(|argument| match *argument {
            "FROM" => from.as_os_str(),
            "TO" => to.as_os_str(),
            other => other.as_ref(),
        }))
        .status()
        .with_context(|| format!("{program} is missing: run tests/lanes/packages.sh"))?;
    ensure!(status.success(), "{program} {arguments:?} has failed");
    Ok(std::fs::read(to)?.into())
}

/// The tone as one format has it, and how far its length may be off: encoders fill up their last block.
struct Sample {
    name: String,
    bytes: Bytes,
    channels: u16,
    rate_hertz: u32,
    length_tolerance: f64,
}

/// No block is longer than this.
const BLOCK_SECONDS: f64 = 0.15;
const EXACT_SECONDS: f64 = 0.001;

fn linear(folder: &Path) -> Result<Vec<Sample>> {
    let mut all = Vec::new();
    for (channels, rate_hertz) in [
        (1, 8000),
        (2, 8000),
        (1, 11_025),
        (2, 16_000),
        (1, 22_050),
        (2, 44_100),
        (8, 48_000),
    ] {
        all.push(Sample {
            name: format!("16 bits, {channels} channels"),
            bytes: tone(channels, rate_hertz).wav(),
            channels,
            rate_hertz,
            length_tolerance: EXACT_SECONDS,
        });
    }
    for (bits, encoding) in [
        ("8", "unsigned-integer"),
        ("24", "signed-integer"),
        ("32", "signed-integer"),
        ("32", "floating-point"),
    ] {
        let arguments = ["-V1", "FROM", "-e", encoding, "-b", bits, "-t", "wav", "TO"];
        all.push(Sample {
            name: format!("{encoding} of {bits} bits"),
            bytes: converted(folder, &tone(2, 16_000).wav(), ("sox", &arguments))?,
            channels: 2,
            rate_hertz: 16_000,
            length_tolerance: EXACT_SECONDS,
        });
    }
    Ok(all)
}

fn compressed_wav(folder: &Path) -> Result<Vec<Sample>> {
    let mut all = Vec::new();
    for (encoding, length_tolerance) in [
        ("mu-law", EXACT_SECONDS),
        ("a-law", EXACT_SECONDS),
        ("ima-adpcm", BLOCK_SECONDS),
        ("ms-adpcm", BLOCK_SECONDS),
    ] {
        for (channels, rate_hertz) in [(1, 8000), (2, 16_000)] {
            let arguments = ["-V1", "FROM", "-e", encoding, "-t", "wav", "TO"];
            all.push(Sample {
                name: format!("{encoding} by sox, {channels} channels"),
                bytes: converted(folder, &tone(channels, rate_hertz).wav(), ("sox", &arguments))?,
                channels,
                rate_hertz,
                length_tolerance,
            });
        }
    }
    for law in [compressed::Law::Mu, compressed::Law::A] {
        let sample = |frame: u32| AMPLITUDE * (TAU * 997.0 * f64::from(frame) / 8000.0).sin();
        all.push(Sample {
            name: format!("{law:?}-law by its formulas"),
            bytes: compressed::wav(law, 8000, (0..24_000).map(sample)),
            channels: 1,
            rate_hertz: 8000,
            length_tolerance: EXACT_SECONDS,
        });
    }
    Ok(all)
}

fn mp3(folder: &Path) -> Result<Vec<Sample>> {
    let tagged = ["--quiet", "--add-id3v2", "--tt", "a title", "-V", "2", "FROM", "TO"];
    let mut all = vec![Sample {
        name: "mp3 of a variable rate with a tag".to_owned(),
        bytes: converted(folder, &tone(1, 16_000).wav(), ("lame", &tagged))?,
        channels: 1,
        rate_hertz: 16_000,
        length_tolerance: BLOCK_SECONDS,
    }];
    for (channels, rate_hertz) in [(1, 8000), (1, 16_000), (2, 44_100), (2, 48_000)] {
        // Lower, and the encoder would change the rate.
        let kilobits = (rate_hertz / 500 * u32::from(channels)).clamp(64, 160).to_string();
        let arguments = ["--quiet", "-b", &kilobits, "FROM", "TO"];
        all.push(Sample {
            name: format!("mp3, {channels} channels at {rate_hertz} Hz"),
            bytes: converted(folder, &tone(channels, rate_hertz).wav(), ("lame", &arguments))?,
            channels,
            rate_hertz,
            length_tolerance: BLOCK_SECONDS,
        });
    }
    Ok(all)
}

fn near(figure: &Value, expected: f64, tolerance: f64) -> bool {
    figure
        .as_f64()
        .is_some_and(|figure| (figure - expected).abs() <= tolerance)
}

#[tokio::test]
async fn a_tone_sounds_the_same_in_every_format() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let folder = tempfile::tempdir()?;
    let samples = [
        linear(folder.path())?,
        compressed_wav(folder.path())?,
        mp3(folder.path())?,
    ];
    for sample in samples.into_iter().flatten() {
        let (sid, name) = (request_sid(), sample.name);
        let answer = upload(&receiver, &sid, sample.bytes)?.send(service.address()).await?;
        ensure!(answer.status == 202, "{name}: {}", answer.text());
        assert_accepted(&answer);
        let result = receiver.wait_for(&sid).await?.json()?;
        let acoustics = &result["results"]["acoustics"];
        let peak = 20.0 * AMPLITUDE.log10();
        let lufs = -3.01 + peak + 10.0 * f64::from(sample.channels).log10();
        // Eight channels are a surround layout to the standard, which leaves some of them out.
        let alike = sample.channels == 8 || near(&acoustics["integrated_lufs"], lufs, LOUDNESS_TOLERANCE_LUFS);
        assert!(alike, "{name} is not {lufs} LUFS: {acoustics}");
        assert!(
            near(&acoustics["duration_seconds"], SECONDS, sample.length_tolerance),
            "{name}: {acoustics}"
        );
        assert_eq!(acoustics["channels"], sample.channels, "{name}");
        assert_eq!(acoustics["sample_rate_hertz"], sample.rate_hertz, "{name}");
        assert!(
            near(&acoustics["peak_dbfs"], peak, PEAK_TOLERANCE_DECIBELS),
            "{name}: {acoustics}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn audio_of_no_length_is_accepted_and_measured_as_nothing() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    let empty = Recording::new(1, 8000).wav();
    assert_accepted(&upload(&receiver, &sid, empty)?.send(service.address()).await?);
    let result = receiver.wait_for(&sid).await?.json()?;
    assert_eq!(result["error_code"], Value::Null, "{result}");
    let acoustics = &result["results"]["acoustics"];
    assert_eq!(acoustics["duration_seconds"], 0.0);
    for member in ["integrated_lufs", "peak_dbfs"] {
        assert_eq!(acoustics[member], Value::Null, "{member}");
    }
    Ok(())
}
