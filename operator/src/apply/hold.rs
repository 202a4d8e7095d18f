//! I/O: writes the number of pods of a Deployment under a field manager of its own (see `handover`).

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::{Applier, ApplyError};
use crate::handover::HOLDER;
use crate::kind::Kind;

/// Writes it, to this very Deployment and to none that was made since.
pub(super) async fn hold(applier: &Applier<'_>, live: &Deployment, replicas: i32) -> Result<Deployment, ApplyError> {
    let name = live.name_any();
    let deployments: Api<Deployment> = Api::namespaced(applier.client.clone(), &applier.addon.namespace);
    let body = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "uid": live.metadata.uid},
        "spec": {"replicas": replicas},
    });
    let parameters = PatchParams::apply(HOLDER).force();
    let written = deployments.patch(&name, &parameters, &Patch::Apply(body)).await;
    let written = written.map_err(|error| ApplyError::HoldReplicas(name.clone(), error))?;
    let key = applier.key(Kind::Deployment, name);
    applier.memory.moved(&key, written.metadata.resource_version.as_deref());
    applier.metrics.count_apply(
        Kind::Deployment,
        live.metadata.resource_version != written.metadata.resource_version,
    );
    Ok(written)
}
