//! Results that come too late are said by the operator, which asks the cluster's Prometheus, and until then why it does not
//! know.

use std::time::Duration;

use anyhow::{Context as _, Result};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::Reply;
use marketplace_tests::cluster::profile::ensure;
use marketplace_tests::cluster::scene::recording_addon;
use marketplace_tests::cluster::{Profile, Scene, operator, prometheus, watch};
use marketplace_tests::patience::within;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::json;

/// Two scrapes that see a difference, and three evaluations. That it takes as many to be in time again, once ten minutes have
/// forgotten what was late, is proven without a cluster.
const BOUND: Duration = Duration::from_mins(4);

async fn says(scene: &Scene, status: &str, reason: &str) -> Result<String> {
    let mut last = None;
    let what = format!("SlaMet={status} {reason}");
    let said = within(BOUND, &what, async || {
        let addon = scene.all::<MarketplaceAddon>().get("insights").await?;
        last = watch::condition(&addon, "SlaMet").cloned();
        let holds = last.as_ref().filter(|now| now.status == status && now.reason == reason);
        Ok(holds.map(|now| now.message.clone()))
    });
    said.await.with_context(|| format!("it said {last:?}"))
}

#[tokio::test]
async fn an_endpoint_whose_results_are_late_is_named() -> Result<()> {
    ensure(&[Profile::Prometheus]).await?;
    let scene = Scene::new("late-results").await?;
    let mut addon = recording_addon("insights");
    addon["spec"]["sla"] = json!({"medianFactor": 1, "p99Factor": 1, "cutoffFactor": 60, "floorSeconds": 1});
    let unset = operator::alone_with("").await?;
    scene.run(&addon).await?;
    says(&scene, "Unknown", "PrometheusUnset").await?;
    operator::reinstall(&unset, "prometheus.serverAddress=http://nobody.invalid:9090").await?;
    says(&scene, "Unknown", "PrometheusUnreachable").await?;
    operator::reinstall(&unset, &format!("prometheus.serverAddress={}", prometheus::URL)).await?;
    says(&scene, "True", "Met").await?;

    // a receiver that is not there yet is tried again after a second, two and four: later than the SLA has it
    let away: Vec<_> = (0..9).map(|_| Reply::Status(503)).collect();
    let receiver = scene.callbacks(&away).await?;
    let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 0.5).wav();
    let address = scene.address("insights").await?;
    for number in 0..3 {
        let payload = Payload::recording(&receiver.url(&format!("job-{number}")), wav.clone(), FileOrder::Last);
        let request = scene
            .twilio(Sdk::Python)
            .request("/transcription", &format!("XR{number}"), payload)?;
        assert_eq!(request.send(address).await?.status, 202);
    }
    let message = says(&scene, "False", "Missed").await?;
    assert!(
        message.contains("endpoint recordings") && message.contains("sla.p99Factor"),
        "{message}"
    );
    let ready = scene.all::<MarketplaceAddon>().get("insights").await?;
    let ready = watch::condition(&ready, "Ready").context("it is always there")?;
    assert_eq!(ready.status, "True", "a slow add-on answers");
    scene.end().await
}
