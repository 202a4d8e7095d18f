//! What a suite needs in the cluster beside Kubernetes itself: each profile is added when the first suite asks for it,
//! stays, and goes with the cluster. `tests/cluster/cluster build` must have built it.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Service;
use kube::api::Api;
use serde_json::json;
use tokio::sync::Mutex;

use super::{Scene, run};
use crate::patience::until;

/// A part that a running cluster can be given; `tests/cluster/profiles` has a folder for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// KEDA, without its webhooks.
    Keda,
    /// CPU and memory of pods.
    MetricsServer,
    /// An S3 store, at [`S3_URL`].
    Minio,
    /// The definitions of PodMonitor and PrometheusRule.
    Monitoring,
    /// A Postgres, at [`POSTGRES_URL`].
    Postgres,
    /// A Prometheus, at [`super::prometheus::URL`].
    Prometheus,
    /// Traefik as Ingress and Gateway controller, at [`super::traefik`]'s ports of the node.
    Traefik,
}

/// Where pods reach the Postgres; a suite makes a database of its own.
pub const POSTGRES_URL: &str = "postgres://postgres:postgres@postgres.postgres.svc.cluster.local/postgres";
/// Where pods reach the S3 store; a suite makes a bucket of its own.
pub const S3_URL: &str = "http://minio.minio.svc.cluster.local:9000";
/// The S3 store's access key and secret key.
pub const S3_KEYS: (&str, &str) = ("minio", "minio-password");

impl Profile {
    /// Its folder.
    const fn name(self) -> &'static str {
        match self {
            Self::Keda => "keda",
            Self::MetricsServer => "metrics-server",
            Self::Minio => "minio",
            Self::Monitoring => "monitoring",
            Self::Postgres => "postgres",
            Self::Prometheus => "prometheus",
            Self::Traefik => "traefik",
        }
    }
}

/// Adds the profiles that are not there yet, and waits until they are usable.
pub async fn ensure(profiles: &[Profile]) -> Result<()> {
    // one suite at a time: the first waits for a profile, and the others find it there
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    let names = profiles.iter().map(|profile| profile.name());
    let arguments: Vec<_> = std::iter::once("add").chain(names).collect();
    run("tests/cluster/cluster", &arguments).await.map(drop)
}

/// Asks the S3 store as its owner, from the node: the method, and the path with its query.
pub async fn ask_store(scene: &Scene, method: &str, path: &str) -> Result<String> {
    let services: Api<Service> = Api::namespaced(scene.client.clone(), "minio");
    let address = services.get("minio").await?.spec.and_then(|spec| spec.cluster_ip);
    let address = address.context("the store has an address")?;
    let (user, url) = (
        format!("{}:{}", S3_KEYS.0, S3_KEYS.1),
        format!("http://{address}:9000/{path}"),
    );
    let signed = "--silent --fail-with-body --aws-sigv4 aws:amz:us-east-1:s3 --user";
    let signed: Vec<_> = signed.split(' ').collect();
    run("curl", &[&signed[..], &[&user, "--request", method, &url]].concat()).await
}

/// Makes an empty bucket for the scene, named like it, and the Secret `store` that opens it, or does not.
pub async fn bucket(scene: &Scene, secret_key: &str) -> Result<()> {
    ensure(&[Profile::Minio]).await?;
    // the node may learn of the store's Service a moment after its pod is ready, and an earlier run may have made the bucket
    until("a bucket", async || {
        let is_there = ask_store(scene, "GET", &scene.namespace).await.is_ok()
            || ask_store(scene, "PUT", &scene.namespace).await.is_ok();
        Ok(is_there.then_some(()))
    })
    .await?;
    store_keys(scene, secret_key).await
}

/// Writes the Secret with the key pair of the store.
pub async fn store_keys(scene: &Scene, secret_key: &str) -> Result<()> {
    let keys = json!({"AWS_ACCESS_KEY_ID": S3_KEYS.0, "AWS_SECRET_ACCESS_KEY": secret_key});
    scene.secret("store", keys).await
}

/// Makes an empty database for the scene, named like it, and the Secret `jobs` that leads there.
pub async fn database(scene: &Scene) -> Result<()> {
    let url = empty_database(scene).await?;
    scene.secret("jobs", json!({"DATABASE_URL": url})).await
}

/// Makes an empty database for the scene, named like it; its URL for pods.
pub async fn empty_database(scene: &Scene) -> Result<String> {
    ensure(&[Profile::Postgres]).await?;
    let name = database_name(scene);
    psql("postgres", &format!("drop database if exists {name} with (force)")).await?;
    psql("postgres", &format!("create database {name}")).await?;
    Ok(POSTGRES_URL.trim_end_matches("postgres").to_owned() + &name)
}

/// Carries out a statement in the scene's database.
pub async fn in_database(scene: &Scene, statement: &str) -> Result<()> {
    psql(&database_name(scene), statement).await
}

fn database_name(scene: &Scene) -> String {
    scene.namespace.replace('-', "_")
}

async fn psql(database: &str, statement: &str) -> Result<()> {
    let psql = "--namespace postgres exec deployment/postgres -- psql -h 127.0.0.1 -U postgres -d";
    let psql: Vec<_> = psql.split(' ').collect();
    run("kubectl", &[&psql[..], &[database, "-c", statement]].concat())
        .await
        .map(drop)
}
