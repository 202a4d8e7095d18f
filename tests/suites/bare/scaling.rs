//! The number of pods: declared, decided by a HorizontalPodAutoscaler, or by a KEDA that is not there. The cluster has neither
//! metrics nor KEDA: who owns the number is proven here, not what is made of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, operator, run, watch};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use serde_json::{Value, json};

const FRONT: &str = "florist-front";

async fn number(scene: &Scene) -> Result<i32> {
    let deployment = scene.all::<Deployment>().get(FRONT).await?;
    deployment
        .spec
        .replicas
        .context("the API server gives every Deployment a number")
}

async fn number_is(scene: &Scene, pods: i32) -> Result<()> {
    until(&format!("{pods} pods are wanted"), async || {
        Ok((number(scene).await? == pods).then_some(()))
    })
    .await
}

/// The managers that have applied the number of pods.
async fn appliers(scene: &Scene) -> Result<Vec<String>> {
    let deployment = scene.all::<Deployment>().get(FRONT).await?;
    let entries = deployment.metadata.managed_fields.unwrap_or_default().into_iter();
    let wrote = entries.filter(|entry| {
        let fields = entry.fields_v1.as_ref();
        entry.operation.as_deref() == Some("Apply")
            && fields.is_some_and(|fields| fields.0["f:spec"].get("f:replicas").is_some())
    });
    Ok(wrote.filter_map(|entry| entry.manager).collect())
}

fn scaled(front: &Value) -> Value {
    let mut addon = sms_addon("florist");
    addon["spec"]["scaling"] = json!({"front": front});
    addon
}

async fn declare(scene: &Scene, front: &Value) -> Result<Option<i64>> {
    let applied = scene.apply::<MarketplaceAddon>(&scaled(front)).await?;
    Ok(applied.metadata.generation)
}

#[tokio::test]
async fn the_number_passes_from_the_spec_to_an_autoscaler_and_back() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("handover").await?;
    scene.run(&scaled(&json!({"fixed": {"replicas": 2}}))).await?;
    let before = watch::uid(&scene.all::<Deployment>().get(FRONT).await?)?;
    let alone = async || Ok((appliers(&scene).await? == ["marketplace-operator-replicas"]).then_some(()));
    until("the number has a manager of its own", alone).await?;
    run(
        "kubectl",
        &["--namespace", "handover", "scale", "deployment", FRONT, "--replicas=1"],
    )
    .await?;
    number_is(&scene, 2).await?;

    let generation = declare(&scene, &json!({"hpa": {"minReplicas": 1, "maxReplicas": 4}})).await?;
    let hpa = until("an autoscaler", async || {
        Ok(scene.all::<HorizontalPodAutoscaler>().get_opt(FRONT).await?)
    })
    .await?;
    assert_eq!((hpa.spec.min_replicas, hpa.spec.max_replicas), (Some(1), 4));
    // Nothing in this cluster measures CPU, and the autoscaler says so.
    let addon = watch::state(&scene.all(), "florist", "ScalingActive", "False", generation).await?;
    let said = watch::condition(&addon, "ScalingActive").context("it was just seen")?;
    assert_eq!(said.reason, "FailedGetContainerResourceMetric", "{said:?}");
    assert!(said.message.contains("metrics-server"), "{said:?}");
    assert_eq!(number(&scene).await?, 2, "the number stays as it was");
    // Whoever scales now is not the operator: within bounds it is left alone, below them the autoscaler itself puts it right.
    run(
        "kubectl",
        &["--namespace", "handover", "scale", "deployment", FRONT, "--replicas=3"],
    )
    .await?;
    number_is(&scene, 3).await?;
    // A change of the resource is carried out after it, by passes that have seen the number.
    let mut addon = scaled(&json!({"hpa": {"minReplicas": 1, "maxReplicas": 5}}));
    addon["spec"]["exposure"] = json!({"clusterIp": {"port": 8000}});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    until("the change is carried out", async || {
        let hpa = scene.all::<HorizontalPodAutoscaler>().get(FRONT).await?;
        Ok((hpa.spec.max_replicas == 5).then_some(()))
    })
    .await?;
    assert_eq!(number(&scene).await?, 3);

    declare(&scene, &json!({"fixed": {"replicas": 1}})).await?;
    watch::gone::<HorizontalPodAutoscaler>(&scene.all(), FRONT).await?;
    number_is(&scene, 1).await?;
    let ready = watch::ready(&scene.all(), "florist", None).await?;
    assert!(watch::condition(&ready, "ScalingActive").is_none());
    assert_eq!(watch::uid(&scene.all::<Deployment>().get(FRONT).await?)?, before);
    scene.end().await
}

#[tokio::test]
async fn an_addon_of_no_pods_is_ready_and_an_autoscaler_wakes_it() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("woken").await?;
    scene.run(&scaled(&json!({"fixed": {"replicas": 0}}))).await?;
    assert_eq!(number(&scene).await?, 0);
    declare(&scene, &json!({"hpa": {"minReplicas": 2}})).await?;
    number_is(&scene, 2).await?;
    scene.end().await
}

#[tokio::test]
async fn a_drain_takes_one_pod_at_a_time_and_does_not_wait_for_broken_ones() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("budgets").await?;
    scene.run(&scaled(&json!({"fixed": {"replicas": 2}}))).await?;
    let budget = until("the budget is counted", async || {
        let budget = scene.all::<PodDisruptionBudget>().get(FRONT).await?;
        let status = budget.status.as_ref();
        let counted =
            status.is_some_and(|status| (Some(2), Some(1)) == (status.expected_pods, status.disruptions_allowed));
        Ok(counted.then_some(budget))
    })
    .await?;
    let spec = budget.spec.context("it was applied")?;
    assert_eq!(spec.unhealthy_pod_eviction_policy.as_deref(), Some("AlwaysAllow"));
    scene.end().await
}

/// As much of KEDA as the operator sees of it: the definition, and nobody who acts on it.
fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "scaledobjects.keda.sh"},
        "spec": {
            "group": "keda.sh", "scope": "Namespaced",
            "names": {"kind": "ScaledObject", "plural": "scaledobjects", "singular": "scaledobject", "listKind": "ScaledObjectList"},
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

#[tokio::test]
async fn keda_that_is_missing_is_said_and_keda_that_comes_is_noticed() -> Result<()> {
    let _operator = operator::alone().await?;
    let scene = Scene::new("keda").await?;
    let keda =
        json!({"keda": {"minReplicas": 2, "prometheus": {"serverAddress": "http://prometheus.monitoring.svc:9090"}}});
    let generation = declare(&scene, &keda).await?;
    let addon = watch::state(&scene.all(), "florist", "ScalingActive", "False", generation).await?;
    let said = watch::condition(&addon, "ScalingActive").context("it was just seen")?;
    assert_eq!(said.reason, "KedaMissing", "{said:?}");
    number_is(&scene, 2).await?;
    watch::state(&scene.all(), "florist", "Available", "True", generation).await?;

    let definitions: Api<CustomResourceDefinition> = Api::all(scene.client.clone());
    let parameters = PatchParams::apply("suite");
    definitions
        .patch("scaledobjects.keda.sh", &parameters, &Patch::Apply(&definition()))
        .await?;
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject"));
    let objects: Api<DynamicObject> = Api::namespaced_with(scene.client.clone(), &scene.namespace, &kind);
    let made = until("a ScaledObject", async || {
        Ok(objects.get_opt(FRONT).await.ok().flatten())
    })
    .await?;
    assert_eq!(made.data["spec"]["minReplicaCount"], 2);
    assert_eq!(
        made.data["spec"]["triggers"][0]["metadata"]["ignoreNullValues"],
        "false"
    );

    definitions
        .delete("scaledobjects.keda.sh", &DeleteParams::default())
        .await?;
    until("KEDA is missed again", async || {
        let addon = scene.all::<MarketplaceAddon>().get("florist").await?;
        let said = watch::condition(&addon, "ScalingActive").map(|said| said.reason.clone());
        Ok((said.as_deref() == Some("KedaMissing")).then_some(()))
    })
    .await?;
    scene.end().await
}

/// Definitions that are absent are asked for again and again; that must hold up nothing else.
#[tokio::test]
async fn an_edit_is_carried_out_at_once_though_optional_definitions_are_absent() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("edits").await?;
    scene.run(&scaled(&json!({"fixed": {"replicas": 0}}))).await?;
    let mut longest = Duration::ZERO;
    for pods in [1, 0, 1, 0, 1, 0] {
        let began = Instant::now();
        declare(&scene, &json!({"fixed": {"replicas": pods}})).await?;
        number_is(&scene, pods).await?;
        longest = longest.max(began.elapsed());
    }
    figure(&format!(
        "without KEDA and the Gateway API the slowest of 6 edits was carried out after {} ms",
        longest.as_millis()
    ));
    scene.end().await
}
