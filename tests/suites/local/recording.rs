//! A recording comes in, 202 goes out, and what was heard in it goes to the callback.

use anyhow::Result;
use bytes::Bytes;
use marketplace_tests::addon::{ACCOUNT_SID, ADDON_SID, AUTH_TOKEN, home, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::Answer;
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{AddonSids, File, FileOrder, Payload, Sdk, SignedRequest, pairs};
use serde_json::{Value, json};

use super::sms::json_of;

const PATH: &str = "/transcription";

fn short_wav() -> Bytes {
    Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.6).wav()
}

fn upload(receiver: &CallbackReceiver, sid: &str, wav: Bytes) -> Result<SignedRequest> {
    twilio(Sdk::Node).request(PATH, sid, Payload::recording(&receiver.url(sid), wav, FileOrder::Last))
}

fn assert_accepted(answer: &Answer) {
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.header("content-length"), Some("0"));
    assert_eq!(
        (answer.header("transfer-encoding"), answer.body.as_slice()),
        (None, &b""[..])
    );
}

/// Nothing of a refused upload stays behind.
async fn until_nothing_is_kept(home: &Home) -> Result<()> {
    until("neither quarantine nor spool hold a file", async || {
        let left = [home.data_files("quarantine"), home.data_files("audio")].concat();
        Ok(left.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn serves_the_examples_own_client_once_it_signs() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    for (sdk, order) in [
        (Sdk::Node, FileOrder::Last),
        (Sdk::Node, FileOrder::First),
        (Sdk::Python, FileOrder::Last),
        (Sdk::Python, FileOrder::First),
    ] {
        let sid = request_sid();
        let fields = [
            ("callback", receiver.url(&sid)),
            ("channels", "2".to_owned()),
            ("duration", "4".to_owned()),
            ("format", "audio/x-wav".to_owned()),
            ("test", "yes".to_owned()),
        ];
        let payload = Payload::Multipart {
            fields: fields.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            file: Some(File {
                field: "audio-data".to_owned(),
                bytes: short_wav(),
            }),
            order,
        };
        let mut request = twilio(sdk)
            .request(PATH, &sid, payload)?
            .with_header("x-test-request", "yes");
        for (name, _) in &mut request.headers {
            name.make_ascii_lowercase();
        }
        assert_accepted(&request.send(service.address()).await?);
        let delivery = receiver.wait_for(&sid).await?;
        assert_eq!(
            delivery.credentials(),
            Some(format!("{ACCOUNT_SID}:{AUTH_TOKEN}")),
            "{sdk:?} {order:?}"
        );
        assert_eq!(delivery.header("content-type"), Some("application/json"));
        assert_eq!(
            delivery.header("content-length"),
            Some(delivery.body.len().to_string().as_str())
        );
        let result = delivery.json()?;
        assert_eq!(
            (&result["request_sid"], &result["error_code"]),
            (&json!(sid), &Value::Null),
            "{sdk:?} {order:?}"
        );
        assert_eq!(result["results"]["acoustics"]["duration_seconds"], json!(0.6));
    }
    Ok(())
}

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

#[tokio::test]
async fn makes_one_job_of_a_request_that_comes_again() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (sid, fence) = (request_sid(), request_sid());
    let request = upload(&receiver, &sid, short_wav())?;
    assert_accepted(&request.send(service.address()).await?);
    assert_accepted(&request.send(service.address()).await?);
    receiver.wait_for(&sid).await?;
    until_nothing_is_kept(&home).await?;
    assert_accepted(&request.send(service.address()).await?);
    // What is due later is done later: when its callback has come, no other is on its way.
    assert_accepted(&upload(&receiver, &fence, short_wav())?.send(service.address()).await?);
    receiver.wait_for(&fence).await?;
    assert_eq!(receiver.deliveries_of(&sid).len(), 1);
    Ok(())
}

#[tokio::test]
async fn refuses_other_fields_under_the_same_request_sid() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    assert_accepted(&upload(&receiver, &sid, short_wav())?.send(service.address()).await?);
    let payload = Payload::Multipart {
        fields: pairs(&[("callback", &receiver.url(&sid)), ("channels", "1")]),
        file: Some(File {
            field: "audio-data".to_owned(),
            bytes: short_wav(),
        }),
        order: FileOrder::Last,
    };
    let answer = twilio(Sdk::Python)
        .request(PATH, &sid, payload)?
        .send(service.address())
        .await?;
    assert_eq!(json_of(&answer)?["error_code"], "request_sid_reused");
    Ok(())
}

#[tokio::test]
async fn refuses_with_200_and_a_word_what_it_cannot_work_on() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (allowed, wav) = (receiver.url("refused"), short_wav());
    let own = Some(ADDON_SID.to_owned());
    let other = Some("XBffffffffffffffffffffffffffffffff".to_owned());
    let cut_short = wav.slice(..wav.len() - 100);
    for (what, addon, callback, audio, word) in [
        (
            "no audio at all",
            &own,
            allowed.as_str(),
            Some(Bytes::from_static(b"hello")),
            "audio_unreadable",
        ),
        ("an empty file", &own, &allowed, Some(Bytes::new()), "audio_unreadable"),
        (
            "audio that ends too early",
            &own,
            &allowed,
            Some(cut_short),
            "audio_unreadable",
        ),
        ("no file part", &own, &allowed, None, "audio_missing"),
        (
            "a host that is not allowed",
            &own,
            "https://evil.example.com/",
            Some(wav.clone()),
            "callback_not_allowed",
        ),
        (
            "an address not allowed",
            &own,
            "http://127.0.0.2:80/",
            Some(wav.clone()),
            "callback_not_allowed",
        ),
        (
            "credentials in a URL",
            &own,
            "http://a:b@127.0.0.1/",
            Some(wav.clone()),
            "callback_not_allowed",
        ),
        ("no URL", &own, "callback", Some(wav.clone()), "callback_not_allowed"),
        ("an empty callback", &own, "", Some(wav.clone()), "field_missing"),
        ("another add-on", &other, &allowed, Some(wav.clone()), "another_addon"),
    ] {
        let sids = AddonSids {
            addon: addon.clone(),
            request: Some(request_sid()),
        };
        let payload = Payload::Multipart {
            fields: pairs(&[("callback", callback), ("format", "audio/x-wav")]),
            file: audio.map(|bytes| File {
                field: "audio-data".to_owned(),
                bytes,
            }),
            order: FileOrder::First,
        };
        let answer = twilio(Sdk::Node)
            .request_of(&sids, PATH, payload)?
            .send(service.address())
            .await?;
        let answer = json_of(&answer)?;
        assert_eq!(
            (&answer["error_code"], &answer["results"]),
            (&json!(word), &Value::Null),
            "{what}"
        );
        until_nothing_is_kept(&home).await?;
    }
    assert!(receiver.deliveries().is_empty());
    Ok(())
}

#[tokio::test]
async fn keeps_nothing_of_an_upload_that_is_forged() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (sid, signature) = (request_sid(), "0FqS203W44/lM2UEM+51hRzwat4=");
    let request = upload(&receiver, &sid, short_wav())?.with_header("X-Twilio-Signature", signature);
    assert_eq!(request.send(service.address()).await?.status, 403);
    until_nothing_is_kept(&home).await
}

#[tokio::test]
async fn keeps_nothing_of_an_upload_that_breaks_off() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let wav = Recording::new(1, 8000)
        .then(Sound::Noise { amplitude: 0.2 }, 20.0)
        .wav();
    let (sid, half) = (request_sid(), wav.len() / 2);
    let begun = upload(&receiver, &sid, wav)?.begin(service.address(), half).await?;
    until("the quarantine holds the first half", async || {
        Ok((!home.data_files("quarantine").is_empty()).then_some(()))
    })
    .await?;
    drop(begun);
    until_nothing_is_kept(&home).await?;
    assert!(receiver.deliveries().is_empty());
    Ok(())
}
