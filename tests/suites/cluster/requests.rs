//! The whole path on real parts: `kubectl apply`, then requests that Twilio's own libraries signed.

use anyhow::Result;
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::cluster::scene::{ACCOUNT_SID, AUTH_TOKEN, KNOWN, recording_addon, sms_addon};
use marketplace_tests::cluster::{Scene, operator};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::json;

fn phone() -> Payload {
    Payload::Query(vec![("phone".to_owned(), KNOWN.to_owned())])
}

#[tokio::test]
async fn a_message_that_twilio_signed_is_answered_and_a_forged_one_is_not() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("message").await?;
    scene.run(&sms_addon("florist")).await?;
    let address = scene.address("florist").await?;
    for sdk in Sdk::ALL {
        let twilio = scene.twilio(sdk);
        let answer = twilio.request("/incoming-sms", "XR1", phone())?.send(address).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let results = json!({"customer_name": "Ada Lovelace", "customer_type": "gold"});
        assert_eq!(
            answer.json()?,
            json!({"phone_number": KNOWN, "results": results, "error_code": null})
        );

        let forged = twilio
            .request("/incoming-sms", "XR2", phone())?
            .with_header("X-Twilio-Signature", "0FqS203W44/lM2UEM+51hRzwat4=");
        assert_eq!(forged.send(address).await?.status, 403);
        let unsigned = twilio
            .request("/incoming-sms", "XR3", phone())?
            .without_header("X-Twilio-Signature");
        assert_eq!(unsigned.send(address).await?.status, 403);
    }
    scene.end().await
}

#[tokio::test]
async fn a_recording_is_accepted_and_its_result_called_back_once() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("recording").await?;
    scene.run(&recording_addon("insights")).await?;
    let address = scene.address("insights").await?;
    let receiver = scene.callbacks(&[]).await?;
    let wav = Recording::new(2, 8000)
        .then(
            Sound::Tone {
                hertz: 440.0,
                amplitude: 0.5,
            },
            3.0,
        )
        .then(Sound::Silence, 1.0)
        .wav();
    let twilio = scene.twilio(Sdk::Node);
    let send = async |sid: &str, name: &str| {
        let payload = Payload::recording(&receiver.url(name), wav.clone(), FileOrder::Last);
        twilio.request("/transcription", sid, payload)?.send(address).await
    };

    let answer = send("XR1", "one").await?;
    assert_eq!(
        (answer.status, answer.body.len(), answer.header("content-length")),
        (202, 0, Some("0")),
        "{}",
        answer.text()
    );
    let delivery = receiver.wait_for("one").await?;
    assert_eq!(delivery.credentials(), Some(format!("{ACCOUNT_SID}:{AUTH_TOKEN}")));
    let acoustics = &delivery.json()?["results"]["acoustics"];
    assert_eq!(
        (&acoustics["channels"], &acoustics["duration_seconds"]),
        (&json!(2), &json!(4.0))
    );

    // the same again, and then another: when the other's result is there, no second one of the first came before it
    assert_eq!(send("XR1", "one").await?.status, 202);
    assert_eq!(send("XR2", "two").await?.status, 202);
    receiver.wait_for("two").await?;
    assert_eq!(receiver.deliveries_of("one").len(), 1);
    scene.end().await
}
