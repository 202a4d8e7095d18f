//! Checks of APIs that a cluster may lack, as far as the add-on needs them.

use marketplace_crds::MarketplaceAddonSpec;
use marketplace_crds::scaling::{Front, Workers};

use super::{Finding, Patient, unreadable};
use crate::failure;

/// An API that does not come with Kubernetes.
struct Needed {
    api: &'static str,
    what: &'static str,
    fix: &'static str,
}

const GATEWAY: Needed = Needed {
    api: "gateway.networking.k8s.io/v1",
    what: "the Gateway API",
    fix: "install its definitions and a controller, or choose another exposure",
};

const KEDA: Needed = Needed {
    api: "keda.sh/v1alpha1",
    what: "KEDA",
    fix: "install KEDA, or choose scaling by hpa or fixed",
};

const METRICS: Needed = Needed {
    api: "metrics.k8s.io/v1beta1",
    what: "the API of CPU metrics",
    fix: "install metrics-server, or choose another scaling",
};

const MONITORING: Needed = Needed {
    api: "monitoring.coreos.com/v1",
    what: "the Prometheus Operator",
    fix: "install it, or remove monitoring.enabled: the add-on runs without it, and Prometheus is not told of it",
};

pub(super) async fn needed(patient: &Patient) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Needed { api, what, fix } in patient.addon.iter().flat_map(|addon| needs(&addon.spec)) {
        let listed = patient.client.list_api_group_resources(api).await;
        findings.push(match failure::where_known(listed) {
            Ok(Some(_)) => Finding::fine(what),
            Ok(None) => Finding::lacking(what, fix),
            Err(error) => unreadable(what, &error),
        });
    }
    findings
}

fn needs(spec: &MarketplaceAddonSpec) -> Vec<Needed> {
    let Front { hpa, keda, fixed: _ } = &spec.scaling.front;
    let workers = spec.scaling.workers.as_ref();
    let (workers_hpa, workers_keda) = match workers {
        Some(Workers { hpa, keda, .. }) => (hpa.is_some(), keda.is_some()),
        None => (false, false),
    };
    let has_net = keda.as_ref().is_some_and(|keda| keda.cpu_utilization > 0);
    let needed = [
        (spec.exposure.gateway.is_some(), GATEWAY),
        (keda.is_some() || workers_keda, KEDA),
        (spec.monitoring.enabled == Some(true), MONITORING),
        (hpa.is_some() || workers_hpa || has_net, METRICS),
    ];
    needed
        .into_iter()
        .filter_map(|(is_needed, api)| is_needed.then_some(api))
        .collect()
}
