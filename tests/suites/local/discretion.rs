//! What the service was trusted with does not show in what it tells of itself, and strangers add nothing to it.

use std::collections::BTreeSet;

use anyhow::Result;
use marketplace_tests::addon::{AUTH_TOKEN, KNOWN, home, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::{CallbackReceiver, Reply};
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{Payload, Sdk, pairs};

use super::recording::upload;

const MESSAGE: &str = "meet-me-at-noon";
const DATABASE_PASSWORD: &str = "open-sesame";

/// Sends what goes well and what goes wrong, with something in each that must not show.
async fn confide(service: &Service<'_>, receiver: &CallbackReceiver) -> Result<()> {
    let fields = pairs(&[("phone", KNOWN), ("message", MESSAGE)]);
    let body = serde_json::json!({ "phone": KNOWN, "message": MESSAGE }).to_string();
    for (path, payload) in [
        ("/query", Payload::Query(fields.clone())),
        ("/form", Payload::Form(fields.clone())),
        ("/json", Payload::Json(body)),
        ("/customers", Payload::Query(fields.clone())),
        ("/nowhere", Payload::Query(fields)),
    ] {
        let request = twilio(Sdk::Node).request(path, &request_sid(), payload)?;
        request.send(service.address()).await?;
        let forged = request.with_header("X-Twilio-Signature", "0FqS203W44/lM2UEM+51hRzwat4=");
        forged.send(service.address()).await?;
    }
    let sid = request_sid();
    upload(receiver, &sid, wav_of_bytes(20_000, 1))?
        .send(service.address())
        .await?;
    receiver
        .wait("a try that fails and one that does not", |all| all.len() >= 2)
        .await?;
    Ok(())
}

#[tokio::test]
async fn tells_nothing_of_numbers_messages_tokens_and_callback_urls() -> Result<()> {
    let home = home()?;
    home.write_secret(
        "crm",
        "DATABASE_URL",
        &format!("postgres://crm:{DATABASE_PASSWORD}@db/crm"),
    )?;
    let mut service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[Reply::Status(500)]).await?;
    confide(&service, &receiver).await?;
    let metrics = service.metrics().await?;
    service.terminate()?;
    assert!(service.wait().await?.success());
    let told = home.log() + &metrics;
    assert!(told.contains("not confirmed"), "the failed try is told: {told}");
    for secret in ["4155551212", MESSAGE, AUTH_TOKEN, DATABASE_PASSWORD, "/callback/"] {
        assert!(!told.contains(secret), "{secret} shows in {told}");
    }
    Ok(())
}

#[tokio::test]
async fn names_the_cause_when_the_disk_does_not_take_an_upload() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let request = upload(&receiver, &request_sid(), wav_of_bytes(20_000, 1))?;
    let quarantine = home.data_path().join("quarantine");
    std::fs::remove_dir(&quarantine)?;
    assert_eq!(request.send(service.address()).await?.status, 503);
    let told = home.log();
    assert!(
        told.contains("No such file or directory"),
        "nobody can mend what is told as {told}"
    );
    std::fs::create_dir(&quarantine)?;
    assert_eq!(request.send(service.address()).await?.status, 202);
    Ok(())
}

/// The names and labels of all series.
async fn series(service: &Service<'_>) -> Result<BTreeSet<String>> {
    let metrics = service.metrics().await?;
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, _)| name.to_owned())
        .collect())
}

#[tokio::test]
async fn strangers_add_no_series_to_the_metrics() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let stray = |number: usize| {
        let sid = format!("stray-{number}");
        twilio(Sdk::Python).request(&format!("/stray/{number}"), &sid, Payload::Query(Vec::new()))
    };
    let send = async |numbers: std::ops::Range<usize>| -> Result<()> {
        for number in numbers {
            stray(number)?.send(service.address()).await?;
            stray(number)?
                .without_header("X-Twilio-Signature")
                .send(service.address())
                .await?;
        }
        Ok(())
    };
    send(0..1).await?;
    let before = series(&service).await?;
    send(1..20).await?;
    assert_eq!(series(&service).await?, before);
    assert!(
        before
            .iter()
            .any(|series| series.contains("addon=\"acme/caller-insights\""))
    );
    Ok(())
}
