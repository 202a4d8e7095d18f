//! What the pods may connect to, where it is listed: nothing else, and DNS.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::cluster::scene::recording_addon;
use marketplace_tests::cluster::{NODE, Scene, operator};
use marketplace_tests::http::get;
use marketplace_tests::patience::until;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::json;

#[tokio::test]
async fn a_result_is_sent_to_listed_peers_alone() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("egress").await?;
    let peer = |cidr: String| json!({"egress": [{"ipBlock": {"cidr": cidr}}]});
    let mut addon = recording_addon("insights");
    addon["spec"]["network"] = peer("198.51.100.0/24".to_owned());
    scene.run(&addon).await?;

    let receiver = scene.callbacks(&[]).await?;
    let wav = Recording::new(1, 8000).then(Sound::Silence, 1.0).wav();
    let payload = Payload::recording(&receiver.url("one"), wav, FileOrder::Last);
    let request = scene.twilio(Sdk::Node).request("/transcription", "XR1", payload)?;
    let answer = request.send(scene.address("insights").await?).await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    until("a callback that got no connection", async || {
        let metrics = metrics(&scene).await?;
        let mut tries = metrics
            .lines()
            .filter(|line| line.starts_with("marketplace_callbacks_total"));
        Ok(tries.any(|line| line.contains("outcome=\"retried\"")).then_some(()))
    })
    .await?;
    assert_eq!(receiver.deliveries().len(), 0);

    addon["spec"]["network"] = peer(format!("{NODE}/32"));
    scene.run(&addon).await?;
    receiver.wait_for("one").await?;
    scene.end().await
}

/// The pod's own metrics; the node always reaches its pods.
async fn metrics(scene: &Scene) -> Result<String> {
    let pods: Api<Pod> = scene.all();
    let address = until("the pod has an address", async || {
        let pods = pods
            .list(&ListParams::default().labels("app.kubernetes.io/instance=insights"))
            .await?;
        Ok(pods.items.into_iter().find_map(|pod| pod.status?.pod_ip))
    });
    let address = format!("{}:8081", address.await?).parse()?;
    Ok(get(address, "/metrics").await?.text())
}
