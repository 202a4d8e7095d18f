//! What the operator does when nothing has to be done: nothing. And what it does when somebody else interferes: one write.

use std::time::Instant;

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, audit, operator};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use serde_json::json;

const ADDONS: usize = 50;
const RESYNCS: f64 = 20.0;

#[tokio::test]
async fn twenty_resyncs_of_fifty_addons_write_nothing() -> Result<()> {
    let _operator = operator::alone_with("resyncSeconds=1").await?;
    let scene = Scene::new("at-rest").await?;
    let names: Vec<_> = (0..ADDONS).map(|number| format!("florist-{number}")).collect();
    for name in &names {
        let mut addon = sms_addon(name);
        addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 0}}});
        scene.run(&addon).await?;
    }
    // the passes that saw the last Deployment become ready are over when each add-on had one more
    let settled = passes_after(operator::metric("marketplace_operator_reconciles_total").await?, 2.0).await?;
    let (since, began) = (audit::now().await?, Instant::now());
    let mut passes = settled;
    for _ in 0..10 {
        passes = passes_after(passes, RESYNCS / 10.0).await?;
    }
    let writes = audit::writes_since(&since).await?;
    let writes: Vec<_> = writes
        .iter()
        .filter(|call| call.namespace == scene.namespace)
        .map(audit::Call::line)
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    figure(&format!(
        "{} passes over {ADDONS} add-ons at rest wrote nothing, in {} s",
        passes - settled,
        began.elapsed().as_secs()
    ));
    scene.end().await
}

/// Waits until every add-on was looked at so many times more; the number of passes then.
async fn passes_after(before: f64, rounds: f64) -> Result<f64> {
    let addons = u32::try_from(ADDONS).map(f64::from)?;
    until("more passes", async || {
        let passes = operator::metric("marketplace_operator_reconciles_total").await?;
        Ok((passes >= before + rounds * addons).then_some(passes))
    })
    .await
}

#[tokio::test]
async fn a_foreign_change_is_put_back_with_one_write_by_the_watch_and_a_foreign_field_is_kept() -> Result<()> {
    let _operator = operator::alone_with("resyncSeconds=3600").await?;
    let scene = Scene::new("interfered").await?;
    scene.run(&sms_addon("florist")).await?;
    let deployments: Api<Deployment> = scene.all();
    // the passes that follow from becoming ready are over when an edit of the add-on has come through
    let mut addon = sms_addon("florist");
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 0}}});
    scene.run(&addon).await?;

    let before = deployments.get("florist-front").await?.metadata.generation;
    let change = json!({
        "metadata": {"annotations": {"example.com/note": "kept"}},
        "spec": {"minReadySeconds": 77},
    });
    let stranger = PatchParams {
        field_manager: Some("stranger".to_owned()),
        ..PatchParams::default()
    };
    deployments
        .patch("florist-front", &stranger, &Patch::Merge(&change))
        .await?;
    let changed = Instant::now();
    let restored = until("the change put back", async || {
        let live = deployments.get("florist-front").await?;
        Ok((live.spec.min_ready_seconds != Some(77)).then_some(live))
    })
    .await?;
    figure(&format!(
        "a foreign change was put back after {} ms, with a resync of an hour",
        changed.elapsed().as_millis()
    ));
    let note = restored
        .annotations()
        .get("example.com/note")
        .context("the annotation is kept")?;
    assert_eq!(note, "kept");

    // whatever else it would write has been written when a second edit has come through
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 1}}});
    scene.run(&addon).await?;
    // each write of another spec counts the generation up: the foreign one, the one that put it back, and the edit
    let after = deployments.get("florist-front").await?.metadata.generation;
    assert_eq!(after, before.map(|generation| generation + 3));
    scene.end().await
}
