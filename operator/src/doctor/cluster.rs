//! Checks of the cluster itself: whether it can run the operator, and whether one runs.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams, PostParams};

use super::{Finding, Patient, unreadable};
use crate::failure;
use crate::rights::{RIGHTS, Right};

/// The rules of the resource use functions of CEL that came with it.
const OLDEST_MINOR: u32 = 31;

pub(super) async fn version(patient: &Patient) -> Vec<Finding> {
    let version = match patient.client.apiserver_version().await {
        Ok(version) => version,
        Err(error) => return vec![Finding::lacking("the API server answers", failure::message(&error))],
    };
    let what = format!("Kubernetes {}", version.git_version);
    let digits: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
    vec![match digits.parse::<u32>() {
        Ok(minor) if version.major == "1" && minor < OLDEST_MINOR => Finding::lacking(
            what,
            format!("upgrade the cluster to Kubernetes 1.{OLDEST_MINOR} or newer"),
        ),
        Ok(_) => Finding::fine(what),
        Err(_) => Finding::unknown(what, "the version cannot be read"),
    }]
}

/// The definition that is installed is the one that this program was built with, or differs.
pub(super) async fn definition(patient: &Patient) -> Vec<Finding> {
    const INSTALL: &str =
        "install the chart with crds.install=true, or: marketplace-operator crd | kubectl apply --server-side -f -";
    let wanted = marketplace_crds::definition();
    let name = wanted.metadata.name.clone().unwrap_or_default();
    let what = "the definition of MarketplaceAddon";
    let definitions: Api<CustomResourceDefinition> = Api::all(patient.client.clone());
    vec![match definitions.get_opt(&name).await {
        Ok(None) => Finding::lacking(what, INSTALL),
        Ok(Some(found)) => {
            let schema = |definition: &CustomResourceDefinition| {
                let versions = definition.spec.versions.iter();
                versions
                    .map(|version| (version.name.clone(), version.schema.clone()))
                    .collect::<Vec<_>>()
            };
            if schema(&found) == schema(&wanted) {
                Finding::fine(what)
            } else {
                Finding::lacking(format!("{what} is of this version"), INSTALL)
            }
        }
        Err(error) => unreadable(what, &error),
    }]
}

pub(super) async fn operator(patient: &Patient) -> Vec<Finding> {
    let what = "an operator runs";
    let deployments: Api<Deployment> = Api::all(patient.client.clone());
    let ours = "app.kubernetes.io/part-of=marketplace-operator,app.kubernetes.io/component=operator";
    let found = match deployments.list(&ListParams::default().labels(ours)).await {
        Ok(found) => found.items,
        Err(error) => return vec![unreadable(what, &error)],
    };
    if found.is_empty() {
        return vec![Finding::lacking(
            what,
            "helm install marketplace charts/marketplace-operator --namespace marketplace-system --create-namespace",
        )];
    }
    found.iter().map(one_operator).collect()
}

fn one_operator(deployment: &Deployment) -> Finding {
    let metadata = &deployment.metadata;
    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
    let (namespace, name) = (namespace.unwrap_or_default(), name.unwrap_or_default());
    let what = format!("operator {namespace}/{name} runs");
    let ready = deployment
        .status
        .as_ref()
        .and_then(|status| status.available_replicas)
        .unwrap_or(0);
    if ready > 0 {
        Finding::fine(what)
    } else {
        Finding::lacking(what, format!("kubectl --namespace {namespace} logs deployment/{name}"))
    }
}

/// One line for all that are granted, and one for each that is not.
pub(super) async fn rights(patient: &Patient) -> Vec<Finding> {
    let mut missing = Vec::new();
    let mut asked = 0;
    for right in RIGHTS {
        for verb in right.verbs {
            asked += 1;
            match is_allowed(patient, right, verb).await {
                Ok(true) => {}
                Ok(false) => missing.push(Finding::lacking(
                    format!("may {verb} {} in {}", right.resource, patient.namespace),
                    "grant it: helm upgrade with rbac.create=true, and the namespace in watchNamespaces if that is set",
                )),
                Err(error) => return vec![unreadable("the rights of the operator", &error)],
            }
        }
    }
    if missing.is_empty() {
        vec![Finding::fine(format!(
            "all {asked} rights that the operator needs in {}",
            patient.namespace
        ))]
    } else {
        missing
    }
}

async fn is_allowed(patient: &Patient, right: &Right, verb: &str) -> Result<bool, kube::Error> {
    let (resource, part) = match right.resource.split_once('/') {
        Some((resource, part)) => (resource, Some(part.to_owned())),
        None => (right.resource, None),
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(right.group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource: part,
                verb: Some(verb.to_owned()),
                namespace: Some(patient.namespace.clone()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(patient.operator.clone());
    let review = reviews.create(&PostParams::default(), &review).await?;
    Ok(review.status.is_some_and(|status| status.allowed))
}
