//! Traces reach a collector when there is one, say which endpoint was called and what became of it, and hold nobody up.

use anyhow::{Result, ensure};
use marketplace_tests::addon::{KNOWN, home, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::collector::{Collector, holds};
use marketplace_tests::service::{Service, refused_at_start};
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, pairs};

use super::recording::upload;

fn lookup() -> Result<SignedRequest> {
    twilio(Sdk::Node).request("/query", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))
}

#[tokio::test]
async fn sends_a_span_for_each_request_job_and_callback() -> Result<()> {
    let collector = Collector::start().await?;
    let home = home()?.with_arguments(&["--otlp-endpoint", &collector.url()]);
    let mut service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    assert_eq!(lookup()?.send(service.address()).await?.status, 200);
    let forged = lookup()?.to("/insights/form?phone=1");
    assert_eq!(forged.send(service.address()).await?.status, 403);
    let stray = lookup()?.to("/elsewhere-7?phone=1").send(service.address()).await?;
    assert_eq!(stray.status, 403);
    upload(&receiver, &sid, wav_of_bytes(20_000, 1))?
        .send(service.address())
        .await?;
    receiver.wait_for(&sid).await?;
    // What is still queued is sent at the end.
    service.terminate()?;
    ensure!(service.wait().await?.success());

    for export in collector.exports() {
        assert_eq!(export.kind, "POST /v1/traces application/x-protobuf");
    }
    let bytes = collector.bytes();
    for text in [
        "service.name",
        "marketplace-service",
        "acme/caller-insights",
        "GET /insights/query",
        "http.route",
        "/insights/query",
        "/insights/form",
        "/insights/transcription",
        "answered",
        "unverified",
        "signature_mismatch",
        "GET unmatched",
        sid.as_str(),
        "job",
        "analyzed",
        "callback",
        "confirmed",
        "127.0.0.1",
    ] {
        assert!(holds(&bytes, text), "{text} is in no span");
    }
    let told = String::from_utf8_lossy(&bytes);
    for text in ["elsewhere-7", "phone", "4155551212", "url.query", "/callback/"] {
        assert!(!told.contains(text), "{text} is in a span");
    }
    Ok(())
}

#[tokio::test]
async fn sends_nothing_unless_told_where() -> Result<()> {
    let collector = Collector::start().await?;
    let home = home()?.with_arguments(&["--otlp-endpoint", &collector.url(), "--otlp-sample-ratio", "0"]);
    let mut service = Service::start(&home).await?;
    assert_eq!(lookup()?.send(service.address()).await?.status, 200);
    service.terminate()?;
    ensure!(service.wait().await?.success());
    ensure!(collector.exports().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_collector_that_is_away_is_told_once_and_holds_nobody_up() -> Result<()> {
    // A port on which nobody listens.
    let url = Collector::start().await?.url();
    let home = home()?.with_arguments(&["--otlp-endpoint", &format!("{url}/a-key-in-the-path")]);
    let mut service = Service::start(&home).await?;
    for _ in 0..20 {
        assert_eq!(lookup()?.send(service.address()).await?.status, 200);
    }
    service.terminate()?;
    ensure!(service.wait().await?.success());
    let log = home.log();
    let told: Vec<_> = log.lines().filter(|line| line.contains("traces are lost")).collect();
    assert_eq!(told.len(), 1, "{log}");
    ensure!(!log.contains("a-key-in-the-path"), "{log}");
    Ok(())
}

#[tokio::test]
async fn does_not_start_with_a_collector_that_is_no_url() -> Result<()> {
    let home = home()?.with_arguments(&["--otlp-endpoint", "collector:4317"]);
    let (code, told) = refused_at_start(&home, &[]).await?;
    assert_eq!(code, Some(2), "{told}");
    ensure!(told.contains("failed to read the address of the collector"), "{told}");
    Ok(())
}
