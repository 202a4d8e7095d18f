//! A recording comes in, 202 goes out, and what was heard in it goes to the callback.

use anyhow::{Result, bail};
use bytes::Bytes;
use marketplace_tests::addon::{ACCOUNT_SID, ADDON_SID, AUTH_TOKEN, home, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::Answer;
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{AddonSids, File, FileOrder, Payload, Sdk, SignedRequest, pairs};
use serde_json::{Value, json};

use super::bounds::until_counted;
use super::sms::json_of;

/// The endpoint of the suites' add-on that takes recordings.
pub const PATH: &str = "/transcription";

/// Just over half a second.
pub fn short_wav() -> Bytes {
    Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.6).wav()
}

/// A recording whose callback URL is named by its request SID.
pub fn upload(receiver: &CallbackReceiver, sid: &str, wav: Bytes) -> Result<SignedRequest> {
    twilio(Sdk::Node).request(PATH, sid, Payload::recording(&receiver.url(sid), wav, FileOrder::Last))
}

/// 202 and nothing else.
pub fn assert_accepted(answer: &Answer) {
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.header("content-length"), Some("0"));
    assert_eq!(
        (answer.header("transfer-encoding"), answer.body.as_slice()),
        (None, &b""[..])
    );
}

/// Sends it until it is accepted: Twilio repeats what was reset or got a 5xx.
pub async fn until_accepted(request: &SignedRequest, home: &Home) -> Result<()> {
    until("an upload is accepted", async || {
        match request.send(home.address()).await {
            Ok(answer) if answer.status == 202 => Ok(Some(())),
            Ok(answer) if answer.status != 503 => bail!("an upload got {}", answer.status),
            Ok(_) | Err(_) => Ok(None),
        }
    })
    .await
}

/// Nothing of a refused upload stays behind.
pub async fn until_nothing_is_kept(home: &Home) -> Result<()> {
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
    until_counted(&service, "body_broken").await?;
    assert!(receiver.deliveries().is_empty());
    Ok(())
}
