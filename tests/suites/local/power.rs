//! Nothing that was answered with 202 is lost when the power fails: what was not synced by then may be gone, or there by
//! half, and the next start must make sense of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use marketplace_tests::addon::{home_of, manifest, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::disk::Disk;
use marketplace_tests::ledger::Ledger;
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::json;
use tokio::net::TcpSocket;
use tokio::sync::Notify;

const CLIENTS: usize = 4;

/// How many times the power fails: `make soak` asks for more.
fn rounds() -> u64 {
    std::env::var("MARKETPLACE_CRASH_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(10)
}

struct Traffic {
    home: Home,
    callbacks: SocketAddr,
    ledger: Ledger,
    /// How many more uploads are accepted before the power fails.
    until_cut: AtomicU64,
    cut: Notify,
    ends: AtomicBool,
}

impl Traffic {
    /// Sends one recording after the other, each until it is accepted, as Twilio does.
    async fn client(&self) -> Result<()> {
        let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.5).wav();
        while !self.ends.load(Ordering::Relaxed) {
            let sid = request_sid();
            let callback = format!("http://{}/callback/{sid}", self.callbacks);
            let payload = Payload::recording(&callback, wav.clone(), FileOrder::Last);
            let request = twilio(Sdk::Node).request("/transcription", &sid, payload)?;
            self.ledger.write(&format!("sending {sid}"))?;
            until("an upload is accepted", async || {
                let answer = request.send(self.home.address()).await;
                Ok(answer.ok().filter(|answer| answer.status == 202).map(drop))
            })
            .await?;
            // At once, while whatever the answer promised may still be on its way to the disk.
            if self.until_cut.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.cut.notify_one();
            }
            self.ledger.write(&format!("accepted {sid}"))?;
        }
        Ok(())
    }

    /// Cuts the power again and again, each time in the moment in which an upload is accepted.
    async fn failures(&self) -> Result<(Disk, Service<'_>)> {
        let mut disk = Disk::empty(&self.home.data_path())?;
        for seed in 0..rounds() {
            let service = Service::start(&self.home).await?;
            self.until_cut.store(seed % 5 + 1, Ordering::Relaxed);
            self.cut.notified().await;
            let found = disk.lose_power(seed);
            service.kill()?;
            disk.unmount()?;
            disk = Disk::again(&self.home.data_path(), found)?;
        }
        self.ends.store(true, Ordering::Relaxed);
        let service = Service::start(&self.home).await?;
        Ok((disk, service))
    }
}

#[tokio::test]
async fn loses_nothing_that_it_accepted_when_the_power_fails_again_and_again() -> Result<()> {
    let mut manifest = manifest();
    manifest["spec"]["sla"] = json!({ "floorSeconds": 3600 });
    let home = home_of(&manifest)?;
    // Nobody receives before the last power failure: what is delivered was on the disk through all of them.
    let receiver = TcpSocket::new_v4()?;
    receiver.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let traffic = Traffic {
        callbacks: receiver.local_addr()?,
        ledger: Ledger::open(&home.path().join("ledger"))?,
        until_cut: AtomicU64::new(0),
        cut: Notify::new(),
        ends: AtomicBool::new(false),
        home,
    };
    let clients = try_join_all((0..CLIENTS).map(|_| traffic.client()));
    let ((disk, service), _) = tokio::try_join!(traffic.failures(), clients)?;
    let receiver = CallbackReceiver::on(receiver.listen(1024)?, &[])?;
    let accepted = traffic.ledger.entries("accepted")?;
    let arrived = receiver.wait("a callback for everything accepted", |all| {
        accepted
            .iter()
            .all(|sid| all.iter().any(|delivery| delivery.target.ends_with(sid.as_str())))
    });
    let arrived = arrived.await.context("something that was accepted is lost")?;
    for delivery in &arrived {
        assert_eq!(delivery.json()?["error_code"], json!(null));
    }
    service.kill()?;
    disk.unmount()?;
    figure(&format!(
        "{} power failures: {} recordings accepted, {} callbacks, 0 lost",
        rounds(),
        accepted.len(),
        arrived.len()
    ));
    Ok(())
}
