//! Plays the cloud that gives a Service of type LoadBalancer its address: there is none on one node.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::patience::until;

/// Waits for a Service of type LoadBalancer, and gives it this address as a cloud does. Nothing is routed by that: a suite
/// reaches the Service by its ClusterIP or by the node's port.
pub async fn give_address(services: &Api<Service>, name: &str, address: &str) -> Result<Service> {
    until(&format!("a LoadBalancer {name}"), async || {
        let found = services.get_opt(name).await?.and_then(|service| service.spec);
        Ok(found
            .is_some_and(|spec| spec.type_.as_deref() == Some("LoadBalancer"))
            .then_some(()))
    })
    .await?;
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": address}]}}});
    services
        .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await
        .with_context(|| format!("failed to give {name} an address"))
}
