//! Deleting an add-on does not delete accepted work: the volume stays, an Event names it, and the next add-on of the name
//! takes it over.

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Event, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{Api, DeleteParams, ListParams};
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt as _};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::Reply;
use marketplace_tests::cluster::scene::recording_addon;
use marketplace_tests::cluster::{Scene, operator, watch};
use marketplace_tests::patience::until;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde::de::DeserializeOwned;

async fn names<K>(scene: &Scene) -> Result<Vec<String>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let ours = ListParams::default().labels("app.kubernetes.io/instance=insights");
    let kind = K::kind(&());
    Ok(scene
        .all::<K>()
        .list(&ours)
        .await?
        .iter()
        .map(|object| format!("{kind}/{}", object.name_any()))
        .collect())
}

async fn everything(scene: &Scene) -> Result<Vec<String>> {
    let mut found = names::<Deployment>(scene).await?;
    found.extend(names::<Pod>(scene).await?);
    found.extend(names::<Service>(scene).await?);
    found.extend(names::<ServiceAccount>(scene).await?);
    found.extend(names::<Secret>(scene).await?);
    found.extend(names::<ConfigMap>(scene).await?);
    found.extend(names::<NetworkPolicy>(scene).await?);
    found.extend(names::<PersistentVolumeClaim>(scene).await?);
    Ok(found)
}

#[tokio::test]
async fn a_deleted_addon_leaves_its_volume_and_the_next_one_finishes_the_work() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("retained").await?;
    scene.run(&recording_addon("insights")).await?;
    let claim = scene.all::<PersistentVolumeClaim>().get("insights-data").await?;

    // a result that Twilio does not take yet: work that is left when the add-on goes
    let receiver = scene.callbacks(&[Reply::Status(503); 4]).await?;
    let wav = Recording::new(1, 8000)
        .then(
            Sound::Tone {
                hertz: 440.0,
                amplitude: 0.5,
            },
            60.0,
        )
        .wav();
    let payload = Payload::recording(&receiver.url("left"), wav, FileOrder::First);
    let answer = scene
        .twilio(Sdk::Node)
        .request("/transcription", "XR1", payload)?
        .send(scene.address("insights").await?)
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    receiver.wait("a first try", |all| !all.is_empty()).await?;

    let addons: Api<MarketplaceAddon> = scene.all();
    addons.delete("insights", &DeleteParams::foreground()).await?;
    watch::gone(&addons, "insights").await?;
    let mut last = Vec::new();
    let left = until("only the volume is left", async || {
        last = everything(&scene).await?;
        Ok((last == ["PersistentVolumeClaim/insights-data"]).then_some(()))
    });
    left.await.with_context(|| format!("there was {last:?}"))?;
    until("an Event that names the volume", async || {
        let events: Api<Event> = scene.all();
        let events = events
            .list(&ListParams::default().fields("involvedObject.name=insights-data,reason=VolumeRetained"))
            .await?;
        Ok((!events.items.is_empty()).then_some(()))
    })
    .await?;
    let tries = receiver.deliveries().len();

    scene.run(&recording_addon("insights")).await?;
    let adopted = scene.all::<PersistentVolumeClaim>().get("insights-data").await?;
    assert_eq!(watch::uid(&adopted)?, watch::uid(&claim)?);
    receiver
        .wait("the next add-on goes on with the result", |all| all.len() > tries)
        .await?;
    scene.end().await
}
