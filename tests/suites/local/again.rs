//! The same request SID again, on both databases: as little as possible is done twice, and nothing is left undone.

use anyhow::Result;
use futures::future::try_join_all;
use marketplace_tests::addon::{home_on, homes, request_sid, twilio};
use marketplace_tests::callback::{CallbackReceiver, Reply};
use marketplace_tests::patience::until;
use marketplace_tests::postgres::Postgres;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{File, FileOrder, Payload, Sdk, SignedRequest, pairs};

use super::recording::{PATH, assert_accepted, short_wav, until_nothing_is_kept, upload};
use super::sms::json_of;

/// A recording under this SID whose callback goes to another name.
fn elsewhere(receiver: &CallbackReceiver, sid: &str, name: &str) -> Result<SignedRequest> {
    let payload = Payload::recording(&receiver.url(name), short_wav(), FileOrder::Last);
    twilio(Sdk::Node).request(PATH, sid, payload)
}

/// What is due later is done later: when the callback of a new request has come, no earlier one is on its way.
async fn let_everything_arrive(service: &Service<'_>, receiver: &CallbackReceiver) -> Result<()> {
    let fence = request_sid();
    assert_accepted(&upload(receiver, &fence, short_wav())?.send(service.address()).await?);
    receiver.wait_for(&fence).await?;
    Ok(())
}

async fn makes_one_job(home: &Home) -> Result<()> {
    let service = Service::start(home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    let request = upload(&receiver, &sid, short_wav())?;
    let at_once = (0..4).map(|_| request.send(service.address()));
    for answer in try_join_all(at_once).await? {
        assert_accepted(&answer);
    }
    assert_accepted(&request.send(service.address()).await?);
    receiver.wait_for(&sid).await?;
    until_nothing_is_kept(home).await?;
    assert_accepted(&request.send(service.address()).await?);
    let_everything_arrive(&service, &receiver).await?;
    assert_eq!(receiver.deliveries_of(&sid).len(), 1);
    Ok(())
}

#[tokio::test]
async fn makes_one_job_of_a_request_that_comes_again() -> Result<()> {
    for home in homes()? {
        makes_one_job(&home).await?;
    }
    Ok(())
}

async fn refuses_other_fields(home: &Home) -> Result<()> {
    let service = Service::start(home).await?;
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
async fn refuses_other_fields_under_the_same_request_sid() -> Result<()> {
    for home in homes()? {
        refuses_other_fields(&home).await?;
    }
    Ok(())
}

async fn delivers_once_more_elsewhere(home: &Home) -> Result<()> {
    let service = Service::start(home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let (sid, other) = (request_sid(), request_sid());
    assert_accepted(&upload(&receiver, &sid, short_wav())?.send(service.address()).await?);
    let first = receiver.wait_for(&sid).await?;
    assert_accepted(&elsewhere(&receiver, &sid, &other)?.send(service.address()).await?);
    let second = receiver.wait_for(&other).await?;
    assert_eq!(first.body, second.body, "the stored result, and no new one");
    assert_eq!(first.header("idempotency-key"), second.header("idempotency-key"));
    let_everything_arrive(&service, &receiver).await?;
    assert_eq!(receiver.deliveries().len(), 3);
    Ok(())
}

#[tokio::test]
async fn delivers_a_confirmed_result_once_more_to_another_callback() -> Result<()> {
    for home in homes()? {
        delivers_once_more_elsewhere(&home).await?;
    }
    Ok(())
}

async fn delivers_what_was_rejected(home: &Home) -> Result<()> {
    let service = Service::start(home).await?;
    // A redirect is never followed, and ends the delivery.
    let receiver = CallbackReceiver::start(&[Reply::Status(302)]).await?;
    let sid = request_sid();
    let request = upload(&receiver, &sid, short_wav())?;
    assert_accepted(&request.send(service.address()).await?);
    until("the result is rejected", async || {
        let rejected = service.metrics().await?.contains("outcome=\"rejected\"");
        Ok(rejected.then_some(()))
    })
    .await?;
    assert_accepted(&request.send(service.address()).await?);
    let all = receiver.wait("a second delivery", |all| all.len() == 2).await?;
    assert_eq!(all[0].body, all[1].body);
    Ok(())
}

#[tokio::test]
async fn delivers_a_result_again_that_was_not_confirmed() -> Result<()> {
    for home in homes()? {
        delivers_what_was_rejected(&home).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_unfinished_job_takes_the_callback_and_the_audio_of_the_repetition() -> Result<()> {
    let home = home_on(Postgres::shared()?)?;
    let (sid, other) = (request_sid(), request_sid());
    let receiver = CallbackReceiver::start(&[]).await?;
    let front = Service::start_as(&home, "front").await?;
    assert_accepted(&upload(&receiver, &sid, short_wav())?.send(front.address()).await?);
    let before = home.data_files("audio");
    assert_accepted(&elsewhere(&receiver, &sid, &other)?.send(front.address()).await?);
    let after = home.data_files("audio");
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after, "the newer audio is the one that is kept");
    let beside = home.shared();
    let _worker = Service::start_as(&beside, "worker").await?;
    receiver.wait_for(&other).await?;
    let_everything_arrive(&front, &receiver).await?;
    assert!(receiver.deliveries_of(&sid).is_empty());
    Ok(())
}
