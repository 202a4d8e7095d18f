//! What the resource no longer declares is taken away again, and what somebody else changes of it is put back before.

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::Api;
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::profile::{Profile, ensure};
use marketplace_tests::cluster::scene::{recording_addon, sms_addon};
use marketplace_tests::cluster::{Scene, operator, run, watch};
use marketplace_tests::patience::until;
use serde_json::json;

/// What of a kind is there, by name.
async fn listed(scene: &Scene, kind: &str) -> Result<String> {
    let arguments = ["--namespace", &scene.namespace, "get", kind, "--output=name"];
    Ok(run("kubectl", &arguments).await?.trim().to_owned())
}

async fn exists(scene: &Scene, kind: &str, is_wanted: bool) -> Result<()> {
    until(&format!("{kind} is there: {is_wanted}"), async || {
        Ok((listed(scene, kind).await?.is_empty() != is_wanted).then_some(()))
    })
    .await
}

/// Somebody else writes a label of ours; it is put back.
async fn is_put_back(scene: &Scene, kind: &str) -> Result<()> {
    let ours = "app.kubernetes.io/component";
    let get = format!(
        "--output=jsonpath={{.items[0].metadata.labels.{}}}",
        ours.replace('.', "\\.")
    );
    let read = ["--namespace", &scene.namespace, "get", kind, &get];
    let before = run("kubectl", &read).await?;
    let label = format!("{ours}=stranger");
    let write = [
        "--namespace",
        &scene.namespace,
        "label",
        "--overwrite",
        "--all",
        kind,
        &label,
    ];
    run("kubectl", &write).await?;
    until(&format!("{kind} is put back"), async || {
        Ok((run("kubectl", &read).await? == before).then_some(()))
    })
    .await
}

#[tokio::test]
async fn workers_go_with_the_last_endpoint_that_needs_them() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("withdrawn-workers").await?;
    let url = json!({"DATABASE_URL": "postgres://jobs@nowhere.example/jobs"});
    scene.secret("jobs", url).await?;
    let mut addon = recording_addon("insights");
    addon["spec"]["storage"] = json!({"postgres": {"secretName": "jobs", "volume": {"size": "1Gi"}}});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    let deployments: Api<Deployment> = scene.all();
    until("there are workers", async || {
        Ok(deployments.get_opt("insights-workers").await?.map(drop))
    })
    .await?;
    addon["spec"]["endpoints"] = sms_addon("insights")["spec"]["endpoints"].clone();
    scene.apply::<MarketplaceAddon>(&addon).await?;
    watch::gone(&deployments, "insights-workers").await?;
    watch::gone(&scene.all::<NetworkPolicy>(), "insights-workers").await?;
    watch::gone(&scene.all::<PodDisruptionBudget>(), "insights-workers").await?;
    scene.end().await
}

#[tokio::test]
async fn what_other_operators_are_told_by_is_put_back_and_taken_away() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure(&[Profile::Keda, Profile::Monitoring]).await?;
    let scene = Scene::new("withdrawn-objects").await?;
    let mut addon = sms_addon("florist");
    let prometheus = json!({"serverAddress": "http://nowhere.example:9090"});
    addon["spec"]["scaling"] =
        json!({"front": {"keda": {"minReplicas": 1, "maxReplicas": 2, "prometheus": prometheus}}});
    addon["spec"]["monitoring"] = json!({"enabled": true});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    for kind in ["scaledobjects", "podmonitors", "prometheusrules"] {
        exists(&scene, kind, true).await?;
        is_put_back(&scene, kind).await?;
    }
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 1}}});
    addon["spec"]["monitoring"] = json!({"enabled": false});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    for kind in ["scaledobjects", "podmonitors", "prometheusrules"] {
        exists(&scene, kind, false).await?;
    }
    scene.end().await
}
