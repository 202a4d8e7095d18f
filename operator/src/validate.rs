//! Step 2, pure: the resource and the facts become a [`ValidatedAddon`], or every reason why not. After this no `Option`
//! stands for "not checked yet", and the API server has no reason to refuse what is rendered.

mod exposure;
mod fence;
pub mod monitoring;
mod overlap;
pub mod partners;
pub mod scaling;
pub(crate) mod secrets;
mod speech;
mod volume;

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::jiff::Timestamp;
use kube::{Resource, ResourceExt};
use marketplace_crds::exposure::{AllowList, AllowListMode};
use marketplace_crds::manifest::{self, Violation};
use marketplace_crds::network::{Network, Peer};
use marketplace_crds::paths::{TellApart, tell_apart};
use marketplace_crds::sla::Sla;
use marketplace_crds::workload::{PodOverrides, Workload};
use marketplace_crds::{MarketplaceAddon, reduce};

pub use self::exposure::Exposed;
pub use self::fence::Fence;
pub use self::monitoring::{MonitoringDefaults, Monitors};
use self::partners::PartnerContainer;
use self::scaling::Scaler;
pub use self::volume::{Data, DataVolume};
use crate::dereference::{Facts, SecretContent};

/// One reason why an add-on cannot be rendered. Every one is for a person to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The spec breaks a rule of the resource. It may be older than the rule.
    #[error("{0}")]
    KeepRule(Violation),
    /// Two endpoints behind one path: the service would not start.
    #[error("{0}")]
    TellApart(TellApart),
    /// The object cannot be read as this operator's version of the resource.
    #[error("failed to read the resource: {0}")]
    ParseResource(String),
    /// The overrides of the pods touch what is not theirs.
    #[error("spec.workload.podOverrides {0}")]
    MergeOverrides(String),
    /// There is no such Secret.
    #[error("Secret {0} does not exist: create it in the namespace of the add-on with {1}")]
    FindSecret(String, String),
    /// The Secret lacks a key, or the key is empty.
    #[error("Secret {0} has no value under the key {1}: add it")]
    FindKey(String, String),
    /// What lies under the key cannot be used. Says nothing of the value.
    #[error("the value under the key {1} of Secret {0} is {2}: write one line of text without blanks around it")]
    AcceptValue(String, String, &'static str),
    /// The operator may not read the Secret.
    #[error(
        "the operator may not read Secret {0}: {1}; allow it to get the Secret (values rbac.secretNames of its chart)"
    )]
    ReadSecret(String, String),
    /// KEDA has nobody to ask.
    #[error(
        "scaling.{0}.keda needs a Prometheus: set scaling.{0}.keda.prometheus.serverAddress, or give the operator one for all add-ons (value prometheus.serverAddress of its chart)"
    )]
    FindPrometheus(&'static str),
}

impl Refusal {
    /// A word for metrics, Events and conditions.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::KeepRule(_) | Self::TellApart(_) | Self::ParseResource(_) => "InvalidSpec",
            Self::MergeOverrides(_) => "PodOverridesRefused",
            Self::FindPrometheus(_) => "PrometheusMissing",
            Self::FindSecret(..) => "SecretMissing",
            Self::FindKey(..) => "SecretKeyMissing",
            Self::AcceptValue(..) => "SecretValueInvalid",
            Self::ReadSecret(..) => "SecretForbidden",
        }
    }

    /// Whether it is a Secret that has to be mended, not the resource.
    #[must_use]
    pub fn concerns_secret(&self) -> bool {
        match self {
            Self::KeepRule(_)
            | Self::TellApart(_)
            | Self::ParseResource(_)
            | Self::MergeOverrides(_)
            | Self::FindPrometheus(_) => false,
            Self::FindSecret(..) | Self::FindKey(..) | Self::AcceptValue(..) | Self::ReadSecret(..) => true,
        }
    }
}

/// What the operator decides where the resource is silent.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The image of the service.
    pub image: String,
    /// The same with the model of speech.
    pub speech_image: String,
    /// The peers of the pods.
    pub network: Network,
    /// The Prometheus that KEDA asks.
    pub prometheus: Option<String>,
    /// What the Prometheus Operator is told.
    pub monitoring: MonitoringDefaults,
    /// The operator itself, which asks the pods for their tokens; none outside of the cluster.
    pub operator: Option<Peer>,
}

impl Defaults {
    /// The add-on with the peers that it leaves to the operator, so that every step reads them in one place. Through a load
    /// balancer of its own nothing comes from the cluster's ingress.
    #[must_use]
    pub fn complete(&self, mut addon: MarketplaceAddon) -> MarketplaceAddon {
        let Network {
            ingress_from,
            monitoring_from,
            egress,
        } = self.network.clone();
        let is_balanced = addon.spec.exposure.load_balancer.is_some();
        let network = &mut addon.spec.network;
        network.ingress_from = network.ingress_from.take().or(ingress_from.filter(|_| !is_balanced));
        network.monitoring_from = network.monitoring_from.take().or(monitoring_from);
        network.egress = network.egress.take().or(egress);
        addon
    }
}

/// An add-on with everything that rendering needs, and nothing that could still be wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedAddon {
    /// Its name.
    pub name: String,
    /// Its namespace, and that of every child.
    pub namespace: String,
    /// The controller reference of every child.
    pub owner: OwnerReference,
    /// The reduced resource as the service reads it, in YAML.
    pub manifest: String,
    /// The image of the service.
    pub image: String,
    /// Whether the service hears with a model of its own, which takes memory.
    pub wants_model: bool,
    /// What decides on the number of pods that take requests.
    pub front: Scaler,
    /// The same of those that work on recordings, where they are not the same pods.
    pub workers: Option<Scaler>,
    /// How many recordings one pod works on at one time; none: as many as it has CPUs.
    pub concurrency: Option<i32>,
    /// What is declared of the pods beside their image.
    pub pods: Workload,
    /// The Secret that the resource names, for the folder of the same name in the pod.
    pub credentials_name: String,
    /// The named keys of it, and the token that was taken out of it last, while it is good.
    pub credentials: SecretContent,
    /// Until when that is.
    pub previous_until: Option<Timestamp>,
    /// The Secrets with a database's URL, of `sql` handlers and of the jobs, that with the key pair of an S3 store, those with
    /// the password of an endpoint, and those with constants; mounted as they are.
    pub mounted_secrets: BTreeSet<String>,
    /// The partners' containers, beside the service's.
    pub partners: Vec<PartnerContainer>,
    /// Where the pods have their data, if they have any.
    pub data: Option<Data>,
    /// How requests reach them.
    pub exposure: Exposed,
    /// Whom the network lets through.
    pub fence: Fence,
    /// What the Prometheus Operator is told; none: nothing.
    pub monitors: Option<Monitors>,
    /// The deadlines of results.
    pub sla: Sla,
    /// Whether accepted work outlives its request.
    pub has_jobs: bool,
}

/// Decides. The reasons come in the order in which a person would mend them.
pub fn validate(addon: &MarketplaceAddon, facts: &Facts, defaults: &Defaults) -> Result<ValidatedAddon, Vec<Refusal>> {
    let mut refusals: Vec<_> = manifest::violations(addon).into_iter().map(Refusal::KeepRule).collect();
    refusals.extend(tell_apart(addon).err().map(Refusal::TellApart));
    let overrides = addon.spec.workload.pod_overrides.as_ref();
    refusals.extend(overrides.and_then(PodOverrides::conflict).map(Refusal::MergeOverrides));
    let mut credentials = secrets::credentials(addon, facts, &mut refusals);
    let mounted_secrets = secrets::mounted(addon, facts, &mut refusals);
    let exposure = Exposed::of(addon, &facts.workload.routing);
    secrets::certificate(&exposure, facts, &mut refusals);
    let front = scaling::front(&addon.spec, defaults, &mut refusals);
    let workers = scaling::workers(&addon.spec, defaults, &mut refusals);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let spec = &addon.spec;
    let previous_until = overlap::keep(&mut credentials, spec.credentials.overlap_seconds, facts);
    Ok(ValidatedAddon {
        name: addon.name_any(),
        namespace: addon
            .namespace()
            .expect("the API server gives every MarketplaceAddon a namespace"),
        owner: owner(addon),
        manifest: serde_yaml::to_string(&reduce(addon))
            .expect("a resource that was read as JSON can be written as YAML"),
        image: speech::image(addon, defaults),
        wants_model: speech::wants_model(addon),
        front,
        workers,
        concurrency: spec.scaling.workers.as_ref().and_then(|workers| workers.concurrency),
        pods: spec.workload.clone(),
        credentials_name: spec.credentials.secret_name.clone(),
        credentials,
        previous_until,
        mounted_secrets,
        partners: partners::of(spec),
        data: spec
            .storage
            .as_ref()
            .and_then(|storage| Data::of(storage, &spec.limits)),
        fence: Fence::of(addon, &exposure, defaults),
        exposure,
        monitors: Monitors::of(&spec.monitoring, &defaults.monitoring, facts.workload.monitoring),
        sla: spec.sla.clone(),
        has_jobs: spec
            .endpoints
            .iter()
            .any(|endpoint| endpoint.integration.is_asynchronous()),
    })
}

/// The addresses of packets: of the listed sources, and of the proxies that carry what comes from them. An audit restricts
/// nothing.
fn admitted(list: &AllowList) -> Option<Vec<String>> {
    let AllowList {
        mode,
        sources,
        trusted_proxies,
    } = list;
    match mode {
        AllowListMode::Audit => None,
        AllowListMode::Enforce => {
            let sources = sources.iter().map(|source| source.cidr.clone());
            Some(sources.chain(trusted_proxies.clone().unwrap_or_default()).collect())
        }
    }
}

/// Without `blockOwnerDeletion`, which asks for a right to the finalizers of the add-on and gives nothing here.
fn owner(addon: &MarketplaceAddon) -> OwnerReference {
    let owner = addon
        .controller_owner_ref(&())
        .expect("the API server gives every object a name and a uid");
    OwnerReference {
        block_owner_deletion: None,
        ..owner
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
