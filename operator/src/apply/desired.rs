//! Pure: the children in the form in which they are sent, in the order of [`Kind::IN_ORDER`], with what a person has merged
//! into the pods. Called by apply, and by the preview of what would be applied.

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use marketplace_crds::workload::PodOverrides;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::kind::Kind;
use crate::memory::Hash;
use crate::render::workers::Workers;
use crate::render::{Children, overrides};

/// A child in the form in which it is sent.
#[derive(Debug)]
pub(crate) struct Desired {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) body: serde_json::Value,
    /// Without what a person has merged into it; none: nobody has.
    pub(super) plain: Option<serde_json::Value>,
    pub(super) hash: Hash,
}

/// No `..`: whoever adds a child decides here where in the order it stands.
pub(crate) fn in_order(children: Children) -> Vec<Desired> {
    let Children {
        service_account,
        credentials_secret,
        config_map,
        network_policy,
        volume_claim,
        service,
        budget,
        deployment,
        workers,
        pod_overrides,
        autoscalers,
        scaled_objects,
        monitoring,
        ingress,
        http_routes,
    } = children;
    let mut desired = vec![
        erase(Kind::ServiceAccount, &service_account),
        erase(Kind::Secret, &credentials_secret),
        erase(Kind::ConfigMap, &config_map),
        erase(Kind::NetworkPolicy, &network_policy),
        erase(Kind::Service, &service),
        erase(Kind::PodDisruptionBudget, &budget),
        pods(&deployment, pod_overrides.as_ref()),
    ];
    if let Some(workers) = &workers {
        let Workers {
            network_policy,
            budget,
            deployment,
        } = workers;
        desired.push(erase(Kind::NetworkPolicy, network_policy));
        desired.push(erase(Kind::PodDisruptionBudget, budget));
        desired.push(pods(deployment, pod_overrides.as_ref()));
    }
    desired.extend(autoscalers.iter().map(|hpa| erase(Kind::HorizontalPodAutoscaler, hpa)));
    desired.extend(scaled_objects.iter().map(|object| erase(Kind::ScaledObject, object)));
    desired.extend(
        volume_claim
            .iter()
            .map(|claim| erase(Kind::PersistentVolumeClaim, claim)),
    );
    desired.extend(monitoring.iter().map(|(kind, object)| erase(*kind, object)));
    desired.extend(ingress.iter().map(|ingress| erase(Kind::Ingress, ingress)));
    desired.extend(http_routes.iter().map(|route| erase(Kind::HttpRoute, route)));
    desired.sort_by_key(|child| Kind::IN_ORDER.iter().position(|kind| *kind == child.kind));
    desired
}

/// A Deployment with the overrides in its template. Its labels are put back in their place by nobody: `validate` refuses
/// overrides that touch them.
fn pods(deployment: &Deployment, pod_overrides: Option<&PodOverrides>) -> Desired {
    let plain = erase(Kind::Deployment, deployment);
    let Some(PodOverrides(pod_overrides)) = pod_overrides else {
        return plain;
    };
    let mut body = plain.body.clone();
    overrides::merge(&mut body["spec"]["template"], pod_overrides);
    Desired {
        plain: Some(plain.body),
        ..of_body(Kind::Deployment, plain.name, body)
    }
}

fn erase<K: ResourceExt + Serialize>(kind: Kind, child: &K) -> Desired {
    let body = serde_json::to_value(child).expect("an object of Kubernetes can be written as JSON");
    of_body(kind, child.name_any(), body)
}

fn of_body(kind: Kind, name: String, body: serde_json::Value) -> Desired {
    Desired {
        kind,
        name,
        hash: Sha256::digest(body.to_string()).into(),
        body,
        plain: None,
    }
}
