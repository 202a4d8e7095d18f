//! What becomes of a result whose receiver does not take it at once.

use anyhow::Result;
use marketplace_tests::addon::{ACCOUNT_SID, AUTH_TOKEN, home, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::{CallbackReceiver, Delivery, Reply};
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};

const NEXT_TOKEN: &str = "ffeeddccbbaa99887766554433221100";

async fn send_one(service: &Service<'_>, receiver: &CallbackReceiver) -> Result<String> {
    let sid = request_sid();
    let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.5).wav();
    let payload = Payload::recording(&receiver.url(&sid), wav, FileOrder::Last);
    let answer = twilio(Sdk::Python)
        .request("/transcription", &sid, payload)?
        .send(service.address())
        .await?;
    assert_eq!(answer.status, 202);
    Ok(sid)
}

/// The callbacks to one receiver, when there are as many as wanted; one more request shows that no other follows.
async fn deliveries(first_replies: &[Reply], wanted: usize) -> Result<Vec<Delivery>> {
    let home = home()?;
    home.write_secret("twilio", "AUTH_TOKEN_SECONDARY", NEXT_TOKEN)?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(first_replies).await?;
    let sid = send_one(&service, &receiver).await?;
    receiver.wait("every try", |all| all.len() >= wanted).await?;
    let fence = send_one(&service, &receiver).await?;
    receiver.wait_for(&fence).await?;
    Ok(receiver.deliveries_of(&sid))
}

#[tokio::test]
async fn tries_again_with_the_same_result_when_the_receiver_fails() -> Result<()> {
    for reply in [500, 503, 404, 408] {
        let tries = deliveries(&[Reply::Status(reply)], 2).await?;
        assert_eq!(tries.len(), 2, "after {reply}");
        assert_eq!(tries[0].body, tries[1].body, "after {reply}");
        assert!(tries[0].header("idempotency-key").is_some());
        assert_eq!(
            tries[0].header("idempotency-key"),
            tries[1].header("idempotency-key"),
            "after {reply}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn answers_a_401_with_the_other_token_once() -> Result<()> {
    let tries = deliveries(&[Reply::Status(401)], 2).await?;
    let credentials = tries.iter().map(Delivery::credentials).collect::<Vec<_>>();
    let expected = [AUTH_TOKEN, NEXT_TOKEN].map(|token| Some(format!("{ACCOUNT_SID}:{token}")));
    assert_eq!(credentials, expected);
    Ok(())
}

#[tokio::test]
async fn takes_no_for_an_answer_and_never_follows_a_redirect() -> Result<()> {
    for reply in [400, 403, 302] {
        assert_eq!(deliveries(&[Reply::Status(reply)], 1).await?.len(), 1, "after {reply}");
    }
    Ok(())
}

#[tokio::test]
async fn delivers_again_after_a_crash_what_was_sent_and_never_answered() -> Result<()> {
    let home = home()?;
    let receiver = CallbackReceiver::start(&[Reply::Hang]).await?;
    let service = Service::start(&home).await?;
    let sid = send_one(&service, &receiver).await?;
    receiver.wait_for(&sid).await?;
    service.kill()?;
    let _service = Service::start(&home).await?;
    receiver.wait("a second try", |all| all.len() >= 2).await?;
    let tries = receiver.deliveries_of(&sid);
    assert_eq!(tries[0].header("idempotency-key"), tries[1].header("idempotency-key"));
    Ok(())
}
