//! The API server is gone for a while: the operator is not restarted, and works again as soon as it is back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, audit, node, operator};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use serde_json::json;

/// How long; a longer lane says more.
fn outage() -> Result<Duration> {
    let seconds = std::env::var("OUTAGE_SECONDS").unwrap_or_else(|_| "20".to_owned());
    Ok(Duration::from_secs(
        seconds.parse().context("OUTAGE_SECONDS is a number")?,
    ))
}

/// The pods of the operator, each with how often it was restarted.
async fn pods(scene: &Scene) -> Result<Vec<(Option<String>, i32)>> {
    let pods: Api<Pod> = Api::namespaced(scene.client.clone(), operator::NAMESPACE);
    let listed = pods.list(&ListParams::default()).await?;
    let restarts = |pod: &Pod| {
        let containers = pod
            .status
            .as_ref()
            .and_then(|status| status.container_statuses.as_ref());
        containers
            .into_iter()
            .flatten()
            .map(|container| container.restart_count)
            .sum()
    };
    // What another suite has replaced may still be on its way out.
    let lasting = listed
        .items
        .iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none());
    Ok(lasting.map(|pod| (pod.metadata.name.clone(), restarts(pod))).collect())
}

#[tokio::test]
async fn the_operator_outlives_an_outage_and_goes_on_at_once() -> Result<()> {
    let _operator = operator::alone().await?;
    let scene = Scene::new(&format!("outage-{}", outage()?.as_secs())).await?;
    let mut addon = sms_addon("florist");
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 0}}});
    scene.run(&addon).await?;
    let before = pods(&scene).await?;

    let server = node::process("kube-apiserver")?;
    let stopped = server.pause()?;
    // the one wait of these suites that is for a time: an outage has a length
    tokio::time::sleep(outage()?).await;
    let since = audit::now().await?;
    stopped.resume()?;
    let back = Instant::now();
    until("a call of the operator", async || {
        Ok(audit::calls().await?.pop().filter(|call| call.at > since).map(drop))
    })
    .await?;
    let called = back.elapsed();

    addon["spec"]["endpoints"][0]["path"] = json!("/sms");
    scene.run(&addon).await?;
    figure(&format!(
        "after an outage of {} s the operator called again after {} ms and had carried out an edit after {} ms",
        outage()?.as_secs(),
        called.as_millis(),
        back.elapsed().as_millis()
    ));
    ensure!(
        pods(&scene).await? == before,
        "the operator was restarted: {before:?}, {:?}",
        pods(&scene).await?
    );
    scene.end().await
}
