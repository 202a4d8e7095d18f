//! A crash at each marked point, on both databases: what was answered 202 has exactly one row, ends, and is delivered with
//! the same bytes under the same key however often; what lies in the spool without a row is swept.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use marketplace_tests::addon::{home_at, home_of, home_over, manifest, request_sid};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::audio_host::AudioHost;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::callback::faulty::Authorities;
use marketplace_tests::ledger::Ledger;
use marketplace_tests::minio::Minio;
use marketplace_tests::patience::until;
use marketplace_tests::postgres::Postgres;
use marketplace_tests::report::figure;
use marketplace_tests::service::{Home, Service};

use super::audio_url;
use super::recording::{until_accepted, upload};
use super::rows::jobs_of;

/// The points of the service's `crash`, in the order in which a recording passes them.
const POINTS: [&str; 11] = [
    "quarantined",
    "file_synced",
    "file_renamed",
    "folder_synced",
    "before_commit",
    "after_commit",
    "after_claim",
    "result_spooled",
    "result_recorded",
    "before_callback",
    "after_callback",
];
/// Those that only a recording passes that is fetched, and one of those that it passes too.
const FETCH_POINTS: [&str; 4] = ["fetch_claimed", "file_renamed", "fetched", "fetch_recorded"];
/// Those of an upload whose audio goes to a bucket.
const BUCKET_POINTS: [&str; 9] = [
    "quarantined",
    "uploaded",
    "before_commit",
    "after_commit",
    "after_claim",
    "result_spooled",
    "result_recorded",
    "before_callback",
    "after_callback",
];
/// Crashes at each point, unless MARKETPLACE_CRASH_ROUNDS says otherwise.
const ROUNDS: u64 = 10;
/// Recordings of one round; the crash comes at the pass of one of them.
const RECORDINGS: u64 = 3;
/// Rounds at one time: most of a round waits for a sweep.
const ABREAST: usize = 16;

/// Where the rows are.
enum Rows {
    File,
    Schema {
        url: String,
        server: &'static Postgres,
    },
    /// In a schema, and the audio in a bucket.
    Bucket {
        url: String,
        server: &'static Postgres,
        store: &'static Minio,
        bucket: String,
    },
}

impl Rows {
    fn home(&self, authorities: Option<&Authorities>) -> Result<Home> {
        match self {
            Self::File if authorities.is_some() => audio_url::home(None, authorities),
            Self::Schema { url, .. } if authorities.is_some() => audio_url::home(Some(url), authorities),
            Self::Bucket { .. } if authorities.is_some() => bail!("what is fetched takes the same way to a bucket"),
            Self::File => home_of(&manifest()),
            Self::Schema { url, .. } => home_at(url),
            Self::Bucket { url, store, bucket, .. } => home_over(url, store, bucket),
        }
    }

    /// What lies in quarantine, what audio there is, and which results.
    fn files(&self, home: &Home) -> Result<[Vec<String>; 3]> {
        let Self::Bucket { store, bucket, .. } = self else {
            return Ok(["quarantine", "audio", "results"].map(|room| home.data_files(room)));
        };
        let objects = store.objects(bucket)?;
        let in_room = |room: &str| {
            let names = objects.iter().filter_map(|name| name.split_once(room));
            names.map(|(_, key)| key.to_owned()).collect()
        };
        Ok([home.data_files("quarantine"), in_room("/audio/"), in_room("/results/")])
    }

    /// What time does while nobody runs: leases end. In a folder of its own the next process knows that they have.
    fn let_leases_end(&self) -> Result<()> {
        if let Self::Schema { url, server } | Self::Bucket { url, server, .. } = self {
            let (_, schema) = url.rsplit_once("%3D").context("the URL names its schema")?;
            server.ask(&format!(
                "UPDATE {schema}.job SET lease_until = 0 WHERE lease_until IS NOT NULL"
            ))?;
        }
        Ok(())
    }
}

struct Round {
    rows: Rows,
    home: Home,
    receiver: CallbackReceiver,
    /// Where the recordings are, if they do not come with the requests.
    host: Option<AudioHost>,
    ledger: Ledger,
    /// How many files without a row may be left: in a bucket they are swept only once they are old, and nothing makes them so.
    orphans: usize,
}

impl Round {
    /// Sends one recording until it is accepted: Twilio repeats what was reset or got a 5xx.
    async fn client(&self, wav: &Bytes) -> Result<()> {
        let sid = request_sid();
        let request = match &self.host {
            None => upload(&self.receiver, &sid, wav.clone())?,
            Some(host) => audio_url::by_url(&self.receiver, &sid, &host.url(&sid), Some(wav.len()))?,
        };
        self.ledger.write(&format!("sending {sid}"))?;
        until_accepted(&request, &self.home).await?;
        self.ledger.write(&format!("accepted {sid}"))?;
        Ok(())
    }

    /// The first process dies at the point; the second finds what an hour later would be found.
    async fn crash_and_go_on(&self, point: &str, pass: u64) -> Result<Service<'_>> {
        let mut doomed = Service::start_to_crash_at(&self.home, point, pass)?;
        let status = doomed
            .wait()
            .await
            .with_context(|| format!("{point} is not passed {pass} times"))?;
        ensure!(status.signal() == Some(9), "it ended otherwise: {status}");
        drop(doomed);
        self.rows.let_leases_end()?;
        age_files(&self.home)?;
        Service::start(&self.home).await
    }

    async fn compare_the_books(&self) -> Result<()> {
        let accepted = self.ledger.entries("accepted")?;
        ensure!(accepted == self.ledger.entries("sending")?, "a client has given up");
        let delivered = self.receiver.wait("a callback for everything accepted", |all| {
            accepted
                .iter()
                .all(|sid| all.iter().any(|delivery| delivery.target.ends_with(sid.as_str())))
        });
        delivered.await?;
        until("every job has ended, and no file is left", async || {
            let jobs = jobs_of(&self.home).await?;
            let ended = jobs.iter().all(|job| job.state == "confirmed");
            let results: BTreeSet<_> = jobs.into_iter().filter_map(|job| job.result_key).collect();
            let [quarantine, audio, kept] = self.rows.files(&self.home)?;
            let kept: BTreeSet<_> = kept.into_iter().collect();
            let orphans = audio.len() + kept.difference(&results).count();
            let found = kept.is_superset(&results) && quarantine.is_empty() && orphans <= self.orphans;
            Ok((ended && found).then_some(()))
        })
        .await
        .with_context(|| {
            let files = self.rows.files(&self.home);
            format!("left: {files:?}")
        })?;
        let jobs = jobs_of(&self.home).await?;
        for sid in &accepted {
            let rows = jobs.iter().filter(|job| job.is_of(sid)).count();
            ensure!(rows == 1, "{sid} has {rows} rows");
            let deliveries = self.receiver.deliveries_of(sid);
            let told: BTreeSet<_> = deliveries
                .iter()
                .map(|delivery| (delivery.header("idempotency-key"), &delivery.body))
                .collect();
            ensure!(told.len() == 1, "{sid} was told {} things", told.len());
        }
        ensure!(jobs.len() == accepted.len(), "a row without a request");
        Ok(())
    }
}

/// Nothing that lies in the data folder is young any more.
fn age_files(home: &Home) -> Result<()> {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for room in ["quarantine", "audio", "results"] {
        for name in home.data_files(room) {
            let file = std::fs::File::options()
                .write(true)
                .open(home.data_path().join(room).join(name))?;
            file.set_modified(long_ago)?;
        }
    }
    Ok(())
}

async fn crash_once(rows: Rows, (point, pass): (&str, u64), wav: &Bytes, is_remote: bool) -> Result<usize> {
    let authorities = if is_remote { Some(Authorities::new()?) } else { None };
    let home = rows.home(authorities.as_ref())?;
    let host = match &authorities {
        Some(authorities) => Some(AudioHost::start(authorities, wav.clone(), Vec::new()).await?),
        None => None,
    };
    let round = Round {
        receiver: CallbackReceiver::start(&[]).await?,
        host,
        ledger: Ledger::open(&home.path().join("ledger"))?,
        orphans: match rows {
            Rows::File | Rows::Schema { .. } => 0,
            Rows::Bucket { .. } => usize::try_from(RECORDINGS)?,
        },
        rows,
        home,
    };
    let clients = try_join_all((0..RECORDINGS).map(|_| round.client(wav)));
    let (_service, _) = tokio::try_join!(round.crash_and_go_on(point, pass), clients)?;
    round.compare_the_books().await?;
    Ok(round.receiver.deliveries().len())
}

async fn crash_everywhere(name: &str, rows: impl Fn() -> Result<Rows>) -> Result<()> {
    let uploads = POINTS.map(|point| (point, false));
    let points: Vec<_> = uploads
        .into_iter()
        .chain(FETCH_POINTS.map(|point| (point, true)))
        .collect();
    crash_at(name, &points, rows).await
}

/// At each of these points, of recordings that come with the request or are fetched.
async fn crash_at(name: &str, points: &[(&str, bool)], rows: impl Fn() -> Result<Rows>) -> Result<()> {
    let rounds = std::env::var("MARKETPLACE_CRASH_ROUNDS").map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.6).wav();
    let (rows, wav) = (&rows, &wav);
    let each = (0..rounds).flat_map(|round| points.iter().map(move |point| (*point, 1 + round % RECORDINGS)));
    let crashes = stream::iter(each).map(|((point, is_remote), pass)| async move {
        let crashed = crash_once(rows()?, (point, pass), wav, is_remote).await;
        crashed.with_context(|| format!("{name}, {point}:{pass}, fetched: {is_remote}"))
    });
    let deliveries: Vec<usize> = crashes.buffer_unordered(ABREAST).try_collect().await?;
    figure(&format!(
        "{name}: {} crashes at {} points, {} recordings, {} callbacks, 0 lost",
        deliveries.len(),
        points.len(),
        deliveries.len() as u64 * RECORDINGS,
        deliveries.iter().sum::<usize>()
    ));
    Ok(())
}

#[tokio::test]
async fn a_crash_at_any_point_loses_nothing_on_sqlite() -> Result<()> {
    crash_everywhere("SQLite", || Ok(Rows::File)).await
}

#[tokio::test]
async fn a_crash_at_any_point_loses_nothing_on_postgres() -> Result<()> {
    let server = Postgres::shared()?;
    crash_everywhere("Postgres", || {
        let url = server.schema()?;
        Ok(Rows::Schema { url, server })
    })
    .await
}

#[tokio::test]
async fn a_crash_at_any_point_loses_nothing_on_postgres_and_a_bucket() -> Result<()> {
    let (server, store) = (Postgres::shared()?, Minio::shared()?);
    crash_at(
        "Postgres and a bucket",
        &BUCKET_POINTS.map(|point| (point, false)),
        || {
            Ok(Rows::Bucket {
                url: server.schema()?,
                server,
                store,
                bucket: store.bucket()?,
            })
        },
    )
    .await
}
