//! Checks of what one add-on refers to. Without an add-on they find nothing.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Api, DynamicObject, ListParams};
use kube::{Resource, ResourceExt};
use marketplace_crds::MarketplaceAddon;
use marketplace_crds::exposure::AllowListMode;
use marketplace_crds::storage::{Postgres, Volume};

use super::class::{self, Choice};
use super::{Finding, Patient, unreadable};
use crate::apply::in_order;
use crate::dereference::dereference;
use crate::failure;
use crate::render::render;
use crate::validate::{ValidatedAddon, validate};

pub(super) async fn namespace(patient: &Patient) -> Vec<Finding> {
    if patient.addon.is_none() {
        return Vec::new();
    }
    let name = &patient.namespace;
    let what = format!("namespace {name}");
    let namespaces: Api<Namespace> = Api::all(patient.client.clone());
    vec![match namespaces.get_opt(name).await {
        Ok(Some(_)) => Finding::fine(what),
        Ok(None) => Finding::lacking(what, format!("kubectl create namespace {name}")),
        Err(error) => unreadable(what, &error),
    }]
}

/// Everything for which a pass would refuse the add-on: its rules, its Secrets and their keys.
pub(super) async fn refusals(patient: &Patient) -> Vec<Finding> {
    let Some(addon) = &patient.addon else {
        return Vec::new();
    };
    match valid(patient, addon).await {
        Ok(Ok(_)) => vec![Finding::fine("the Secrets that the add-on names, and their keys")],
        Ok(Err(findings)) => findings,
        Err(finding) => vec![finding],
    }
}

/// The add-on as a pass would render it, or why it would not; else why that could not be found out.
async fn valid(patient: &Patient, addon: &MarketplaceAddon) -> Result<Result<ValidatedAddon, Vec<Finding>>, Finding> {
    let facts = dereference(&patient.client, addon, &patient.defaults)
        .await
        .map_err(|error| Finding::unknown("what the add-on refers to", failure::chain(&error)))?;
    let refused = validate(addon, &facts, &patient.defaults).map_err(|refusals| {
        let refusals = refusals.iter();
        refusals
            .map(|refusal| Finding::lacking(refusal.category(), refusal.to_string()))
            .collect()
    });
    Ok(refused)
}

pub(super) async fn storage_class(patient: &Patient) -> Vec<Finding> {
    let storage = patient.addon.as_ref().and_then(|addon| addon.spec.storage.as_ref());
    let shared = storage
        .and_then(|storage| storage.postgres.as_ref())
        .and_then(Postgres::audio_volume);
    let Some(volume) = storage.and_then(|storage| storage.volume.clone()).or(shared) else {
        return Vec::new();
    };
    let classes: Api<StorageClass> = Api::all(patient.client.clone());
    match classes.list(&ListParams::default()).await {
        Ok(classes) => vec![judge_class(&volume, &classes.items)],
        Err(error) => vec![unreadable("the storage class of the volume", &error)],
    }
}

pub(super) fn judge_class(volume: &Volume, classes: &[StorageClass]) -> Finding {
    let choice = Choice {
        kind: "storage class",
        field: "storageClassName of the volume",
        name: volume.storage_class_name.as_deref(),
        default_annotation: "storageclass.kubernetes.io/is-default-class",
    };
    class::judge(choice, classes)
}

pub(super) fn sources(patient: &Patient) -> Vec<Finding> {
    let list = patient.addon.as_ref().and_then(|addon| addon.spec.allow_list.as_ref());
    match list.map(|list| list.mode) {
        Some(AllowListMode::Enforce) => vec![Finding::unknown(
            "the network plugin enforces NetworkPolicies",
            "nothing in the cluster tells: try a connection from an address that is not listed",
        )],
        Some(AllowListMode::Audit) | None => Vec::new(),
    }
}

/// Names of children that are somebody else's.
pub(super) async fn taken(patient: &Patient) -> Vec<Finding> {
    let Some(addon) = &patient.addon else {
        return Vec::new();
    };
    let Ok(Ok(valid)) = valid(patient, addon).await else {
        return Vec::new(); // said already
    };
    let mut findings = Vec::new();
    for child in in_order(render(&valid)) {
        let api: Api<DynamicObject> =
            Api::namespaced_with(patient.client.clone(), &patient.namespace, &child.kind.resource());
        match api.get_metadata_opt(&child.name).await {
            Ok(Some(live)) if !is_of(live.meta(), addon) => findings.push(Finding::lacking(
                format!("the name of {} {}", child.kind, child.name),
                "an object of this name was not made by the operator: rename it, or the add-on",
            )),
            Ok(_) => {}
            Err(error) => findings.push(unreadable(format!("{} {}", child.kind, child.name), &error)),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::fine("the names of the add-on's parts"));
    }
    findings
}

/// The file does not say the uid of the add-on in the cluster, so its name must do.
fn is_of(live: &kube::core::ObjectMeta, addon: &MarketplaceAddon) -> bool {
    let mut owners = live.owner_references.iter().flatten();
    let owned = owners.any(|owner| owner.kind == MarketplaceAddon::kind(&()) && owner.name == addon.name_any());
    let labels = live.labels.as_ref();
    owned || labels.is_some_and(|labels| crate::render::labels::mark(labels, &addon.name_any()))
}
