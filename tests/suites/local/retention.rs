//! What is kept for how long, by a running service, on both databases: a recording until its result is confirmed or given
//! up, the result with the memory of its request, and then the rest.

use anyhow::{Context as _, Result};
use marketplace_tests::addon::{homes, homes_of, manifest, request_sid, twilio};
use marketplace_tests::callback::{CallbackReceiver, Reply};
use marketplace_tests::elapsed::let_pass;
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::{Value, json};

use super::jobs::{told, until_state};
use super::recording::{PATH, assert_accepted, short_wav, until_nothing_is_kept, upload};

const HOURS_PER_DAY: f64 = 24.0;
/// What a test may take, many times over.
const HOUR_MARGIN: f64 = 0.5;

/// One recording accepted and its first delivery begun, which the receiver leaves without an answer; then a sudden end.
async fn left_unconfirmed(home: &Home, receiver: &CallbackReceiver) -> Result<()> {
    let service = Service::start(home).await?;
    let sid = request_sid();
    assert_accepted(&upload(receiver, &sid, short_wav())?.send(service.address()).await?);
    receiver.wait_for(&sid).await?;
    assert_eq!(home.data_files("audio").len(), 1, "the recording is kept");
    service.kill()
}

#[tokio::test]
async fn keeps_a_recording_until_its_result_is_confirmed() -> Result<()> {
    let mut resource = manifest();
    resource["spec"]["sla"] = json!({ "floorSeconds": 600 });
    for home in homes_of(&resource)? {
        let receiver = CallbackReceiver::start(&[Reply::Hang]).await?;
        left_unconfirmed(&home, &receiver).await?;
        // Longer than the lease of whoever was sending, and long before the cut-off.
        let_pass(&home, 1.0 / 60.0).await?;
        let _service = Service::start(&home).await?;
        receiver.wait("a second delivery", |all| all.len() == 2).await?;
        until_nothing_is_kept(&home).await?;
        let job = told(&home, &["list"]).await?.pop().context("it is known")?;
        assert_eq!((&job["state"], &job["has_audio"]), (&json!("confirmed"), &json!(false)));
    }
    Ok(())
}

#[tokio::test]
async fn keeps_no_recording_whose_result_is_given_up() -> Result<()> {
    for home in homes()? {
        let receiver = CallbackReceiver::start(&[Reply::Hang]).await?;
        left_unconfirmed(&home, &receiver).await?;
        let_pass(&home, HOURS_PER_DAY).await?;
        drop(receiver);
        let _service = Service::start(&home).await?;
        until_nothing_is_kept(&home).await?;
        let job = told(&home, &["list"]).await?.pop().context("it is known")?;
        assert_eq!(job["has_audio"], json!(false));
        assert_ne!(job["state"], json!("confirmed"));
    }
    Ok(())
}

/// What the resource says of retention, and what follows from it.
struct Kept {
    declared: Value,
    result_hours: f64,
    metadata_days: f64,
}

/// The job of this SID as the service that was started last left it.
async fn of(home: &Home, sid: &str) -> Result<Vec<Value>> {
    told(home, &["list", "--request", sid]).await
}

/// Time passes while nobody runs. A service looks after its old jobs as soon as it starts.
async fn started_after<'home>(home: &'home Home, service: Service<'_>, hours: f64) -> Result<Service<'home>> {
    service.kill()?;
    let_pass(home, hours).await?;
    Service::start(home).await
}

async fn forgets_in_time(home: &Home, kept: &Kept) -> Result<()> {
    let receiver = CallbackReceiver::start(&[]).await?;
    let (sid, purged) = (request_sid(), request_sid());
    let again = |name: &str| {
        let payload = Payload::recording(&receiver.url(name), short_wav(), FileOrder::Last);
        twilio(Sdk::Node).request(PATH, &sid, payload)
    };
    let service = Service::start(home).await?;
    for sid in [&sid, &purged] {
        assert_accepted(&upload(&receiver, sid, short_wav())?.send(service.address()).await?);
        until_state(home, sid, "confirmed").await?;
    }
    told(home, &["purge", "--request", &purged, "--yes"]).await?;

    // Within the time it is the same job: the stored result goes to the other place.
    let service = started_after(home, service, kept.result_hours - HOUR_MARGIN).await?;
    assert_accepted(&again("within")?.send(service.address()).await?);
    let sent = receiver.wait_for("within").await?;
    assert_eq!(sent.body, receiver.wait_for(&sid).await?.body, "the stored result");
    let job = until_state(home, &sid, "confirmed").await?;
    assert_eq!(
        (&job["has_result"], &job["callback_host"]),
        (&json!(true), &json!("127.0.0.1"))
    );

    // After it result and callback are gone, the rest of the row is not, and the request is a new one.
    let service = started_after(home, service, kept.result_hours + HOUR_MARGIN).await?;
    let forgotten = until("the result is forgotten", async || {
        let job = of(home, &sid).await?.pop().context("the row is kept")?;
        Ok((job["has_result"] == json!(false)).then_some(job))
    });
    let forgotten = forgotten.await?;
    assert_eq!(forgotten["callback_host"], Value::Null);
    assert_eq!(forgotten["sids"]["request"], json!(sid));
    assert_accepted(&again("after")?.send(service.address()).await?);
    let made_anew = receiver.wait_for("after").await?;
    assert_eq!(made_anew.json()?["error_code"], Value::Null);
    assert_eq!(of(home, &sid).await?.len(), 2, "another job");

    // By the days of the older row: it goes, and with it the notes of what people did.
    let passed = 2.0 * kept.result_hours;
    let left = kept.metadata_days * HOURS_PER_DAY - passed;
    let service = started_after(home, service, left - HOUR_MARGIN).await?;
    assert_eq!(
        (of(home, &sid).await?.len(), told(home, &["audit"]).await?.len()),
        (2, 1)
    );
    let _service = started_after(home, service, 2.0 * HOUR_MARGIN).await?;
    until("the older row is gone", async || {
        let rows = (of(home, &sid).await?.len(), told(home, &["audit"]).await?.len());
        Ok((rows == (1, 0)).then_some(()))
    })
    .await
}

async fn forgets_in_time_everywhere(kept: Kept) -> Result<()> {
    let mut resource = manifest();
    resource["spec"]["retention"] = kept.declared.clone();
    for home in homes_of(&resource)? {
        forgets_in_time(&home, &kept).await?;
    }
    Ok(())
}

#[tokio::test]
async fn forgets_a_result_after_three_days_and_the_rest_after_thirty() -> Result<()> {
    forgets_in_time_everywhere(Kept {
        declared: json!({}),
        result_hours: 72.0,
        metadata_days: 30.0,
    })
    .await
}

#[tokio::test]
async fn forgets_when_the_resource_says_so() -> Result<()> {
    forgets_in_time_everywhere(Kept {
        declared: json!({ "resultHours": 5, "metadataDays": 2 }),
        result_hours: 5.0,
        metadata_days: 2.0,
    })
    .await
}
