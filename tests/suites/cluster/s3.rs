//! The audio in a bucket: fronts and workers that share no volume, a key pair that is wrong at first, and work that outlives
//! its add-on.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim};
use kube::api::{Api, DeleteParams, ListParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::cluster::profile::{S3_KEYS, S3_URL, ask_store, bucket, database, store_keys};
use marketplace_tests::cluster::scene::recording_addon;
use marketplace_tests::cluster::{Scene, operator, watch};
use marketplace_tests::patience::{until, within};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest};
use serde_json::{Value, json};

const SENT: usize = 6;
/// A kubelet brings a changed Secret to a running pod within its sync period and the life of its cache.
const KUBELET_BOUND: Duration = Duration::from_mins(4);

fn addon(scene: &Scene, workers: u32) -> Value {
    let mut addon = recording_addon("insights");
    let s3 = json!({"bucket": scene.namespace, "secretName": "store", "endpoint": S3_URL, "prefix": "suites"});
    addon["spec"]["storage"] = json!({"postgres": {"secretName": "jobs", "audio": {"s3": s3}}});
    addon["spec"]["scaling"] =
        json!({"front": {"fixed": {"replicas": 2}}, "workers": {"fixed": {"replicas": workers}}});
    addon
}

fn upload(scene: &Scene, receiver: &CallbackReceiver, sid: &str) -> Result<SignedRequest> {
    let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 2.0).wav();
    let payload = Payload::recording(&receiver.url(sid), wav, FileOrder::First);
    scene.twilio(Sdk::Node).request("/transcription", sid, payload)
}

fn sids() -> Vec<String> {
    (0..SENT).map(|number| format!("XR{number}")).collect()
}

async fn objects(scene: &Scene) -> Result<usize> {
    let listed = ask_store(scene, "GET", &format!("{}?list-type=2", scene.namespace)).await?;
    Ok(listed.matches("<Key>").count())
}

async fn until_empty(scene: &Scene) -> Result<()> {
    until("the bucket is empty", async || {
        Ok((objects(scene).await? == 0).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_wrong_key_pair_is_a_condition_and_with_the_right_one_recordings_go_through_the_bucket() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("bucket").await?;
    database(&scene).await?;
    bucket(&scene, "not-the-owners").await?;
    scene.run(&addon(&scene, 2)).await?;
    let addons: Api<MarketplaceAddon> = scene.all();
    let told = watch::state(&addons, "insights", "StorageReachable", "False", None).await?;
    let message = watch::condition(&told, "StorageReachable").map(|said| said.message.clone());
    let message = message.unwrap_or_default();
    assert!(
        message.contains("do not reach the bucket") && message.contains("SignatureDoesNotMatch"),
        "{message}"
    );
    let receiver = scene.callbacks(&[]).await?;
    let front = scene.address("insights").await?;
    let first = upload(&scene, &receiver, "XR0")?;
    assert_eq!(first.send(front).await?.status, 503);

    store_keys(&scene, S3_KEYS.1).await?;
    within(KUBELET_BOUND, "every pod has the right key pair", async || {
        let addon = addons.get("insights").await?;
        let said = watch::condition(&addon, "StorageReachable");
        Ok(said.filter(|said| said.status == "True").map(drop))
    })
    .await?;
    for sid in sids() {
        let answer = upload(&scene, &receiver, &sid)?.send(front).await?;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    for sid in sids() {
        receiver.wait_for(&sid).await?;
    }
    until_empty(&scene).await?;
    let claims: Api<PersistentVolumeClaim> = scene.all();
    assert!(claims.list(&ListParams::default()).await?.items.is_empty());
    let events: Api<Event> = scene.all();
    let told = ListParams::default().fields("involvedObject.name=insights,reason=StorageOutOfReach");
    assert!(!events.list(&told).await?.items.is_empty());
    scene.end().await
}

#[tokio::test]
async fn what_a_deleted_addon_has_accepted_is_finished_by_the_next_one_of_its_name() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("bucket-next").await?;
    database(&scene).await?;
    bucket(&scene, S3_KEYS.1).await?;
    scene.run(&addon(&scene, 0)).await?;
    let receiver = scene.callbacks(&[]).await?;
    let front = scene.address("insights").await?;
    for sid in sids() {
        let answer = upload(&scene, &receiver, &sid)?.send(front).await?;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    assert_eq!(objects(&scene).await?, SENT);

    let addons: Api<MarketplaceAddon> = scene.all();
    addons.delete("insights", &DeleteParams::foreground()).await?;
    watch::gone(&addons, "insights").await?;
    let deployments: Api<Deployment> = scene.all();
    until("its pods are gone", async || {
        Ok(deployments
            .list(&ListParams::default())
            .await?
            .items
            .is_empty()
            .then_some(()))
    })
    .await?;
    assert!(receiver.deliveries().is_empty());
    assert_eq!(
        objects(&scene).await?,
        SENT,
        "deleting the add-on deletes nothing of it"
    );

    scene.run(&addon(&scene, 2)).await?;
    for sid in sids() {
        receiver.wait_for(&sid).await?;
    }
    until_empty(&scene).await?;
    scene.end().await
}
