//! What is heard in a recording, for recordings of which that is known.

use anyhow::Result;
use bytes::Bytes;
use marketplace_tests::addon::{home, request_sid};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::service::Service;
use serde_json::{Value, json};

use super::recording::{assert_accepted, upload};

/// What was measured in a recording.
async fn acoustics_of(wav: Bytes) -> Result<Value> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    assert_accepted(&upload(&receiver, &sid, wav)?.send(service.address()).await?);
    let result = receiver.wait_for(&sid).await?.json()?;
    assert_eq!(
        (&result["endpoint"], &result["error_code"]),
        (&json!("recordings"), &Value::Null)
    );
    Ok(result["results"]["acoustics"].clone())
}

fn assert_near(figure: &Value, expected: f64, tolerance: f64, what: &str) {
    let near = figure
        .as_f64()
        .is_some_and(|figure| (figure - expected).abs() <= tolerance);
    assert!(near, "{what} is {figure}, want {expected} within {tolerance}");
}

#[tokio::test]
async fn measures_the_loudness_that_the_standard_gives_a_tone() -> Result<()> {
    // ITU-R BS.1770: a sine of 997 Hz at full scale on one channel has -3.01 LUFS; two channels have twice the power.
    let (amplitude, full_scale_lufs) = (0.25_f64, -3.01);
    let peak_dbfs = 20.0 * amplitude.log10();
    for (channels, rate_hertz) in [(1_u16, 8000), (2, 8000), (1, 16_000), (2, 16_000)] {
        let tone = Sound::Tone {
            hertz: 997.0,
            amplitude,
        };
        let acoustics = acoustics_of(Recording::new(channels, rate_hertz).then(tone, 3.0).wav()).await?;
        let case = format!("{channels} channels at {rate_hertz} Hz: {acoustics}");
        assert_eq!(
            (&acoustics["channels"], &acoustics["sample_rate_hertz"]),
            (&json!(channels), &json!(rate_hertz))
        );
        assert_eq!(acoustics["duration_seconds"], json!(3.0), "{case}");
        let lufs = full_scale_lufs + peak_dbfs + 10.0 * f64::from(channels).log10();
        assert_near(&acoustics["integrated_lufs"], lufs, 0.2, &case);
        assert_near(&acoustics["peak_dbfs"], peak_dbfs, 0.05, &case);
        assert_eq!(acoustics["silence"]["count"], json!(0), "{case}");
    }
    Ok(())
}

#[tokio::test]
async fn finds_the_silences_between_the_sounds() -> Result<()> {
    let noise = Sound::Noise { amplitude: 0.3 };
    let recording = Recording::new(2, 16_000)
        .seed(7)
        .then(noise, 2.0)
        .then(Sound::Silence, 1.5)
        .then(noise, 1.0);
    // Too short to count, and too loud to be silence.
    let recording = recording
        .then(Sound::Silence, 0.2)
        .then(noise, 1.0)
        .then(Sound::Noise { amplitude: 0.02 }, 1.0);
    let acoustics = acoustics_of(recording.then(Sound::Silence, 0.8).wav()).await?;
    assert_near(&acoustics["duration_seconds"], 7.5, 0.001, "the duration");
    let spans = acoustics["silence"]["spans"].as_array().cloned().unwrap_or_default();
    assert_eq!(
        (spans.len(), &acoustics["silence"]["count"]),
        (2, &json!(2)),
        "{acoustics}"
    );
    for (span, [start, end]) in spans.iter().zip([[2.0, 3.5], [6.7, 7.5]]) {
        assert_near(&span["start_seconds"], start, 0.02, "the start of a silence");
        assert_near(&span["end_seconds"], end, 0.02, "the end of a silence");
    }
    assert_near(&acoustics["silence"]["seconds"], 2.3, 0.04, "all silence");
    Ok(())
}

#[tokio::test]
async fn says_null_for_the_loudness_of_silence() -> Result<()> {
    let acoustics = acoustics_of(Recording::new(1, 8000).then(Sound::Silence, 2.0).wav()).await?;
    for member in ["integrated_lufs", "peak_dbfs"] {
        assert_eq!(acoustics[member], Value::Null, "{member} in {acoustics}");
    }
    assert_near(&acoustics["silence"]["ratio"], 1.0, 0.001, "the share of silence");
    assert_near(&acoustics["speech_ratio"], 0.0, 0.001, "the share of speech");
    Ok(())
}
