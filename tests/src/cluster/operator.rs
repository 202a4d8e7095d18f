//! The operator in the cluster. Suites share it; those that stop or remove it have it alone.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::run;

/// The namespace that it is installed into.
pub const NAMESPACE: &str = "marketplace-system";
/// The name of the release, and so of its Deployment.
pub const RELEASE: &str = "marketplace";

/// The values that every suite wants: the images that were built, and a resync that no suite has to wait for.
fn usual() -> String {
    let [operator, service, speech] = ["operator", "service", "service-speech"].map(image);
    format!(
        "image.repository={operator},image.tag=dev,serviceImage.repository={service},serviceImage.tag=dev,speechImage.repository={speech},speechImage.tag=dev,resyncSeconds=5"
    )
}

/// Where the cluster finds the image of a program of ours, without its tag.
#[must_use]
pub fn image(program: &str) -> String {
    let prefix = std::env::var("IMAGE_PREFIX").unwrap_or_else(|_| "docker.io/local".to_owned());
    format!("{prefix}/marketplace-{program}")
}

static INSTALLED: RwLock<bool> = RwLock::const_new(false);

/// The operator, running, together with other suites.
pub async fn shared() -> Result<RwLockReadGuard<'static, bool>> {
    loop {
        let installed = INSTALLED.read().await;
        if *installed {
            return Ok(installed);
        }
        drop(installed);
        drop(alone().await?);
    }
}

/// The operator, running, and no other suite with it. A suite that removes it says so in the guard.
pub async fn alone() -> Result<RwLockWriteGuard<'static, bool>> {
    let mut installed = INSTALLED.write().await;
    if !*installed {
        install("").await?;
        *installed = true;
    }
    Ok(installed)
}

/// The operator with other values of its chart (`name=value,name=value`), and no other suite with it. Whoever comes next
/// installs it with the usual ones.
pub async fn alone_with(values: &str) -> Result<RwLockWriteGuard<'static, bool>> {
    let mut installed = INSTALLED.write().await;
    *installed = false;
    install(values).await?;
    Ok(installed)
}

/// The same with other values still, while no other suite has it in between.
pub async fn reinstall(_alone: &RwLockWriteGuard<'static, bool>, values: &str) -> Result<()> {
    install(values).await
}

async fn install(values: &str) -> Result<()> {
    let values = format!("{},{values}", usual());
    let arguments = [
        "upgrade",
        "--install",
        RELEASE,
        "charts/marketplace-operator",
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        "--wait",
        "--set",
        values.trim_end_matches(','),
    ];
    run("helm", &arguments).await.map(drop)
}

/// The sum of a metric of the operator over its labels, as its one pod tells it; one that is about to end is not it.
pub async fn metric(name: &str) -> Result<f64> {
    let pods: Api<Pod> = Api::namespaced(super::client().await?, NAMESPACE);
    let mut pods = pods.list(&ListParams::default()).await?.items;
    pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
    ensure!(pods.len() == 1, "the operator has {} pods", pods.len());
    let pod = pods[0].name_any();
    let page = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8081/proxy/metrics");
    let told = run("kubectl", &["get", "--raw", &page]).await?;
    let series = told.lines().filter(|line| line.starts_with(name));
    Ok(series
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum())
}
