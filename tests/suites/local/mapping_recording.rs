//! What a request says of its recording: in which form it comes, how large it is, what its samples are, of which kind, and
//! whether it is meant.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use marketplace_tests::addon::{home_of, manifest_of, recording_endpoint, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{File, FileOrder, Payload, Sdk, SignedRequest, pairs};
use serde_json::{Value, json};

use super::recording::assert_accepted;
use super::sms::json_of;

const WAV_HEADER_BYTES: usize = 44;

fn wav() -> Bytes {
    Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.6).wav()
}

fn fields() -> Value {
    json!({
        "audio": "data", "callback": "to", "size": "size", "format": "format", "sampleSize": "bytes", "sampleRate": "rate",
        "channels": "channels", "duration": "duration", "testFlag": "test", "integrationKey": "kind", "requestSid": "sid",
    })
}

fn upload(path: &str, fields: &[(&str, &str)], audio: Bytes) -> Result<SignedRequest> {
    let payload = Payload::Multipart {
        fields: pairs(fields),
        file: Some(File {
            field: "data".to_owned(),
            bytes: audio,
        }),
        order: FileOrder::First,
    };
    twilio(Sdk::Node).request(path, &request_sid(), payload)
}

#[tokio::test]
async fn takes_a_recording_in_base64() -> Result<()> {
    let fields = json!({ "audio": "/recording/data", "callback": "/recording/to" });
    let home = home_of(&manifest_of(json!([
        recording_endpoint("json", &json!({ "encoding": "Json", "fields": fields })),
        recording_endpoint(
            "form",
            &json!({ "encoding": "Form", "fields": { "audio": "data", "callback": "to" } })
        ),
    ])))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let text = STANDARD.encode(wav());
    for sdk in Sdk::ALL {
        for path in ["json", "form"] {
            let sid = request_sid();
            let send = |text: &str, to: &str| {
                let payload = match path {
                    "json" => Payload::Json(json!({ "recording": { "data": text, "to": to } }).to_string()),
                    _ => Payload::Form(pairs(&[("data", text), ("to", to)])),
                };
                twilio(sdk).request(path, &sid, payload)
            };
            let request = send(&text, &receiver.url(&sid))?;
            assert_accepted(&request.send(service.address()).await?);
            let result = receiver.wait_for(&sid).await?.json()?;
            assert_eq!(
                result["results"]["acoustics"]["duration_seconds"],
                json!(0.6),
                "{sdk:?} {path}"
            );
            for (text, expected) in [
                ("no base64!", "audio_unreadable"),
                ("UklGRg==", "audio_unreadable"),
                ("", "audio_missing"),
            ] {
                let answer = send(text, &receiver.url(&sid))?.send(service.address()).await?;
                assert_eq!(json_of(&answer)?["error_code"], expected, "{sdk:?} {path} {text}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn reads_samples_without_a_header_as_they_are_described() -> Result<()> {
    let home = home_of(&manifest_of(json!([recording_endpoint(
        "recordings",
        &json!({ "encoding": "Multipart", "fields": { "audio": "data", "callback": "to", "format": "format", "sampleSize": "bytes",
                 "sampleRate": "rate", "channels": "channels" } }),
    )])))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let samples = wav().slice(WAV_HEADER_BYTES..);
    let swapped: Bytes = samples.chunks_exact(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    let mut peaks = Vec::new();
    for (what, described, audio, seconds) in [
        ("a file", &[("format", "audio/x-wav")][..], wav(), 0.6),
        (
            "samples as documented",
            &[
                ("format", "SIGNED_16BIT_SLINER"),
                ("rate", "8000"),
                ("channels", "1"),
                ("bytes", "2"),
            ],
            samples.clone(),
            0.6,
        ),
        (
            "samples of the network",
            &[("format", "audio/L16;rate=8000")],
            swapped,
            0.6,
        ),
        (
            "two channels",
            &[("format", "PCM"), ("rate", "8000"), ("channels", "2")],
            samples.clone(),
            0.3,
        ),
        (
            "a file that is called samples",
            &[("format", "SIGNED_16BIT_SLINER"), ("rate", "8000")],
            wav(),
            0.6,
        ),
        ("no samples", &[("format", "PCM"), ("rate", "8000")], Bytes::new(), 0.0),
    ] {
        let name = request_sid();
        let url = receiver.url(&name);
        let described = [&[("to", url.as_str())], described].concat();
        let answer = upload("/recordings", &described, audio)?
            .send(service.address())
            .await?;
        assert_accepted(&answer);
        let result = receiver.wait_for(&name).await?.json()?;
        let acoustics = &result["results"]["acoustics"];
        assert_eq!(acoustics["duration_seconds"], json!(seconds), "{what}: {result}");
        peaks.push(acoustics["true_peak_dbtp"].clone());
    }
    assert!(
        peaks[..3].iter().all(|peak| *peak == peaks[0]),
        "the same sound in three forms: {peaks:?}"
    );
    for (what, described, audio, word) in [
        ("no description", &[][..], samples.clone(), "audio_unreadable"),
        ("no rate", &[("format", "PCM")], samples.clone(), "field_missing"),
        (
            "no number",
            &[("format", "PCM"), ("rate", "fast")],
            samples.clone(),
            "field_invalid",
        ),
        (
            "half a frame",
            &[("format", "PCM"), ("rate", "8000")],
            samples.slice(..samples.len() - 1),
            "audio_unreadable",
        ),
    ] {
        let url = receiver.url("refused");
        let described = [&[("to", url.as_str())], described].concat();
        let answer = upload("/recordings", &described, audio)?
            .send(service.address())
            .await?;
        assert_eq!(json_of(&answer)?["error_code"], word, "{what}");
    }
    assert!(home.data_files("quarantine").is_empty());
    Ok(())
}

#[tokio::test]
async fn asks_for_a_recording_again_that_did_not_come_whole() -> Result<()> {
    let home = home_of(&manifest_of(json!([recording_endpoint(
        "recordings",
        &json!({ "encoding": "Multipart", "fields": { "audio": "data", "callback": "to", "size": "size" } }),
    )])))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (url, size) = (receiver.url("whole"), wav().len().to_string());
    let (fewer, more) = ((wav().len() - 1).to_string(), (wav().len() + 1).to_string());
    for wrong in [&fewer, &more] {
        let request = upload("/recordings", &[("to", &url), ("size", wrong)], wav())?;
        assert_eq!(request.send(service.address()).await?.status, 503, "{wrong}");
    }
    let metrics = service.metrics().await?;
    assert!(metrics.contains("reason=\"audio_size_mismatch\"} 2"), "{metrics}");
    assert!(
        [home.data_files("quarantine"), home.data_files("audio")]
            .concat()
            .is_empty()
    );
    let unread = upload("/recordings", &[("to", &url), ("size", "much")], wav())?;
    assert_eq!(
        json_of(&unread.send(service.address()).await?)?["error_code"],
        "field_invalid"
    );
    assert_accepted(
        &upload("/recordings", &[("to", &url), ("size", &size)], wav())?
            .send(service.address())
            .await?,
    );
    receiver.wait_for("whole").await?;
    Ok(())
}

#[tokio::test]
async fn reads_a_test_request_and_keeps_nothing_of_it() -> Result<()> {
    let request = |flag: &str| json!({ "encoding": "Multipart", "fields": { "audio": "data", "callback": "to", "testFlag": flag } });
    let home = home_of(&manifest_of(json!([
        recording_endpoint("by-field", &request("test")),
        recording_endpoint("by-header", &request("header:X-Test-Request")),
    ])))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let url = receiver.url("test");
    let by_field = |fields: &[(&str, &str)], audio| upload("/by-field", fields, audio);
    for request in [
        by_field(&[("to", &url), ("test", "yes")], wav())?,
        // As the client of the examples does, which awaits no callback.
        by_field(&[("to", ""), ("test", "yes")], wav())?,
        upload("/by-header", &[("to", &url)], wav())?.with_header("x-test-request", "yes"),
    ] {
        assert_accepted(&request.send(service.address()).await?);
        assert!(
            [home.data_files("quarantine"), home.data_files("audio")]
                .concat()
                .is_empty()
        );
    }
    for (request, word) in [
        (
            by_field(&[("to", &url), ("test", "yes")], Bytes::from_static(b"hello"))?,
            "audio_unreadable",
        ),
        (
            by_field(&[("to", "https://evil.example.com/"), ("test", "yes")], wav())?,
            "callback_not_allowed",
        ),
        (by_field(&[("to", ""), ("test", "no")], wav())?, "field_missing"),
    ] {
        assert_eq!(json_of(&request.send(service.address()).await?)?["error_code"], word);
    }
    let fence = receiver.url("fence");
    assert_accepted(
        &by_field(&[("to", &fence), ("test", "no")], wav())?
            .send(service.address())
            .await?,
    );
    receiver.wait_for("fence").await?;
    assert_eq!(receiver.deliveries().len(), 1, "a test has no callback");
    Ok(())
}

#[tokio::test]
async fn repeats_in_the_result_what_kind_it_was_and_what_the_customer_chose() -> Result<()> {
    let mut endpoint = recording_endpoint(
        "recordings",
        &json!({ "encoding": "Multipart", "fields": fields(), "configuration": { "language": "source_language" } }),
    );
    endpoint["integrationKeys"] = json!(["RECORDING_VERB", "RECORDING_DIAL"]);
    let home = home_of(&manifest_of(json!([endpoint])))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let url = receiver.url("dial");
    let sent = [
        ("to", url.as_str()),
        ("kind", "RECORDING_DIAL"),
        ("source_language", "de"),
        ("unknown", "x"),
    ];
    assert_accepted(&upload("/recordings", &sent, wav())?.send(service.address()).await?);
    let result = receiver.wait_for("dial").await?.json()?;
    assert_eq!(
        (&result["integration_key"], &result["configuration"]),
        (&json!("RECORDING_DIAL"), &json!({ "language": "de" }))
    );
    let series = "endpoint=\"recordings\",integration_key=\"RECORDING_DIAL\"} 1";
    assert!(service.metrics().await?.contains(series));
    for (kind, word) in [
        ("RECORDING_API", "integration_key_not_accepted"),
        ("RECORDING_FAX", "integration_key_not_accepted"),
        ("", "field_missing"),
    ] {
        let answer = upload("/recordings", &[("to", &url), ("kind", kind)], wav())?
            .send(service.address())
            .await?;
        assert_eq!(json_of(&answer)?["error_code"], word, "{kind}");
    }
    Ok(())
}

#[tokio::test]
async fn a_signed_request_sid_counts_and_the_header_does_not() -> Result<()> {
    let home = home_of(&manifest_of(json!([recording_endpoint(
        "recordings",
        &json!({ "encoding": "Multipart", "fields": { "audio": "data", "callback": "to", "requestSid": "sid" } }),
    )])))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (url, fence) = (receiver.url("once"), receiver.url("fence"));
    let request = upload("/recordings", &[("to", &url), ("sid", "MR-of-the-field")], wav())?;
    assert_accepted(&request.send(service.address()).await?);
    let result = receiver.wait_for("once").await?.json()?;
    assert_eq!(result["request_sid"], "MR-of-the-field");
    // Whoever has seen it sends it again under other SIDs: it stays the one job that it was.
    for sid in ["MR1", "MR2"] {
        let replayed = request.clone().with_header("X-Twilio-RequestSid", sid);
        assert_accepted(&replayed.send(service.address()).await?);
    }
    let other = upload("/recordings", &[("to", &fence), ("sid", "MR-of-another")], wav())?;
    assert_accepted(&other.send(service.address()).await?);
    receiver.wait_for("fence").await?;
    assert_eq!(receiver.deliveries_of("once").len(), 1);
    Ok(())
}
