//! What is in a recording, a partner's own code says; its results go to the callback as those of an analysis of ours do.

use anyhow::Result;
use marketplace_tests::addon::{home_of, manifest_of, recording_endpoint, request_sid, twilio};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::partner::{Doing, Example, Obedient, Running};
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::{Value, json};

use super::recording::{assert_accepted, short_wav};

fn home(url: &str, breaker: &Value) -> Result<Home> {
    let request = json!({"encoding": "Multipart", "fields": {"audio": "audio-data", "callback": "callback"}});
    let mut endpoint = recording_endpoint("recordings", &request);
    endpoint["handler"] = json!({"http": {"url": url, "allowInsecure": true, "breaker": breaker}});
    home_of(&manifest_of(json!([endpoint])))
}

async fn send(service: &Service<'_>, receiver: &CallbackReceiver) -> Result<String> {
    let sid = request_sid();
    let payload = Payload::recording(&receiver.url(&sid), short_wav(), FileOrder::First);
    let answer = twilio(Sdk::Node)
        .request("/recordings", &sid, payload)?
        .send(service.address())
        .await?;
    assert_accepted(&answer);
    Ok(sid)
}

#[tokio::test]
async fn every_example_is_sent_the_audio_whole() -> Result<()> {
    for example in Example::ALL {
        let partner = Running::start(example).await?;
        let home = home(&partner.url(), &json!({}))?;
        let service = Service::start(&home).await?;
        let receiver = CallbackReceiver::start(&[]).await?;
        let sid = send(&service, &receiver).await?;
        let result = receiver.wait_for(&sid).await?.json()?;
        let expected = json!({
            "schema_version": 1,
            "request_sid": sid, "endpoint": "recordings", "error_code": null,
            "results": {"bytes": short_wav().len(), "seconds": 0.6},
        });
        assert_eq!(result, expected, "{example:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_partner_that_is_away_is_waited_for_and_loses_nothing() -> Result<()> {
    let partner = Obedient::start(Doing::Answer(503, String::new())).await?;
    let home = home(&partner.url(), &json!({"failures": 2, "openSeconds": 1}))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = send(&service, &receiver).await?;
    until("more tries than a job has attempts", async || {
        let metrics = service.metrics().await?;
        let postponed = metrics.lines().find(|line| line.contains("outcome=\"postponed\""));
        let times = postponed.and_then(|line| line.split(' ').next_back()?.parse::<u32>().ok());
        Ok(times.filter(|times| *times > 5))
    })
    .await?;
    assert!(receiver.deliveries().is_empty());
    partner.does(Doing::Answer(200, "{\"late\": true}".to_owned()));
    let result = receiver.wait_for(&sid).await?.json()?;
    assert_eq!(
        (&result["results"], &result["error_code"]),
        (&json!({"late": true}), &Value::Null)
    );
    let asked = partner.asked();
    assert!(
        asked
            .iter()
            .all(|asked| asked.headers["idempotency-key"] == sid.as_str())
    );
    Ok(())
}

#[tokio::test]
async fn a_partner_that_does_not_want_a_recording_ends_it_and_one_that_fails_on_it_is_asked_again() -> Result<()> {
    for (doing, most, error_code) in [
        (Doing::Answer(422, String::new()), 1, "handler_failed"),
        (Doing::Redirect, 1, "handler_failed"),
        (Doing::Answer(200, "garbage".to_owned()), 5, "handler_failed"),
        (Doing::Answer(500, String::new()), 5, "handler_failed"),
    ] {
        let partner = Obedient::start(doing.clone()).await?;
        let home = home(&partner.url(), &json!({"failures": 1000}))?;
        let service = Service::start(&home).await?;
        let receiver = CallbackReceiver::start(&[]).await?;
        let sid = send(&service, &receiver).await?;
        let result = receiver.wait_for(&sid).await?.json()?;
        assert_eq!(
            (&result["results"], &result["error_code"]),
            (&Value::Null, &json!(error_code)),
            "{doing:?}"
        );
        assert_eq!(partner.asked().len(), most, "{doing:?}");
    }
    Ok(())
}

#[tokio::test]
async fn work_that_a_partner_has_is_taken_up_by_the_next_process() -> Result<()> {
    let partner = Obedient::start(Doing::Hang).await?;
    let home = home(&partner.url(), &json!({}))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = send(&service, &receiver).await?;
    until("the partner has it", async || {
        Ok((!partner.asked().is_empty()).then_some(()))
    })
    .await?;
    service.kill()?;
    partner.does(Doing::Answer(200, "{\"again\": true}".to_owned()));
    let _service = Service::start(&home).await?;
    let result = receiver.wait_for(&sid).await?.json()?;
    assert_eq!(result["results"], json!({"again": true}));
    Ok(())
}
