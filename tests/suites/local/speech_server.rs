//! The engine that is a server: what it is asked, what becomes of its mistakes, and that no piece is asked for twice.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::future::try_join_all;
use marketplace_tests::addon::{JOBS, home_of, manifest_with, request_sid};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::memory::resident_memory;
use marketplace_tests::patience::{BOUND, within};
use marketplace_tests::postgres::Postgres;
use marketplace_tests::report::figure;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::speech_server::{Slip, SpeechServer};
use marketplace_tests::spoken::{Studio, bytes_of, sentences, text_of};
use serde_json::{Value, json};

use super::recording::{assert_accepted, upload};

const KEY: &str = "sk-capability-71c3";
/// The whole service with an hour of two channels.
const MEMORY_LIMIT_MEGABYTES: u64 = 64;
const SECRET: &str = "speech-key";

/// Four utterances with pauses of two seconds: four pieces.
fn four_pieces() -> Result<Bytes> {
    let studio = Studio::new()?;
    let said = [
        "one small river",
        "the second garden",
        "a third honest doctor",
        "and the last window",
    ];
    let mut parts = Vec::new();
    for (place, text) in said.iter().enumerate() {
        let part = studio.say(&format!("said-{place}"), "en-us", text)?;
        parts.push(studio.mix(&format!("part-{place}"), &[text_of(&part)?], &["pad", "0", "2"])?);
    }
    let parts: Vec<_> = parts.iter().map(|part| text_of(part)).collect::<Result<_>>()?;
    bytes_of(&studio.mix("all", &parts, &["rate", "8000"])?)
}

fn home(server: &SpeechServer, timeout_seconds: u32, database_url: Option<&str>) -> Result<Home> {
    let mut manifest = manifest_with(
        "/spec/endpoints/5/handler/analysis",
        json!({ "transcription": { "engine": { "openai": {
            "url": server.url(), "model": "small", "language": "de", "secretName": SECRET,
            "timeoutSeconds": timeout_seconds, "allowPrivate": true,
        } } } }),
    );
    manifest["spec"]["sla"] = json!({ "floorSeconds": 3600 });
    if database_url.is_some() {
        manifest["spec"]["storage"] = json!({ "postgres": { "secretName": JOBS } });
    }
    let home = home_of(&manifest)?;
    home.write_secret(SECRET, "API_KEY", KEY)?;
    if let Some(url) = database_url {
        home.write_secret(JOBS, "DATABASE_URL", url)?;
    }
    Ok(home)
}

/// The result of a recording that the server is asked about.
async fn result_of(server: &SpeechServer, timeout_seconds: u32) -> Result<Value> {
    let home = home(server, timeout_seconds, None)?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    assert_accepted(&upload(&receiver, &sid, four_pieces()?)?.send(service.address()).await?);
    let result = receiver.wait_for(&sid).await?.json()?;
    let log = home.log();
    for secret in [KEY, "heard", "samples"] {
        assert!(!log.contains(secret), "the log has {secret}");
    }
    Ok(result)
}

fn assert_whole(result: &Value) -> Result<()> {
    assert_eq!(result["error_code"], Value::Null, "{result}");
    let transcript = &result["results"]["transcription"];
    let segments = transcript["segments"].as_array().context("it has segments")?;
    assert_eq!((&transcript["language"], segments.len()), (&json!("de"), 8), "{result}");
    let starts: Vec<_> = segments
        .iter()
        .filter_map(|segment| segment["start_seconds"].as_f64())
        .collect();
    assert!(starts.is_sorted(), "{starts:?}");
    let confident = segments.iter().all(|segment| segment["confidence"] == json!(0.819));
    assert!(confident && segments[0]["text"] == json!("heard"), "{segments:?}");
    Ok(())
}

#[tokio::test]
async fn asks_for_each_piece_as_the_convention_has_it() -> Result<()> {
    let server = SpeechServer::start(vec![]).await?;
    assert_whole(&result_of(&server, 60).await?)?;
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    for piece in asked {
        assert_eq!(piece.authorization.as_deref(), Some(format!("Bearer {KEY}").as_str()));
        for (field, value) in [
            ("model", "small"),
            ("language", "de"),
            ("response_format", "verbose_json"),
            ("timestamp_granularities[]", "segment"),
        ] {
            assert_eq!(piece.field(field), Some(value), "{field}");
        }
        let (rate, channels, frames) = piece.sound.context("it has a sound")?;
        assert_eq!((rate, channels), (16_000, 1));
        assert!((8_000..16_000 * 30).contains(&frames), "{frames}");
    }
    Ok(())
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_nothing_is_lost() -> Result<()> {
    let slips = vec![
        Slip::Status(500),
        Slip::Busy(0),
        Slip::Status(503),
        Slip::Words(b"<html>Bad gateway</html>".to_vec()),
        Slip::Silence,
    ];
    let server = SpeechServer::start(slips).await?;
    assert_whole(&result_of(&server, 1).await?)?;
    assert_eq!(server.asked().len(), 4 + 5);
    Ok(())
}

#[tokio::test]
async fn what_does_not_pass_is_told_as_an_error_of_ours() -> Result<()> {
    // Side by side: most of the time is the wait between the attempts.
    let slips = [
        Slip::Status(400),
        Slip::Redirect("http://169.254.169.254/latest".to_owned()),
        Slip::Words(vec![b' '; 2 << 20]),
    ];
    let told = slips.map(async |slip| {
        // Each attempt at the job asks once.
        let server = SpeechServer::start(vec![slip.clone(); 5]).await?;
        let result = result_of(&server, 60).await?;
        assert_eq!(
            (&result["error_code"], &result["results"]),
            (&json!("internal_error"), &Value::Null),
            "{slip:?}"
        );
        assert_eq!(server.asked().len(), 5);
        Ok::<_, anyhow::Error>(())
    });
    try_join_all(told).await.map(drop)
}

#[tokio::test]
async fn a_job_whose_worker_was_killed_goes_on_where_it_was() -> Result<()> {
    let databases = [None, Some(Postgres::shared()?.schema()?)];
    for database_url in databases {
        let server = SpeechServer::start(vec![Slip::None, Slip::None, Slip::Held]).await?;
        let home = home(&server, 60, database_url.as_deref())?;
        let service = Service::start(&home).await?;
        let receiver = CallbackReceiver::start(&[]).await?;
        let sid = request_sid();
        assert_accepted(&upload(&receiver, &sid, four_pieces()?)?.send(service.address()).await?);
        // Two are heard, and the third is being heard.
        server.wait(3).await?;
        service.kill()?;
        server.let_go();
        let _service = Service::start(&home).await?;
        assert_whole(&receiver.wait_for(&sid).await?.json()?)?;
        let lengths: Vec<_> = server.asked().iter().map(|asked| asked.sound).collect();
        assert_eq!(lengths.len(), 5, "the two that were finished are not asked for again");
        assert_eq!(lengths[2], lengths[3], "the third is");
    }
    Ok(())
}

#[tokio::test]
async fn an_hour_of_a_call_takes_little_memory() -> Result<()> {
    let studio = Studio::new()?;
    // Whoever speaks without a pause fills the longest pieces.
    let spoken = studio.say("spoken", "en-us", &sentences(3, 20))?;
    let seconds = hound::WavReader::open(&spoken).map(|wav| wav.duration() / wav.spec().sample_rate)?;
    let both = studio.mix(
        "both",
        &["-M", text_of(&spoken)?, text_of(&spoken)?, "-r", "8000", "-e", "mu-law"],
        &["repeat", &(3600 / seconds).to_string()],
    )?;
    let server = SpeechServer::start(vec![]).await?;
    let home = home(&server, 60, None)?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    assert_accepted(
        &upload(&receiver, &sid, bytes_of(&both)?)?
            .send(service.address())
            .await?,
    );
    let result = within(BOUND * 5, "the result of an hour", async || {
        Ok(receiver.deliveries_of(&sid).pop())
    });
    let result = result.await?.json()?;
    assert_eq!(result["error_code"], Value::Null, "{result}");
    let peak = resident_memory(service.pid())?.peak_bytes >> 20;
    let pieces = server.asked().len();
    figure(&format!(
        "an hour of two channels in {pieces} pieces: {peak} MB at the peak, without a model"
    ));
    assert!(
        pieces > 200,
        "{pieces} pieces of at most 30 s are no two hours of speech"
    );
    assert!(peak < MEMORY_LIMIT_MEGABYTES, "{peak} MB");
    Ok(())
}
