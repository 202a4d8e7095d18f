//! The allow list, seen from machines outside the node that have addresses of their own. Every try is a new connection:
//! an established one outlives a policy.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, operator, try_run};
use marketplace_tests::patience::until;
use serde_json::json;

const ALLOWED: &str = "203.0.113.7";
const REFUSED: &str = "203.0.113.99";

/// What a client of this address gets from the pod: the status of an unsigned request, or nothing.
async fn status_for(client: &str, pod: &str) -> Result<Option<String>> {
    let url = format!("http://{pod}:8080/insights/incoming-sms");
    let curl = [
        "client",
        client,
        "--",
        "curl",
        "--silent",
        "--max-time",
        "3",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
        &url,
    ];
    let (answered, output) = try_run("tests/cluster/cluster", &curl).await?;
    Ok(answered.then(|| output.trim().to_owned()))
}

async fn pod_address(scene: &Scene) -> Result<String> {
    let pods: Api<Pod> = scene.all();
    until("the pod has an address", async || {
        let pods = pods
            .list(&ListParams::default().labels("app.kubernetes.io/instance=florist"))
            .await?;
        let mut lasting = pods
            .items
            .into_iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(lasting.find_map(|pod| pod.status?.pod_ip))
    })
    .await
}

#[tokio::test]
async fn only_a_listed_source_gets_a_connection() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("sources").await?;
    let mut addon = sms_addon("florist");
    addon["spec"]["allowList"] = json!({"sources": [{"name": "office", "cidr": "203.0.113.0/28"}]});
    scene.run(&addon).await?;
    let pod = pod_address(&scene).await?;
    // the policy reaches the pod's own rules a moment after the pod: what is waited for is the listed source
    until("the listed source is answered", async || {
        Ok((status_for(ALLOWED, &pod).await?.as_deref() == Some("403")).then_some(()))
    })
    .await?;
    assert_eq!(status_for(REFUSED, &pod).await?, None);

    addon["spec"]["allowList"] = json!({"sources": [{"name": "office", "cidr": "203.0.113.99/32"}]});
    scene.run(&addon).await?;
    // the service checks the list as well, so that a new list comes with a new pod
    let pod = pod_address(&scene).await?;
    until("the list follows the resource", async || {
        Ok((status_for(REFUSED, &pod).await?.as_deref() == Some("403")).then_some(()))
    })
    .await?;
    assert_eq!(status_for(ALLOWED, &pod).await?, None);
    scene.end().await
}
