//! What decides on the number of pods, as declared. Called by `validate`.

use marketplace_crds::autoscaling::{AuthenticationRef, FrontKeda, Hpa, Prometheus, WorkersKeda};
use marketplace_crds::scaling::{Front, Workers};
use marketplace_crds::{MarketplaceAddonSpec, scaling::Scaling};

use super::{Defaults, Refusal};
use crate::role::Role;

/// What decides on the number of pods of one Deployment.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaler {
    /// Nobody: it is declared.
    Fixed(i32),
    /// A HorizontalPodAutoscaler.
    Hpa(Hpa),
    /// A ScaledObject of KEDA.
    Keda(Keda),
}

/// What a ScaledObject is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Keda {
    /// No fewer pods.
    pub min_replicas: i32,
    /// No more.
    pub max_replicas: i32,
    /// What one pod is to have of what is measured.
    pub threshold: i32,
    /// The share of the requested CPU that is a net below that.
    pub cpu_utilization: Option<i32>,
    /// The Prometheus that is asked.
    pub server_address: String,
    /// How KEDA proves itself to it.
    pub authentication: Option<AuthenticationRef>,
}

impl Scaler {
    /// The fewest pods, where somebody else decides how many there are.
    #[must_use]
    pub fn least(&self) -> Option<i32> {
        match self {
            Self::Fixed(_) => None,
            Self::Hpa(hpa) => Some(hpa.min_replicas),
            Self::Keda(keda) => Some(keda.min_replicas),
        }
    }
}

/// Whether there are workers beside the front: where several processes may share the jobs.
#[must_use]
pub fn has_workers(spec: &MarketplaceAddonSpec) -> bool {
    let mut endpoints = spec.endpoints.iter();
    let is_shared = spec.storage.as_ref().is_some_and(|storage| storage.postgres.is_some());
    is_shared && endpoints.any(|endpoint| endpoint.integration.is_asynchronous())
}

/// The fewest pods of a Deployment whose number an autoscaler decides on.
#[must_use]
pub fn least(scaling: &Scaling, role: Role) -> Option<i32> {
    let (hpa, bounds) = match role {
        Role::Front => {
            let Front { fixed: _, hpa, keda } = &scaling.front;
            (hpa.as_ref(), keda.as_ref().map(|keda| keda.min_replicas))
        }
        Role::Workers => {
            let Workers { hpa, keda, .. } = scaling.workers.as_ref()?;
            (hpa.as_ref(), keda.as_ref().map(|keda| keda.min_replicas))
        }
    };
    hpa.map(|hpa| hpa.min_replicas).or(bounds)
}

/// What decides on the number of pods that take requests.
pub(super) fn front(spec: &MarketplaceAddonSpec, defaults: &Defaults, refusals: &mut Vec<Refusal>) -> Scaler {
    let Front { fixed, hpa, keda } = &spec.scaling.front;
    match (hpa, keda) {
        (Some(hpa), _) => Scaler::Hpa(hpa.clone()),
        (None, Some(keda)) => {
            let FrontKeda {
                min_replicas,
                max_replicas,
                requests_in_flight,
                cpu_utilization,
                prometheus,
            } = keda.clone();
            Scaler::Keda(Keda {
                min_replicas,
                max_replicas,
                threshold: requests_in_flight,
                cpu_utilization: (cpu_utilization > 0).then_some(cpu_utilization),
                server_address: address(&prometheus, "front", defaults, refusals),
                authentication: prometheus.authentication_ref,
            })
        }
        (None, None) => Scaler::Fixed(fixed.as_ref().map_or(1, |fixed| fixed.replicas)),
    }
}

/// The same of the workers, where there are some.
pub(super) fn workers(spec: &MarketplaceAddonSpec, defaults: &Defaults, refusals: &mut Vec<Refusal>) -> Option<Scaler> {
    if !has_workers(spec) {
        return None;
    }
    let Workers {
        concurrency: _,
        fixed,
        hpa,
        keda,
    } = spec.scaling.workers.clone().unwrap_or_default();
    Some(match (hpa, keda) {
        (Some(hpa), _) => Scaler::Hpa(hpa),
        (None, Some(keda)) => {
            let WorkersKeda {
                min_replicas,
                max_replicas,
                prometheus,
            } = keda;
            Scaler::Keda(Keda {
                min_replicas,
                max_replicas,
                threshold: 1, // what is measured is workers
                cpu_utilization: None,
                server_address: address(&prometheus, "workers", defaults, refusals),
                authentication: prometheus.authentication_ref,
            })
        }
        (None, None) => Scaler::Fixed(fixed.as_ref().map_or(1, |fixed| fixed.replicas)),
    })
}

fn address(prometheus: &Prometheus, part: &'static str, defaults: &Defaults, refusals: &mut Vec<Refusal>) -> String {
    let address = prometheus.server_address.as_ref().or(defaults.prometheus.as_ref());
    if address.is_none() {
        refusals.push(Refusal::FindPrometheus(part));
    }
    address.cloned().unwrap_or_default()
}
