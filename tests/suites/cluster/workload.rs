//! What a person decides of the pods arrives in running pods, and what Kubernetes does not take is told and can be mended.

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, operator, watch};
use marketplace_tests::patience::until;
use serde_json::{Value, json};

const PRIORITY: &str = "workload-suite";

async fn make_priority_class(client: &Client) -> Result<()> {
    let class = json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": PRIORITY}, "value": 7,
    });
    let classes: Api<PriorityClass> = Api::all(client.clone());
    classes
        .patch(PRIORITY, &PatchParams::apply("suite").force(), &Patch::Apply(&class))
        .await?;
    Ok(())
}

/// The one pod that runs and is not about to go.
async fn pod(scene: &Scene) -> Result<Value> {
    let pods: Api<Pod> = scene.all();
    let found = until("one pod of the add-on", async || {
        let ours = ListParams::default().labels("app.kubernetes.io/instance=florist");
        let listed = pods.list(&ours).await?.items;
        let mut staying = listed
            .into_iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(staying.next().filter(|_| staying.next().is_none()))
    });
    Ok(serde_json::to_value(found.await?)?)
}

fn everything() -> Value {
    json!({
        "resources": {"requests": {"cpu": "30m", "memory": "48Mi"}, "limits": {"memory": "200Mi"}},
        "scheduling": {
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"key": "paid", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 3, "preference": {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["fast"]}]}},
            ]}},
            "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}],
            "priorityClassName": PRIORITY,
        },
        "podLabels": {"team": "insights"},
        "podAnnotations": {"example.com/note": "kept"},
        "imagePullSecrets": [{"name": "registry"}],
        "env": [
            {"name": "RUST_LOG", "value": "debug"},
            {"name": "REGION", "valueFrom": {"configMapKeyRef": {"name": "places", "key": "region"}}},
            {"name": "BEARER", "valueFrom": {"secretKeyRef": {"name": "gate", "key": "bearer"}}},
        ],
        "podOverrides": {
            "metadata": {"annotations": {"example.com/mesh": "off"}},
            "spec": {
                "hostAliases": [{"ip": "192.0.2.9", "hostnames": ["crm.internal"]}],
                "securityContext": {"fsGroupChangePolicy": null},
                "containers": [{"name": "service", "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}],
                "volumes": [{"name": "scratch", "emptyDir": {}}],
            },
        },
    })
}

#[tokio::test]
async fn everything_that_is_decided_of_the_pods_arrives_in_one_that_runs() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("workload").await?;
    make_priority_class(&scene.client).await?;
    let object = |kind: &str, name: &str, data: Value| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": data});
    scene
        .apply::<ConfigMap>(&object("ConfigMap", "places", json!({"region": "north"})))
        .await?;
    scene
        .apply::<Secret>(&object("Secret", "gate", json!({"bearer": "cGFzcw=="})))
        .await?;
    let mut addon = sms_addon("florist");
    addon["spec"]["workload"] = everything();
    scene.run(&addon).await?;

    let pod = pod(&scene).await?;
    let (metadata, spec) = (&pod["metadata"], &pod["spec"]);
    let container = &spec["containers"][0];
    assert_eq!(container["resources"], everything()["resources"]);
    assert_eq!(spec["nodeSelector"], json!({"kubernetes.io/os": "linux"}));
    let tolerations = spec["tolerations"].as_array().context("tolerations")?;
    assert!(tolerations.contains(&json!({"key": "paid", "operator": "Exists", "effect": "NoSchedule"})));
    assert_eq!(spec["affinity"], everything()["scheduling"]["affinity"]);
    let spread = &spec["topologySpreadConstraints"];
    assert_eq!(
        (spread.as_array().map(Vec::len), &spread[0]["maxSkew"]),
        (Some(1), &json!(2))
    );
    assert_eq!(
        spread[0]["labelSelector"]["matchLabels"]["app.kubernetes.io/component"],
        "front"
    );
    assert_eq!(
        (&spec["priorityClassName"], &spec["priority"]),
        (&json!(PRIORITY), &json!(7))
    );
    assert_eq!(metadata["labels"]["team"], "insights");
    assert_eq!(metadata["annotations"]["example.com/note"], "kept");
    assert_eq!(metadata["annotations"]["example.com/mesh"], "off");
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "registry"}]));
    assert_eq!(container["env"], everything()["env"]);
    assert_eq!(spec["hostAliases"], everything()["podOverrides"]["spec"]["hostAliases"]);
    assert_eq!(spec["securityContext"].get("fsGroupChangePolicy"), None);
    assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
    let mounts = container["volumeMounts"].as_array().context("mounts")?;
    assert!(mounts.iter().any(|mount| mount["mountPath"] == "/scratch") && mounts.len() > 2);
    Api::<PriorityClass>::all(scene.client.clone())
        .delete(PRIORITY, &DeleteParams::default())
        .await?;
    scene.end().await
}

#[tokio::test]
async fn pods_are_spread_over_nodes_and_zones_where_nothing_is_said() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("spread").await?;
    scene.run(&sms_addon("florist")).await?;
    let pod = pod(&scene).await?;
    let spread = pod["spec"]["topologySpreadConstraints"].as_array();
    let over: Vec<_> = spread.into_iter().flatten().map(|one| &one["topologyKey"]).collect();
    assert_eq!(over, ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]);
    scene.end().await
}

async fn refused(scene: &Scene, overrides: &Value, words: &[&str]) -> Result<()> {
    let mut addon = sms_addon("florist");
    addon["spec"]["workload"] = json!({ "podOverrides": overrides });
    let generation = scene.apply::<MarketplaceAddon>(&addon).await?.metadata.generation;
    let addon = watch::state(&scene.all(), "florist", "Stalled", "True", generation).await?;
    for kind in ["Ready", "Stalled"] {
        let condition = watch::condition(&addon, kind).context("the condition is there")?;
        assert_eq!(condition.reason, "PodOverridesRefused", "{}", condition.message);
        for word in [&["spec.workload.podOverrides"], words].concat() {
            assert!(condition.message.contains(word), "{word}: {}", condition.message);
        }
    }
    Ok(())
}

#[tokio::test]
async fn overrides_that_kubernetes_does_not_take_are_told_in_its_words_and_mended() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("overrides").await?;
    scene.run(&sms_addon("florist")).await?;
    let deployment = async || scene.all::<Deployment>().get("florist-front").await;
    let before = deployment().await?;

    refused(
        &scene,
        &json!({"spec": {"restartPolicy": "Sometimes"}}),
        &["restartPolicy", "Sometimes"],
    )
    .await?;
    refused(
        &scene,
        &json!({"spec": {"restartPolicee": "Always"}}),
        &["restartPolicee"],
    )
    .await?;
    refused(
        &scene,
        &json!({"spec": {"terminationGracePeriodSeconds": "soon"}}),
        &["terminationGracePeriodSeconds"],
    )
    .await?;
    let label = json!({"metadata": {"labels": {"app.kubernetes.io/component": "other"}}});
    refused(&scene, &label, &["app.kubernetes.io/component"]).await?;
    assert_eq!(deployment().await?.spec, before.spec, "the pods stay as they were");

    let mut addon = sms_addon("florist");
    addon["spec"]["workload"] = json!({"podOverrides": {"spec": {"terminationGracePeriodSeconds": 77}}});
    scene.run(&addon).await?;
    assert_eq!(pod(&scene).await?["spec"]["terminationGracePeriodSeconds"], 77);

    // taken as a Deployment, refused as a Pod
    addon["spec"]["workload"] = json!({"podOverrides": {"spec": {"hostNetwork": true}}});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    until("Available says why no pod is made", async || {
        let addon = scene.all::<MarketplaceAddon>().get("florist").await?;
        let words = ["violates PodSecurity", "spec.workload.podOverrides"];
        Ok(watch::condition(&addon, "Available")
            .filter(|said| words.iter().all(|word| said.message.contains(word)))
            .cloned())
    })
    .await?;
    scene.run(&sms_addon("florist")).await?;
    scene.end().await
}

#[tokio::test]
async fn what_no_pod_reads_rolls_none() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("still").await?;
    let mut addon = sms_addon("florist");
    addon["spec"]["workload"] =
        json!({"podOverrides": {"spec": {"hostAliases": [{"ip": "192.0.2.9", "hostnames": ["crm"]}]}}});
    scene.run(&addon).await?;
    let before = scene.all::<Deployment>().get("florist-front").await?;

    addon["metadata"]["labels"] = json!({"team": "insights"});
    addon["metadata"]["annotations"] = json!({"example.com/note": "kept"});
    addon["spec"]["monitoring"] = json!({"labels": {"release": "gauges"}});
    scene.run(&addon).await?;
    let after = scene.all::<Deployment>().get("florist-front").await?;
    assert_eq!(
        (after.metadata.generation, after.uid()),
        (before.metadata.generation, before.uid())
    );
    scene.end().await
}
