//! Several replicas of the operator: one writes, another takes over, and never two at once.

use std::time::Instant;

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams};
use marketplace_tests::cluster::audit::{self, Call};
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, operator};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use serde_json::json;

/// Who holds the lease.
async fn holder(scene: &Scene) -> Result<Option<String>> {
    let leases: Api<Lease> = Api::namespaced(scene.client.clone(), operator::NAMESPACE);
    let lease = leases
        .get(&format!("{}-marketplace-operator", operator::RELEASE))
        .await?;
    let holder = lease.spec.and_then(|spec| spec.holder_identity);
    Ok(holder.filter(|holder| !holder.is_empty()))
}

async fn another_holder(scene: &Scene, before: &str) -> Result<String> {
    until("another holder of the lease", async || {
        Ok(holder(scene).await?.filter(|holder| holder != before))
    })
    .await
}

/// Each pod's writes end before the next pod's begin.
fn assert_one_after_the_other(calls: &[Call]) {
    let mut order: Vec<&str> = Vec::new();
    for call in calls.iter().filter(|call| call.is_write()) {
        if order.last() != Some(&call.pod.as_str()) {
            assert!(
                !order.contains(&call.pod.as_str()),
                "{} wrote again: {}",
                call.pod,
                call.line()
            );
            order.push(&call.pod);
        }
    }
}

#[tokio::test]
async fn a_killed_leader_is_followed_by_another_and_never_two_write() -> Result<()> {
    let _operator = operator::alone_with("replicas=2").await?;
    let scene = Scene::new("two-operators").await?;
    let since = audit::now().await?;
    let mut addon = sms_addon("florist");
    scene.run(&addon).await?;
    let first = until("a holder of the lease", async || holder(&scene).await).await?;

    let pods: Api<Pod> = Api::namespaced(scene.client.clone(), operator::NAMESPACE);
    let at_once = DeleteParams::default().grace_period(0);
    pods.delete(&first, &at_once).await.context("the leader is a pod")?;
    let killed = Instant::now();
    let second = another_holder(&scene, &first).await?;
    figure(&format!(
        "a killed leader was followed after {} ms",
        killed.elapsed().as_millis()
    ));
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 2}}});
    scene.run(&addon).await?;
    assert_eq!(
        scene.all::<Deployment>().get("florist-front").await?.spec.replicas,
        Some(2)
    );

    // one that is asked to stop gives the lease back
    pods.delete(&second, &DeleteParams::default()).await?;
    let stopped = Instant::now();
    another_holder(&scene, &second).await?;
    figure(&format!(
        "a stopped leader was followed after {} ms",
        stopped.elapsed().as_millis()
    ));
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 1}}});
    scene.run(&addon).await?;

    let mut calls = audit::calls().await?;
    calls.retain(|call| call.at > since);
    let writers: std::collections::BTreeSet<_> = calls
        .iter()
        .filter(|call| call.is_write())
        .map(|call| &call.pod)
        .collect();
    assert!(writers.len() >= 3, "the test moved the lease twice: {writers:?}");
    assert_one_after_the_other(&calls);
    scene.end().await
}
