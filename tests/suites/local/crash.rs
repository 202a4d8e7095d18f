//! Nothing that was answered with 202 is ever lost, however the service ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures::future::try_join_all;
use marketplace_tests::addon::{KNOWN, home_of, manifest, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound, wav_of_bytes};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::get;
use marketplace_tests::ledger::Ledger;
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest, pairs};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use super::recording::until_accepted;

/// A job that was begun at each start and finished at none is given up at its sixth attempt, which is not the question here.
const CRASHES: u64 = 4;
const CLIENTS: usize = 4;
/// Between starts and kills: from before the first upload to the middle of many.
const KILL_WITHIN_MILLISECONDS: std::ops::Range<u64> = 1..400;

/// Deadlines that no slow machine passes: what is late is told so, and that is not the question here.
fn patient_home() -> Result<Home> {
    let mut manifest = manifest();
    manifest["spec"]["sla"] = json!({ "floorSeconds": 3600 });
    home_of(&manifest)
}

fn upload(receiver: &CallbackReceiver, sid: &str, wav: Bytes) -> Result<SignedRequest> {
    let payload = Payload::recording(&receiver.url(sid), wav, FileOrder::Last);
    twilio(Sdk::Node).request("/transcription", sid, payload)
}

struct Traffic {
    home: Home,
    receiver: CallbackReceiver,
    ledger: Ledger,
    ends: AtomicBool,
}

impl Traffic {
    /// Sends one recording after the other, each until it is accepted: Twilio repeats what was reset or got a 5xx.
    async fn client(&self) -> Result<()> {
        let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 2.0).wav();
        while !self.ends.load(Ordering::Relaxed) {
            let sid = request_sid();
            let request = upload(&self.receiver, &sid, wav.clone())?;
            self.ledger.write(&format!("sending {sid}"))?;
            until_accepted(&request, &self.home).await?;
            self.ledger.write(&format!("accepted {sid}"))?;
        }
        Ok(())
    }

    /// Kills one service after the other in the middle of what it does; the last one lives.
    async fn crashes(&self) -> Result<Service<'_>> {
        for seed in 0..CRASHES {
            let service = Service::start(&self.home).await?;
            let pause = StdRng::seed_from_u64(seed).random_range(KILL_WITHIN_MILLISECONDS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            service.kill()?;
        }
        self.ends.store(true, Ordering::Relaxed);
        Service::start(&self.home).await
    }
}

#[tokio::test]
async fn loses_nothing_that_it_accepted_when_it_is_killed_again_and_again() -> Result<()> {
    let home = patient_home()?;
    let traffic = Traffic {
        receiver: CallbackReceiver::start(&[]).await?,
        ledger: Ledger::open(&home.path().join("ledger"))?,
        ends: AtomicBool::new(false),
        home,
    };
    let clients = try_join_all((0..CLIENTS).map(|_| traffic.client()));
    let (_service, _) = tokio::try_join!(traffic.crashes(), clients)?;
    let accepted = traffic.ledger.entries("accepted")?;
    let arrived = traffic.receiver.wait("a callback for everything accepted", |all| {
        accepted
            .iter()
            .all(|sid| all.iter().any(|delivery| delivery.target.ends_with(sid.as_str())))
    });
    let arrived = arrived.await?;
    assert_eq!(accepted, traffic.ledger.entries("sending")?);
    for delivery in &arrived {
        assert_eq!(delivery.json()?["error_code"], json!(null));
    }
    figure(&format!(
        "{CRASHES} crashes: {} recordings accepted, {} callbacks, 0 lost",
        accepted.len(),
        arrived.len()
    ));
    Ok(())
}

#[tokio::test]
async fn lets_readiness_fall_before_the_listener_and_finishes_what_has_begun() -> Result<()> {
    let home = patient_home()?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let mut service = Service::start(&home).await?;
    let sid = request_sid();
    let begun = upload(&receiver, &sid, wav_of_bytes(200_000, 1))?
        .begin(service.address(), 100_000)
        .await?;
    until("the upload has begun", async || {
        Ok((!home.data_files("quarantine").is_empty()).then_some(()))
    })
    .await?;
    service.terminate()?;
    until("readiness has fallen", async || {
        Ok((get(service.admin(), "/readyz").await?.status == 503).then_some(()))
    })
    .await?;
    assert_eq!(
        get(service.admin(), "/healthz").await?.status,
        200,
        "it drains, and is well"
    );
    let question = Payload::Query(pairs(&[("phone", KNOWN)]));
    let answer = twilio(Sdk::Node)
        .request("/query", &request_sid(), question)?
        .send(service.address())
        .await?;
    assert_eq!(answer.status, 200, "who has not noticed yet is answered");
    assert_eq!(begun.finish().await?.status, 202);
    let status = service.wait().await?;
    assert!(status.success(), "{status}");
    drop(service);
    let _service = Service::start(&home).await?;
    receiver.wait_for(&sid).await?;
    Ok(())
}
