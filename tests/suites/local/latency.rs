//! Prints how long a recording takes from the first byte of the upload to the callback. Never asserted: it is a figure of
//! the machine as well.

use std::time::{Duration, Instant};

use anyhow::Result;
use marketplace_tests::addon::{home, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::report::figure;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};

const WAV_BYTES: usize = 118_000;
const RUNS: usize = 7;

#[tokio::test]
async fn prints_the_time_from_upload_to_callback() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let mut times = Vec::new();
    for seed in 0..RUNS {
        let sid = request_sid();
        let wav = wav_of_bytes(WAV_BYTES, u64::try_from(seed)?);
        let payload = Payload::recording(&receiver.url(&sid), wav, FileOrder::Last);
        let request = twilio(Sdk::Node).request("/transcription", &sid, payload)?;
        let began = Instant::now();
        assert_eq!(request.send(service.address()).await?.status, 202);
        receiver.wait_for(&sid).await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let milliseconds = |time: Duration| time.as_millis();
    figure(&format!(
        "118 kB WAV from upload to callback: {} ms (median of {RUNS}, slowest {} ms)",
        milliseconds(times[RUNS / 2]),
        milliseconds(times[RUNS - 1]),
    ));
    Ok(())
}
