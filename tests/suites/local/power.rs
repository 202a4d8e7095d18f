//! Nothing that was answered with 202 is lost when the power fails: what was not synced by then may be gone, or there by
//! half, and the next start must make sense of it.

use std::fs::{Permissions, set_permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::try_join_all;
use marketplace_service::worker::MAX_ATTEMPTS;
use marketplace_tests::addon::{home_of, manifest, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::disk::Disk;
use marketplace_tests::ledger::Ledger;
use marketplace_tests::patience::{BOUND, until};
use marketplace_tests::postgres::Postgres;
use marketplace_tests::report::figure;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::sync::Notify;

use super::rows::jobs_of;

const CLIENTS: usize = 4;
/// How many times the power fails, unless MARKETPLACE_CRASH_ROUNDS says otherwise.
const ROUNDS: u64 = 10;
/// The same where Postgres looks through all of its disk at each start.
const SERVER_ROUNDS: u64 = 4;
const ROUNDS_OF_A_MACHINE: usize = 10;
/// Between an upload that is not accepted and the same again.
const PAUSE: Duration = Duration::from_millis(20);

/// Everything that loses its power at once: a disk with the spool and the database on it, and who works there.
struct Machine {
    /// Where the jobs are, if not in a file. Before the disk, so that it ends before the disk goes, whatever happens.
    server: Option<Postgres>,
    disk: Disk,
}

impl Machine {
    /// One with an empty disk.
    fn with_file(home: &Home) -> Result<Self> {
        let disk = Disk::empty(&home.data_path())?;
        Ok(Self { server: None, disk })
    }

    /// One that was set up in order: whether Postgres survives a power failure while it makes its files is Postgres's own
    /// question.
    async fn with_server(home: &Home) -> Result<Self> {
        // The server is another user, and must come by.
        set_permissions(home.path(), Permissions::from_mode(0o711))?;
        set_permissions(home.data_path(), Permissions::from_mode(0o777))?;
        let mut server = Postgres::start_on(&home.data_path().join("postgres"))?;
        home.write_secret("jobs", "DATABASE_URL", &server.url_with(""))?;
        let service = Service::start(home).await?;
        until("the tables are there", async || Ok(jobs_of(home).await.ok())).await?;
        service.kill()?;
        server.stop()?;
        let disk = Disk::with_copy(&home.data_path())?;
        let mut machine = Self {
            server: Some(server),
            disk,
        };
        machine.start_server()?;
        Ok(machine)
    }

    /// Cuts the power in this moment, and gives it back.
    fn lose_power(self, home: &Home, service: Service<'_>, seed: u64) -> Result<Self> {
        let Self { mut server, disk } = self;
        let found = disk.lose_power(seed);
        service.kill()?;
        if let Some(server) = &mut server {
            server.stop()?;
        }
        disk.unmount()?;
        let disk = Disk::again(&home.data_path(), found)?;
        let mut machine = Self { server, disk };
        machine.start_server()?;
        Ok(machine)
    }

    fn start_server(&mut self) -> Result<()> {
        if let Some(server) = &mut self.server {
            server.resume()?;
            // While a machine is down leases end.
            server.ask("UPDATE job SET lease_until = 0 WHERE lease_until IS NOT NULL")?;
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        let Self { server, disk } = self;
        drop(server);
        disk.unmount()
    }
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
            self.accepted(&request).await?;
            // At once, while whatever the answer promised may still be on its way to the disk.
            if self.until_cut.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.cut.notify_one();
            }
            self.ledger.write(&format!("accepted {sid}"))?;
        }
        Ok(())
    }

    /// Whoever has bad luck at each power failure waits long: that anybody is accepted is awaited where the power is cut.
    async fn accepted(&self, request: &SignedRequest) -> Result<()> {
        let ask = async || {
            let answer = request.send(self.home.address()).await;
            Ok(answer.ok().filter(|answer| answer.status == 202).map(drop))
        };
        while !self.ends.load(Ordering::Relaxed) {
            if ask().await?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        until("an upload is accepted", ask).await
    }

    /// Cuts the power again and again, each time in the moment in which an upload is accepted.
    async fn failures(&self, mut machine: Machine, seeds: Range<u64>) -> Result<(Machine, Service<'_>)> {
        for seed in seeds {
            let service = Service::start(&self.home).await?;
            self.until_cut.store(seed % 5 + 1, Ordering::Relaxed);
            let cut = tokio::time::timeout(BOUND, self.cut.notified()).await;
            cut.with_context(|| format!("nobody is accepted after the power failures before seed {seed}"))?;
            machine = machine
                .lose_power(&self.home, service, seed)
                .with_context(|| format!("the power failure of seed {seed}"))?;
        }
        self.ends.store(true, Ordering::Relaxed);
        let service = Service::start(&self.home).await?;
        Ok((machine, service))
    }

    /// Everything accepted is delivered, and has one row, which has ended. Returns how many callbacks that took,
    /// and for how many recordings power failed at each of the tries that they have.
    async fn compare_the_books(&self, receiver: &CallbackReceiver) -> Result<[usize; 2]> {
        let accepted = self.ledger.entries("accepted")?;
        let arrived = receiver.wait("a callback for everything accepted", |all| {
            accepted
                .iter()
                .all(|sid| all.iter().any(|delivery| delivery.target.ends_with(sid.as_str())))
        });
        let arrived = arrived.await.context("something that was accepted is lost")?;
        until("every job has ended", async || {
            let jobs = jobs_of(&self.home).await?;
            Ok(jobs.iter().all(|job| job.state == "confirmed").then_some(()))
        })
        .await?;
        let jobs = jobs_of(&self.home).await?;
        for sid in &accepted {
            let mut rows = jobs.iter().filter(|job| job.is_of(sid));
            let (Some(job), None) = (rows.next(), rows.next()) else {
                bail!("{sid} has no row, or two");
            };
            // Whatever was begun and not ended so often has killed its worker, for all that anyone can know.
            let expected = (job.attempt > MAX_ATTEMPTS.into()).then_some("internal_error");
            for delivery in arrived
                .iter()
                .filter(|delivery| delivery.target.ends_with(sid.as_str()))
            {
                let said = &delivery.json()?["error_code"];
                ensure!(*said == json!(expected), "{said} after {} attempts", job.attempt);
            }
        }
        ensure!(jobs.len() == accepted.len(), "a row without a request");
        let given_up = jobs.iter().filter(|job| job.attempt > MAX_ATTEMPTS.into()).count();
        Ok([arrived.len(), given_up])
    }
}

/// An add-on with deadlines that no power failure passes.
fn patient_home(storage: &Value) -> Result<Home> {
    let mut manifest = manifest();
    manifest["spec"]["sla"] = json!({ "floorSeconds": 3600 });
    manifest["spec"]["storage"] = storage.clone();
    home_of(&manifest)
}

/// One add-on through a power failure for each seed; how many recordings were accepted, how many callbacks came, and how many
/// recordings were given up.
async fn lose_power_again_and_again(home: Home, machine: Machine, seeds: Range<u64>) -> Result<[usize; 3]> {
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
    let ((machine, service), _) = tokio::try_join!(traffic.failures(machine, seeds), clients)?;
    let receiver = CallbackReceiver::on(receiver.listen(1024)?, &[])?;
    let [callbacks, given_up] = traffic.compare_the_books(&receiver).await?;
    service.kill()?;
    machine.end()?;
    Ok([traffic.ledger.entries("accepted")?.len(), callbacks, given_up])
}

/// As many as are asked for, in pieces: waits for the receiver that is not there grow, and so does the disk.
async fn lose_power(name: &str, usual_rounds: u64, machine: impl AsyncFn() -> Result<(Home, Machine)>) -> Result<()> {
    let rounds = std::env::var("MARKETPLACE_CRASH_ROUNDS").map_or(Ok(usual_rounds), |rounds| rounds.parse())?;
    let [mut accepted, mut delivered, mut given_up] = [0, 0, 0];
    for first in (0..rounds).step_by(ROUNDS_OF_A_MACHINE) {
        let (home, machine) = machine().await?;
        let seeds = first..rounds.min(first + ROUNDS_OF_A_MACHINE as u64);
        let [recordings, callbacks, unfinished] = lose_power_again_and_again(home, machine, seeds).await?;
        accepted += recordings;
        delivered += callbacks;
        given_up += unfinished;
    }
    figure(&format!(
        "{name}: {rounds} power failures, {accepted} recordings accepted, {delivered} callbacks, {given_up} given up, 0 lost"
    ));
    Ok(())
}

#[tokio::test]
async fn a_power_failure_loses_nothing_on_sqlite() -> Result<()> {
    lose_power("SQLite", ROUNDS, async || {
        let home = patient_home(&json!({ "volume": {} }))?;
        let machine = Machine::with_file(&home)?;
        Ok((home, machine))
    })
    .await
}

#[tokio::test]
async fn a_power_failure_of_postgres_and_the_service_loses_nothing() -> Result<()> {
    lose_power("Postgres", SERVER_ROUNDS, async || {
        let home = patient_home(&json!({ "postgres": { "secretName": "jobs" } }))?;
        let machine = Machine::with_server(&home).await?;
        Ok((home, machine))
    })
    .await
}
