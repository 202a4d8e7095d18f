//! The audio in a bucket of a real S3 store: processes that share nothing else but a database, and what becomes of recordings
//! while the store does not answer or does not let us in.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, STORE, home_over, request_sid, twilio};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::get;
use marketplace_tests::minio::{KEYS, Minio};
use marketplace_tests::patience::until;
use marketplace_tests::postgres::Postgres;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, pairs};
use serde_json::Value;

use super::recording::{assert_accepted, short_wav, upload};
use super::rows::jobs_of;

fn home(store: &Minio, bucket: &str) -> Result<Home> {
    home_over(&Postgres::shared()?.schema()?, store, bucket)
}

async fn until_empty(store: &Minio, bucket: &str) -> Result<()> {
    until("nothing is left in the bucket", async || {
        Ok(store.objects(bucket)?.is_empty().then_some(()))
    })
    .await
}

async fn until_accepted(service: &Service<'_>, request: &SignedRequest) -> Result<()> {
    until("the recording is accepted", async || {
        Ok((request.send(service.address()).await?.status == 202).then_some(()))
    })
    .await
}

/// What the service tells of its storage, once it tells this.
async fn until_told(service: &Service<'_>, what: &str, matches: impl Fn(&Value) -> bool) -> Result<()> {
    until(what, async || {
        let told: Value = serde_json::from_slice(&get(service.admin(), "/storage").await?.body)?;
        Ok(matches(&told).then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_one_process_accepts_another_delivers_and_nothing_is_left() -> Result<()> {
    let store = Minio::shared()?;
    let bucket = store.bucket()?;
    let home = home(store, &bucket)?;
    let (beside, receiver) = (home.apart(), CallbackReceiver::start(&[]).await?);
    let front = Service::start_as(&home, "front").await?;
    let mut sids = Vec::new();
    for _ in 0..4 {
        let sid = request_sid();
        assert_accepted(&upload(&receiver, &sid, short_wav())?.send(front.address()).await?);
        sids.push(sid);
    }
    let kept = store.objects(&bucket)?;
    assert_eq!(kept.len(), sids.len());
    assert!(
        kept.iter()
            .all(|name| name.starts_with("tests/acme/caller-insights/audio/")),
        "{kept:?}"
    );
    assert!(home.data_files("quarantine").is_empty() && home.data_files("audio").is_empty());
    until_told(&front, "everything is reached", |told| {
        told["looked"] == true && told["database"].is_null() && told["audio"].is_null()
    })
    .await?;
    let worker = Service::start_as(&beside, "worker").await?;
    for sid in &sids {
        receiver.wait_for(sid).await?;
    }
    until_empty(store, &bucket).await?;
    assert!(beside.data_files("quarantine").is_empty(), "a copy is left");
    drop(worker);
    Ok(())
}

#[tokio::test]
async fn without_its_store_recordings_wait_and_everything_else_is_answered() -> Result<()> {
    let mut store = Minio::start()?;
    let bucket = store.bucket()?;
    let home = home(&store, &bucket)?;
    let (beside, receiver) = (home.apart(), CallbackReceiver::start(&[]).await?);
    let front = Service::start_as(&home, "front").await?;
    let early = request_sid();
    assert_accepted(&upload(&receiver, &early, short_wav())?.send(front.address()).await?);
    store.stop()?;

    let late = request_sid();
    let refused = upload(&receiver, &late, short_wav())?;
    assert_eq!(refused.send(front.address()).await?.status, 503);
    let question = Payload::Query(pairs(&[("phone", KNOWN)]));
    let question = twilio(Sdk::Node).request("/query", &request_sid(), question)?;
    assert_eq!(question.send(front.address()).await?.status, 200);
    // what was accepted before waits for the store, and is not given up
    let worker = Service::start_as(&beside, "worker").await?;
    until_told(&worker, "the store is missed", |told| {
        told["audio"] == "the store does not answer" && told["database"].is_null()
    })
    .await?;
    until("the job waits", async || {
        Ok(beside
            .log()
            .contains("the audio of a job is not readable")
            .then_some(()))
    })
    .await?;

    store.resume()?;
    until_accepted(&front, &refused).await?;
    for sid in [&early, &late] {
        let delivery = receiver.wait_for(sid).await?;
        let told = String::from_utf8_lossy(&delivery.body);
        assert!(told.contains(r#""error_code":null"#), "{told}");
    }
    until_empty(&store, &bucket).await?;
    until_told(&worker, "the store is found again", |told| told["audio"].is_null()).await?;
    assert!(jobs_of(&home).await?.iter().all(|job| job.state == "confirmed"));
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_pair_is_told_and_a_right_one_is_taken_without_a_restart() -> Result<()> {
    let store = Minio::shared()?;
    let bucket = store.bucket()?;
    let home = home(store, &bucket)?;
    home.write_secret(STORE, "AWS_SECRET_ACCESS_KEY", "not-the-storekeepers")?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let service = Service::start(&home).await?;
    let sid = request_sid();
    let request = upload(&receiver, &sid, short_wav())?;
    assert_eq!(request.send(service.address()).await?.status, 503);
    until_told(&service, "the refusal is told", |told| {
        told["audio"]
            .as_str()
            .is_some_and(|why| why.contains("SignatureDoesNotMatch"))
    })
    .await?;
    home.write_secret(STORE, "AWS_SECRET_ACCESS_KEY", KEYS.1)?;
    until_accepted(&service, &request).await?;
    receiver.wait_for(&sid).await?;
    until_empty(store, &bucket).await?;
    assert!(!home.log().contains(KEYS.1), "the log has the key");
    Ok(())
}
