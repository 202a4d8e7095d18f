//! Whether the cluster knows the kinds by which the Prometheus Operator is told of an add-on. Asked only where they are wanted.

use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client};

use super::DereferenceError;
use crate::failure;
use crate::kind::Kind;
use crate::render::labels;

/// Which of the kinds the cluster knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// PodMonitor.
    pub pod_monitors: bool,
    /// PrometheusRule.
    pub prometheus_rules: bool,
}

impl Served {
    /// Both.
    pub const ALL: Self = Self {
        pod_monitors: true,
        prometheus_rules: true,
    };
}

/// By a list of each.
pub(super) async fn get(client: &Client, namespace: &str, addon: &str) -> Result<Served, DereferenceError> {
    let is_served = async |kind: Kind| {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind.resource());
        let ours = ListParams::default().labels(&labels::selector_of(addon));
        let listed = failure::where_known(api.list_metadata(&ours).await);
        let listed = listed.map_err(|error| DereferenceError::ListMonitors(kind, addon.to_owned(), error))?;
        Ok(listed.is_some())
    };
    Ok(Served {
        pod_monitors: is_served(Kind::PodMonitor).await?,
        prometheus_rules: is_served(Kind::PrometheusRule).await?,
    })
}
