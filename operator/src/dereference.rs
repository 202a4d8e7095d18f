//! Step 1, I/O in: everything outside of the resource that the other steps must know. Reads only, decides nothing.

pub mod monitoring;
pub mod rollout;
pub mod routing;
pub mod scalers;
pub mod secrets;
pub mod workload;

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use kube::{Client, ResourceExt};
use marketplace_crds::MarketplaceAddon;

use crate::clock;
use crate::kind::Kind;
use crate::validate::Defaults;

pub use routing::Routing;
pub use secrets::{SecretContent, SecretFact};
pub use workload::Workload;

/// Why a fact could not be had. All of them are the world's fault and are tried again.
#[derive(Debug, thiserror::Error)]
pub enum DereferenceError {
    /// The API server did not give the Secret, and not because it is absent or forbidden.
    #[error("failed to get Secret {0}")]
    GetSecret(String, #[source] kube::Error),
    /// The API server did not give the Deployment.
    #[error("failed to get Deployment {0}")]
    GetDeployment(String, #[source] kube::Error),
    /// The API server did not list what scales the pods.
    #[error("failed to list the autoscalers of {0}")]
    ListScalers(String, #[source] kube::Error),
    /// The API server did not list the pods.
    #[error("failed to list the pods of {0}")]
    ListPods(String, #[source] kube::Error),
    /// The API server did not list what tells the Prometheus Operator.
    #[error("failed to list the {0} objects of {1}")]
    ListMonitors(Kind, String, #[source] kube::Error),
    /// The API server did not give what routes to the Service.
    #[error("failed to get {0} {1}")]
    GetRouting(Kind, String, #[source] kube::Error),
}

impl DereferenceError {
    /// A word for metrics, Events and conditions.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::GetSecret(..) => "SecretUnreadable",
            Self::GetDeployment(..) | Self::ListScalers(..) | Self::ListPods(..) => "WorkloadUnreadable",
            Self::ListMonitors(..) => "MonitoringUnreadable",
            Self::GetRouting(..) => "RoutingUnreadable",
        }
    }
}

/// The facts about one add-on at one time.
#[derive(Debug, Default)]
pub struct Facts {
    /// Every Secret that the resource names, by name.
    pub secrets: BTreeMap<String, SecretFact>,
    /// The copy of the credentials that the pods have, where it is this add-on's.
    pub copy: Option<SecretContent>,
    /// The pods as they are.
    pub workload: Workload,
    /// When the facts were fetched.
    pub now: Timestamp,
}

/// Fetches the facts.
pub async fn dereference(
    client: &Client,
    addon: &MarketplaceAddon,
    defaults: &Defaults,
) -> Result<Facts, DereferenceError> {
    let namespace = addon.namespace().unwrap_or_default();
    let mut secrets = BTreeMap::new();
    for name in secrets::named_by(addon) {
        let fact = secrets::get(client, &namespace, &name).await?;
        secrets.insert(name, fact);
    }
    let mut workload = Box::pin(workload::get(client, &namespace, addon)).await?;
    workload.routing = routing::get(client, addon, &secrets).await?;
    if defaults.monitoring.wants(&addon.spec.monitoring) {
        workload.monitoring = monitoring::get(client, &namespace, &addon.name_any()).await?;
    }
    Ok(Facts {
        secrets,
        copy: secrets::get_copy(client, addon).await?,
        workload,
        now: clock::now(),
    })
}
