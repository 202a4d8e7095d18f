//! The probe of `tests/cluster/programs/probe` as a workload of a scene: what the profiles act on where the product itself
//! is not what is proven.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use super::Scene;
use crate::http::get;
use crate::patience::{until, within};

/// The name of its Deployment and of its Service, which answers at port 80.
pub const NAME: &str = "probe";

/// Deploys one, and waits until it answers; where it does.
pub async fn deploy(scene: &Scene) -> Result<SocketAddr> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME},
        "spec": {"selector": {"app": NAME}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    let service: Service = scene.apply(&service).await?;
    scene.apply::<Deployment>(&deployment()).await?;
    ready(scene, 1).await?;
    let address = service
        .spec
        .and_then(|spec| spec.cluster_ip)
        .context("it has an address")?;
    let address = SocketAddr::new(address.parse()?, 80);
    let answers = async || Ok(get(address, "/").await.is_ok().then_some(address));
    until("the probe answers", answers).await
}

/// A scaler of the cluster looks every 15 s, and every 30 s whether what it is told by has been installed meanwhile.
const SCALER_BOUND: Duration = Duration::from_mins(3);

/// Waits until a scaler has made so many of it ready.
pub async fn ready(scene: &Scene, replicas: i32) -> Result<()> {
    let mut last = None;
    let what = format!("{replicas} probes ready");
    let found = within(SCALER_BOUND, &what, async || {
        let status = scene.all::<Deployment>().get(NAME).await?.status.unwrap_or_default();
        last = status.ready_replicas;
        Ok((last == Some(replicas)).then_some(()))
    });
    found.await.with_context(|| format!("there were {last:?}"))
}

/// Sets the number that one of it shows as the metric `probe_load`.
pub async fn set_load(address: SocketAddr, load: u32) -> Result<()> {
    let answer = get(address, &format!("/load?is={load}")).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

// no replicas: they are a scaler's
fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME},
        "spec": {
            "selector": {"matchLabels": {"app": NAME}},
            "template": {
                "metadata": {
                    "labels": {"app": NAME},
                    "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
                },
                "spec": pod("docker.io/local/probe:1", &json!({
                    "ports": [{"containerPort": 8080}],
                    "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
                    "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}},
                })),
            },
        },
    })
}

/// The spec of a pod of one container that restricted Pod Security admits.
pub fn pod(image: &str, container: &Value) -> Value {
    let mut container = container.clone();
    container["name"] = json!(NAME);
    container["image"] = json!(image);
    container["imagePullPolicy"] = json!("Never");
    container["securityContext"] = json!({
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
    });
    json!({
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    })
}
