//! The children of an add-on: they come back, they follow the spec, and they are left alone otherwise.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Instant;

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt};
use marketplace_tests::cluster::scene::{recording_addon, sms_addon};
use marketplace_tests::cluster::{Scene, operator, watch};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Deletes the one child of a kind and waits for its successor; how long that took.
async fn comes_back<K>(scene: &Scene) -> Result<()>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let objects: Api<K> = scene.all();
    let children = objects
        .list(&ListParams::default().labels("app.kubernetes.io/instance=florist"))
        .await?;
    let child = children.items.first().context("the add-on has one of each kind")?;
    objects.delete(&child.name_any(), &DeleteParams::background()).await?;
    let deleted = Instant::now();
    watch::replaced(&objects, &child.name_any(), &watch::uid(child)?).await?;
    figure(&format!(
        "a deleted {} was back after {} ms",
        K::kind(&()),
        deleted.elapsed().as_millis()
    ));
    Ok(())
}

#[tokio::test]
async fn a_deleted_child_comes_back() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("deleted-children").await?;
    scene.run(&sms_addon("florist")).await?;
    comes_back::<ServiceAccount>(&scene).await?;
    comes_back::<ConfigMap>(&scene).await?;
    comes_back::<NetworkPolicy>(&scene).await?;
    comes_back::<Service>(&scene).await?;
    comes_back::<Deployment>(&scene).await?;
    watch::ready(&scene.all(), "florist", None).await?;
    scene.end().await
}

#[tokio::test]
async fn removing_a_part_of_the_spec_removes_its_child() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("removed-parts").await?;
    let mut addon = recording_addon("florist");
    addon["spec"]["storage"]["volume"]["onDelete"] = json!("Delete");
    scene.run(&addon).await?;
    scene.all::<PersistentVolumeClaim>().get("florist-data").await?;
    let before = configuration(&scene).await?;

    scene.run(&sms_addon("florist")).await?;
    watch::gone::<PersistentVolumeClaim>(&scene.all(), "florist-data").await?;
    // the older configuration goes when no pod reads it any more
    until("the older ConfigMap is pruned", async || {
        Ok((!configuration(&scene).await?.contains_key(&first(&before)?)).then_some(()))
    })
    .await?;
    assert_eq!(configuration(&scene).await?.len(), 1);
    scene.end().await
}

async fn configuration(scene: &Scene) -> Result<BTreeMap<String, ConfigMap>> {
    let ours = ListParams::default().labels("app.kubernetes.io/instance=florist");
    Ok(scene
        .all::<ConfigMap>()
        .list(&ours)
        .await?
        .into_iter()
        .map(|map| (map.name_any(), map))
        .collect())
}

fn first(maps: &BTreeMap<String, ConfigMap>) -> Result<String> {
    maps.keys().next().cloned().context("one ConfigMap")
}

#[tokio::test]
async fn only_what_the_service_reads_rolls_the_pods() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("rolls").await?;
    let mut addon = sms_addon("florist");
    scene.run(&addon).await?;
    let before = scene.all::<Deployment>().get("florist-front").await?;

    addon["spec"]["exposure"] = json!({"clusterIp": {"port": 8000}});
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 2}}});
    scene.run(&addon).await?;
    let scaled = scene.all::<Deployment>().get("florist-front").await?;
    assert_eq!(template(&scaled), template(&before));
    assert_eq!(scene.address("florist").await?.port(), 8000);

    addon["spec"]["endpoints"][0]["path"] = json!("/sms");
    scene.run(&addon).await?;
    assert_ne!(
        template(&scene.all::<Deployment>().get("florist-front").await?),
        template(&before)
    );
    scene.end().await
}

fn template(deployment: &Deployment) -> serde_json::Value {
    serde_json::to_value(&deployment.spec.template).unwrap_or_default()
}

#[tokio::test]
async fn a_pass_that_changes_nothing_writes_nothing_and_a_foreign_field_is_kept() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("quiet").await?;
    scene.run(&recording_addon("florist")).await?;
    let deployments: Api<Deployment> = scene.all();
    let note = json!({"metadata": {"annotations": {"example.com/note": "kept"}}});
    deployments
        .patch("florist-front", &PatchParams::default(), &Patch::Merge(&note))
        .await?;
    let before = versions(&scene).await?;

    // each deletion of a child forces a pass over all of them; what the pass puts back is the one that was deleted
    let services: Api<Service> = scene.all();
    for _ in 0..3 {
        let service = services.get("florist-front").await?;
        services.delete("florist-front", &DeleteParams::default()).await?;
        watch::replaced(&services, "florist-front", &watch::uid(&service)?).await?;
    }
    let mut after = versions(&scene).await?;
    after.insert("Service".to_owned(), before["Service"].clone());
    assert_eq!(after, before);
    let kept = deployments.get("florist-front").await?;
    assert_eq!(
        kept.annotations().get("example.com/note").map(String::as_str),
        Some("kept")
    );
    scene.end().await
}

/// The resourceVersion of every child; of the Deployment its generation, because its status is not ours.
async fn versions(scene: &Scene) -> Result<BTreeMap<String, Option<String>>> {
    let configuration = configuration(scene).await?;
    let deployment = scene.all::<Deployment>().get("florist-front").await?;
    Ok(BTreeMap::from([
        version::<ServiceAccount>(scene, "florist-front").await?,
        version::<Secret>(scene, "florist-credentials").await?,
        version::<ConfigMap>(scene, &first(&configuration)?).await?,
        version::<NetworkPolicy>(scene, "florist-front").await?,
        version::<Service>(scene, "florist-front").await?,
        (
            "Deployment".to_owned(),
            deployment.metadata.generation.map(|generation| generation.to_string()),
        ),
    ]))
}

/// The kind of a child, and its resourceVersion.
async fn version<K>(scene: &Scene, name: &str) -> Result<(String, Option<String>)>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let child = scene.all::<K>().get(name).await?;
    Ok((K::kind(&()).into_owned(), child.resource_version()))
}
