//! Step 5, I/O: the status is patched if it has changed, and what a person should hear of becomes an Event. An Event that
//! cannot be written is logged and forgotten: the conditions say the same.

pub mod crossings;

use k8s_openapi::api::core::v1::{ObjectReference, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::ApiResource;
use kube::{Api, Client, Resource};
use kube_runtime::events::{Event, EventType, Recorder};
use marketplace_crds::status::ConditionType;
use marketplace_crds::{MarketplaceAddon, MarketplaceAddonStatus};
use serde_json::json;

use crate::failure;
use crate::render::{labels, names};
use crate::status::scaling::STARTING;
use crate::status::sources;

/// Why the status does not say how it is.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The API server did not take the status.
    #[error("failed to patch the status of MarketplaceAddon {0}")]
    PatchStatus(String, #[source] kube::Error),
}

/// Patches the status. An add-on that is gone by now needs none.
pub async fn patch_status(
    client: &Client,
    namespace: &str,
    name: &str,
    status: &MarketplaceAddonStatus,
) -> Result<(), ReportError> {
    let resource = ApiResource::erase::<MarketplaceAddon>(&());
    let body = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name},
        "status": status,
    });
    // As a dynamic object: the answer is of no interest, and may be one that cannot be read.
    let addons: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let parameters = PatchParams::apply(labels::OPERATOR).force();
    match addons.patch_status(name, &parameters, &Patch::Apply(body)).await {
        Ok(_) => Ok(()),
        Err(error) if failure::is_absent(&error) => Ok(()),
        Err(error) => Err(ReportError::PatchStatus(name.to_owned(), error)),
    }
}

/// The Event for a change of the condition Ready, if it has changed in status or reason.
#[must_use]
pub fn readiness_changed(before: Option<&MarketplaceAddonStatus>, after: &MarketplaceAddonStatus) -> Option<Event> {
    let now = after.condition(ConditionType::Ready)?;
    let then = before.and_then(|before| before.condition(ConditionType::Ready));
    if then.is_some_and(|then| (&then.status, &then.reason) == (&now.status, &now.reason)) {
        return None;
    }
    let is_fine = now.status == "True"
        || matches!(
            now.reason.as_str(),
            "Progressing" | "Suspended" | STARTING | "IngressPending" | "RoutePending" | "LoadBalancerPending"
        );
    let type_ = if is_fine { EventType::Normal } else { EventType::Warning };
    let reason = if now.status == "True" { "Ready" } else { &now.reason };
    Some(of_condition(type_, reason, now))
}

fn of_condition(type_: EventType, reason: &str, now: &Condition) -> Event {
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(now.message.clone()),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

/// The Event for an enforced allow list that any Pod of the cluster can get around, when that has become so.
#[must_use]
pub fn sources_unenforced(before: Option<&MarketplaceAddonStatus>, after: &MarketplaceAddonStatus) -> Option<Event> {
    let open = |status: &MarketplaceAddonStatus| {
        let said = status.condition(ConditionType::SourcesEnforced);
        said.filter(|said| said.reason == sources::OPEN).cloned()
    };
    let now = open(after).filter(|_| before.and_then(open).is_none())?;
    Some(of_condition(EventType::Warning, "SourcesUnenforced", &now))
}

/// The Event for a volume claim that this add-on has taken over.
#[must_use]
pub fn volume_adopted(claim: &str) -> Event {
    Event {
        type_: EventType::Normal,
        reason: "VolumeAdopted".to_owned(),
        note: Some(format!(
            "took over volume claim {claim}, which an add-on of the same name had left behind"
        )),
        action: "Adopt".to_owned(),
        secondary: None,
    }
}

/// The Event for a volume claim that stays although its add-on does not name it any more.
#[must_use]
pub fn volume_retained(claim: &str, addon: &str) -> Event {
    Event {
        type_: EventType::Normal,
        reason: "VolumeRetained".to_owned(),
        note: Some(format!(
            "volume claim {claim} keeps the accepted recordings of add-on {addon}: an add-on of this name with a volume takes it over; delete the claim to delete them"
        )),
        action: "Retain".to_owned(),
        secondary: None,
    }
}

/// Publishes.
pub async fn publish(recorder: &Recorder, event: &Event, about: &ObjectReference) {
    if let Err(error) = recorder.publish(event, about).await {
        tracing::warn!(
            error = failure::message(&error),
            event.reason,
            "failed to publish an Event"
        );
    }
}

/// Tells of the claim that a deleted add-on leaves behind, on the claim itself: the add-on can bear no Event any more.
pub async fn tell_of_retained_volume(client: &Client, recorder: &Recorder, namespace: &str, addon: &str) {
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let name = names::data(addon);
    match claims.get_metadata_opt(&name).await {
        Ok(Some(claim)) => {
            let owned = claim
                .metadata
                .owner_references
                .as_ref()
                .is_some_and(|owners| !owners.is_empty());
            let ours = claim
                .metadata
                .labels
                .as_ref()
                .is_some_and(|found| labels::mark(found, addon));
            if ours && !owned {
                let about = ObjectReference {
                    uid: claim.metadata.uid,
                    name: Some(name.clone()),
                    namespace: Some(namespace.to_owned()),
                    api_version: Some(PersistentVolumeClaim::api_version(&()).into_owned()),
                    kind: Some(PersistentVolumeClaim::kind(&()).into_owned()),
                    ..ObjectReference::default()
                };
                publish(recorder, &volume_retained(&name, addon), &about).await;
            }
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(
                error = failure::message(&error),
                claim = name,
                "failed to look for the volume of a deleted add-on"
            );
        }
    }
}
