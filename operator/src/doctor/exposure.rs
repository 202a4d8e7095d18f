//! Checks of what is to carry requests to an add-on: the class of its Ingress, its certificate, its Gateways.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::networking::v1::IngressClass;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use marketplace_crds::exposure::{Ingress, ParentRef};

use super::class::{self, Choice};
use super::{Finding, Patient, unreadable};

pub(super) async fn ingress(patient: &Patient) -> Vec<Finding> {
    let Some(ingress) = patient.exposure().and_then(|exposure| exposure.ingress.as_ref()) else {
        return Vec::new();
    };
    let mut findings = vec![ingress_class(patient, ingress).await];
    if let Some(name) = &ingress.tls_secret_name {
        findings.push(certificate(patient, name).await);
    }
    findings
}

async fn ingress_class(patient: &Patient, ingress: &Ingress) -> Finding {
    let choice = Choice {
        kind: "ingress class",
        field: "exposure.ingress.className",
        name: ingress.class_name.as_deref(),
        default_annotation: "ingressclass.kubernetes.io/is-default-class",
    };
    let classes: Api<IngressClass> = Api::all(patient.client.clone());
    match classes.list(&ListParams::default()).await {
        Ok(classes) => class::judge(choice, &classes.items),
        Err(error) => unreadable("the class of the Ingress", &error),
    }
}

async fn certificate(patient: &Patient, name: &str) -> Finding {
    let secrets: Api<Secret> = Api::namespaced(patient.client.clone(), &patient.namespace);
    let what = format!("Secret {name} with the certificate of the Ingress");
    match secrets.get_metadata_opt(name).await {
        Ok(Some(_)) => Finding::fine(what),
        Ok(None) => Finding::lacking(
            what,
            format!("kubectl create secret tls {name} --cert tls.crt --key tls.key, or let cert-manager make it"),
        ),
        Err(error) => unreadable(what, &error),
    }
}

pub(super) async fn gateways(patient: &Patient) -> Vec<Finding> {
    let gateway = patient.exposure().and_then(|exposure| exposure.gateway.as_ref());
    let mut findings = Vec::new();
    for parent in gateway.iter().flat_map(|gateway| &gateway.parent_refs) {
        findings.push(one_gateway(patient, parent).await);
    }
    findings
}

async fn one_gateway(patient: &Patient, parent: &ParentRef) -> Finding {
    let ParentRef {
        name,
        namespace,
        section_name,
        port: _,
    } = parent;
    let namespace = namespace.as_ref().unwrap_or(&patient.namespace);
    let what = format!("Gateway {namespace}/{name}");
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "Gateway"));
    let gateways: Api<DynamicObject> = Api::namespaced_with(patient.client.clone(), namespace, &kind);
    match (gateways.get_opt(name).await, section_name) {
        (Ok(Some(gateway)), Some(section)) if !has_listener(&gateway, section) => Finding::lacking(
            format!("{what} with a listener {section}"),
            "set exposure.gateway.parentRefs.sectionName to a listener that it has",
        ),
        (Ok(Some(_)), _) => Finding::fine(what),
        (Ok(None), _) => Finding::lacking(what, "make it, or set exposure.gateway.parentRefs to one that exists"),
        (Err(error), _) => unreadable(what, &error),
    }
}

fn has_listener(gateway: &DynamicObject, section: &str) -> bool {
    let mut listeners = gateway.data["spec"]["listeners"].as_array().into_iter().flatten();
    listeners.any(|listener| listener["name"] == *section)
}
