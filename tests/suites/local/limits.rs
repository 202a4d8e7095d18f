//! Strangers decide how much they send; the service decides how much of it is in memory.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use marketplace_tests::addon::{home, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::callback::large::LargeReceiver;
use marketplace_tests::memory::resident_memory;
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest};
use sqlx::Connection as _;
use tokio::net::TcpSocket;

use super::recording::short_wav;
use super::rows::jobs_of;

const UPLOADS: usize = 200;
const UPLOAD_BYTES: usize = 20_000_000;
/// More than at the start.
const MEMORY_LIMIT_BYTES: u64 = 64_000_000;

/// As many as are sent at one time.
const CALLBACKS: usize = 16;
/// The most that Twilio takes.
const RESULT_BYTES: usize = 100_000_000;
/// For all callbacks together: far less than one result.
const CALLBACKS_LIMIT_BYTES: u64 = 32_000_000;

fn upload(receiver: &CallbackReceiver, wav: &Bytes) -> Result<SignedRequest> {
    let sid = request_sid();
    let payload = Payload::recording(&receiver.url(&sid), wav.clone(), FileOrder::Last);
    twilio(Sdk::Node).request("/transcription", &sid, payload)
}

#[tokio::test]
async fn takes_two_hundred_uploads_of_20_mb_at_once_in_less_than_64_mb() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let wav = wav_of_bytes(UPLOAD_BYTES, 1);
    let requests = (0..UPLOADS)
        .map(|_| upload(&receiver, &wav))
        .collect::<Result<Vec<_>>>()?;
    let before = resident_memory(service.pid())?;
    let answers = try_join_all(requests.iter().map(|request| request.send(service.address()))).await?;
    let memory = resident_memory(service.pid())?;
    let statuses = answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    assert_eq!(statuses, [202; UPLOADS]);
    let more_bytes = memory.peak_bytes.saturating_sub(before.now_bytes);
    figure(&format!(
        "{UPLOADS} uploads of 20 MB at once: peak resident memory {} MB more than at start",
        more_bytes / 1_000_000
    ));
    assert!(more_bytes < MEMORY_LIMIT_BYTES, "{before:?}, then {memory:?}");
    Ok(())
}

#[tokio::test]
async fn refuses_an_unsigned_upload_before_it_reads_any_of_it() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let request = upload(&receiver, &wav_of_bytes(UPLOAD_BYTES, 1))?;
    for (what, request) in [
        ("unsigned", request.clone().without_header("X-Twilio-Signature")),
        ("malformed", request.with_header("X-Twilio-Signature", "malformed")),
    ] {
        // Not one byte of the body is sent, and yet there is an answer.
        let answer = request.begin(service.address(), 0).await?.answer().await?;
        assert_eq!(answer.status, 403, "{what}");
    }
    assert!(home.data_files("quarantine").is_empty());
    Ok(())
}

/// Accepts recordings whose results nobody takes yet.
async fn results_that_wait(home: &Home, receiver: SocketAddr) -> Result<()> {
    let service = Service::start(home).await?;
    for _ in 0..CALLBACKS {
        let sid = request_sid();
        let payload = Payload::recording(&format!("http://{receiver}/{sid}"), short_wav(), FileOrder::Last);
        let request = twilio(Sdk::Node).request("/transcription", &sid, payload)?;
        ensure!(
            request.send(service.address()).await?.status == 202,
            "a recording is refused"
        );
    }
    until("every result waits for its receiver", async || {
        let jobs = jobs_of(home).await?;
        Ok(jobs.iter().all(|job| job.state == "delivering").then_some(()))
    })
    .await?;
    service.kill()
}

/// Puts a result of the spool in the place of each: no analysis of a test's audio has so much to say.
async fn enlarge_results(home: &Home, body: &[u8]) -> Result<()> {
    let results = home.data_path().join("results");
    let first = results.join(format!("{:032x}", 0));
    std::fs::write(&first, body)?;
    let url = format!("sqlite://{}", home.data_path().join("queue.db").display());
    let mut file = sqlx::SqliteConnection::connect(&url).await?;
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM job").fetch_all(&mut file).await?;
    for (number, id) in ids.iter().enumerate() {
        let key = format!("{:032x}", number + 1);
        std::fs::hard_link(&first, results.join(&key))?;
        sqlx::query("UPDATE job SET result = NULL, result_key = ?, delivery_attempt = 0, deliver_at = 0 WHERE id = ?")
            .bind(key)
            .bind(id)
            .execute(&mut file)
            .await?;
    }
    Ok(file.close().await?)
}

#[tokio::test]
async fn sends_sixteen_results_of_100_mb_at_once_in_less_memory_than_one() -> Result<()> {
    let home = home()?;
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    results_that_wait(&home, socket.local_addr()?).await?;
    let body = Bytes::from([br#"{"results":""#, &*vec![b'a'; RESULT_BYTES - 14], br#""}"#].concat());
    enlarge_results(&home, &body).await?;
    let service = Service::start(&home).await?;
    let before = resident_memory(service.pid())?;
    let mut receiver = LargeReceiver::on(socket.listen(1024)?, CALLBACKS, body);
    receiver.wait().await?;
    let memory = resident_memory(service.pid())?;
    let more_bytes = memory.peak_bytes.saturating_sub(before.now_bytes);
    figure(&format!(
        "{CALLBACKS} callbacks of 100 MB at once: peak resident memory {} MB more than at start",
        more_bytes / 1_000_000
    ));
    assert!(more_bytes < CALLBACKS_LIMIT_BYTES, "{before:?}, then {memory:?}");
    Ok(())
}
