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

/// Every format by a name, with its channels, its rate, and how far its length may be off.
fn every_format(folder: &Path) -> Result<Vec<(String, Bytes, u16, u32, f64)>> {
    let mut all = Vec::new();
    for (channels, rate) in [
        (1, 8000),
        (2, 8000),
        (1, 11_025),
        (2, 16_000),
        (1, 22_050),
        (2, 44_100),
        (8, 48_000),
    ] {
        all.push((
            format!("16 bits, {channels} channels"),
            tone(channels, rate).wav(),
            channels,
            rate,
            0.001,
        ));
    }
    for bits in [8, 24, 32] {
        let encoding = if bits == 8 {
            "unsigned-integer"
        } else {
            "signed-integer"
        };
        let bits = bits.to_string();
        let arguments = ["-V1", "FROM", "-e", encoding, "-b", &bits, "-t", "wav", "TO"];
        let made = converted(folder, &tone(2, 16_000).wav(), ("sox", &arguments))?;
        all.push((format!("{bits} bits"), made, 2, 16_000, 0.001));
    }
    for (name, encoding, length_tolerance) in [
        ("float", "floating-point", 0.001),
        ("mu-law by sox", "mu-law", 0.001),
        ("A-law by sox", "a-law", 0.001),
        ("IMA ADPCM", "ima-adpcm", 0.1),
        ("Microsoft's ADPCM", "ms-adpcm", 0.1),
    ] {
        for (channels, rate) in [(1, 8000), (2, 16_000)] {
            let arguments = ["-V1", "FROM", "-e", encoding, "-t", "wav", "TO"];
            let made = converted(folder, &tone(channels, rate).wav(), ("sox", &arguments))?;
            all.push((
                format!("{name}, {channels} channels"),
                made,
                channels,
                rate,
                length_tolerance,
            ));
        }
    }
    for (channels, rate) in [(1, 8000), (1, 16_000), (2, 44_100), (2, 48_000)] {
        // Lower, and the encoder would change the rate.
        let kilobits = (rate / 500 * u32::from(channels)).clamp(64, 160).to_string();
        let made = converted(
            folder,
            &tone(channels, rate).wav(),
            ("lame", &["--quiet", "-b", &kilobits, "FROM", "TO"]),
        )?;
        all.push((
            format!("mp3, {channels} channels at {rate} Hz"),
            made,
            channels,
            rate,
            0.15,
        ));
    }
    let tagged = ["--quiet", "--add-id3v2", "--tt", "a title", "-V", "2", "FROM", "TO"];
    let made = converted(folder, &tone(1, 16_000).wav(), ("lame", &tagged))?;
    all.push(("mp3 of a variable rate with a tag".to_owned(), made, 1, 16_000, 0.15));
    for (name, law) in [("mu-law", compressed::Law::Mu), ("A-law", compressed::Law::A)] {
        let sample = |frame: u32| AMPLITUDE * (TAU * 997.0 * f64::from(frame) / 8000.0).sin();
        all.push((
            name.to_owned(),
            compressed::wav(law, 8000, (0..24_000).map(sample)),
            1,
            8000,
            0.001,
        ));
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
    for (name, bytes, channels, rate, length_tolerance) in every_format(folder.path())? {
        let sid = request_sid();
        let answer = upload(&receiver, &sid, bytes)?.send(service.address()).await?;
        ensure!(answer.status == 202, "{name}: {}", answer.text());
        assert_accepted(&answer);
        let result = receiver.wait_for(&sid).await?.json()?;
        let acoustics = &result["results"]["acoustics"];
        let lufs = -3.01 + 20.0 * AMPLITUDE.log10() + 10.0 * f64::from(channels).log10();
        // Eight channels are a surround layout to the standard, which leaves some of them out.
        let alike = channels == 8 || near(&acoustics["integrated_lufs"], lufs, 0.5);
        assert!(alike, "{name} at {rate} Hz is not {lufs} LUFS: {acoustics}");
        assert!(
            near(&acoustics["duration_seconds"], SECONDS, length_tolerance),
            "{name}: {acoustics}"
        );
        assert_eq!(acoustics["channels"], channels, "{name}");
        assert_eq!(acoustics["sample_rate_hertz"], rate, "{name}");
        assert!(
            near(
                &acoustics["peak_dbfs"],
                20.0 * AMPLITUDE.log10(),
                PEAK_TOLERANCE_DECIBELS
            ),
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
