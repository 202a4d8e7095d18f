//! What the Prometheus Operator is told of an add-on: made where it is wanted, put back, taken away, and told of where the
//! cluster has no such kinds. The definitions alone are in the cluster; the API server checks what is written.

use anyhow::{Context as _, Result};
use kube::api::{Api, DeleteParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::profile::ensure;
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Profile, Scene, operator, watch};
use marketplace_tests::patience::until;
use serde_json::json;

const KINDS: [&str; 2] = ["PodMonitor", "PrometheusRule"];

fn objects(scene: &Scene, kind: &str) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("monitoring.coreos.com", "v1", kind));
    Api::namespaced_with(scene.client.clone(), &scene.namespace, &kind)
}

async fn there(scene: &Scene, kind: &str, is_there: bool) -> Result<()> {
    until(&format!("{kind} of the add-on: {is_there}"), async || {
        let found = objects(scene, kind).get_opt("florist-front").await?;
        Ok((found.is_some() == is_there).then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_prometheus_operator_is_told_of_an_addon_that_asks_for_it() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure(&[Profile::Monitoring]).await?;
    let scene = Scene::new("monitored").await?;
    let mut addon = sms_addon("florist");
    addon["spec"]["monitoring"] = json!({"enabled": true, "labels": {"release": "gauges"}, "intervalSeconds": 15});
    let generation = scene.apply::<MarketplaceAddon>(&addon).await?.metadata.generation;
    let told = watch::state(&scene.all(), "florist", "MonitoringActive", "True", generation).await?;
    let said = watch::condition(&told, "MonitoringActive").context("the condition is there")?;
    assert_eq!(said.reason, "MonitorsApplied");

    for kind in KINDS {
        let object = objects(&scene, kind).get("florist-front").await?;
        let labels = object.metadata.labels.unwrap_or_default();
        assert_eq!(labels.get("release").map(String::as_str), Some("gauges"), "{kind}");
        objects(&scene, kind)
            .delete("florist-front", &DeleteParams::default())
            .await?;
        there(&scene, kind, true).await?;
    }
    let monitor = objects(&scene, "PodMonitor").get("florist-front").await?;
    let reading = &monitor.data["spec"]["podMetricsEndpoints"][0];
    assert_eq!(
        (&reading["port"], &reading["interval"]),
        (&json!("admin"), &json!("15s"))
    );

    addon["spec"]["monitoring"] = json!({"enabled": false});
    scene.run(&addon).await?;
    for kind in KINDS {
        there(&scene, kind, false).await?;
    }
    let addon = scene.all::<MarketplaceAddon>().get("florist").await?;
    assert_eq!(watch::condition(&addon, "MonitoringActive"), None);
    scene.end().await
}

#[tokio::test]
async fn an_operator_that_is_told_so_makes_them_for_every_addon() -> Result<()> {
    ensure(&[Profile::Monitoring]).await?;
    let _alone =
        operator::alone_with("monitoring.enabled=true,monitoring.operator=true,monitoring.labels.release=gauges")
            .await?;
    let scene = Scene::new("monitored-by-default").await?;
    scene.run(&sms_addon("florist")).await?;
    for kind in KINDS {
        there(&scene, kind, true).await?;
    }
    let addon = scene.all::<MarketplaceAddon>().get("florist").await?;
    assert_eq!(watch::condition(&addon, "MonitoringActive"), None, "nobody has asked");
    scene.end().await
}
