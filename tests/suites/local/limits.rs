//! Strangers decide how much they send; the service decides how much of it is in memory.

use anyhow::Result;
use bytes::Bytes;
use futures::future::try_join_all;
use marketplace_tests::addon::{home, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::memory::resident_memory;
use marketplace_tests::report::figure;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest};

const UPLOADS: usize = 200;
const UPLOAD_BYTES: usize = 20_000_000;
/// More than at the start.
const MEMORY_LIMIT_BYTES: u64 = 64_000_000;

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
