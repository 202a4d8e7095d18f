//! What a suite needs in the cluster beside Kubernetes itself: each profile is added when the first suite asks for it,
//! stays, and goes with the cluster. `tests/cluster/cluster build` must have built it.

use anyhow::Result;
use tokio::sync::Mutex;

use super::run;

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
