//! Pure: whether the Prometheus Operator can be told of the add-on. Said only where the resource itself asks for it: where it
//! is the operator's default, a cluster without the kinds has nobody to tell.

use marketplace_crds::MarketplaceAddon;

use super::{FALSE, Outcome, TRUE, Verdict, verdict};
use crate::dereference::monitoring::Served;

/// None where nobody asked, or nothing new is known.
pub(super) fn of(addon: &MarketplaceAddon, outcome: &Outcome) -> Option<Verdict> {
    let Outcome::Applied(workload) = outcome else {
        return None;
    };
    (addon.spec.monitoring.enabled == Some(true)).then(|| by(workload.monitoring))
}

fn by(
    Served {
        pod_monitors,
        prometheus_rules,
    }: Served,
) -> Verdict {
    let missing = match (pod_monitors, prometheus_rules) {
        (true, true) => {
            return verdict(
                TRUE,
                "MonitorsApplied",
                "the PodMonitor and the PrometheusRule of the add-on are in the cluster; which Prometheus takes them is decided by its selectors and spec.monitoring.labels",
            );
        }
        (false, false) => "PodMonitor and PrometheusRule",
        (false, true) => "PodMonitor",
        (true, false) => "PrometheusRule",
    };
    verdict(
        FALSE,
        "MonitoringApiMissing",
        format!(
            "the cluster does not know {missing} of monitoring.coreos.com/v1: install the Prometheus Operator, which is then noticed, or remove spec.monitoring.enabled. The add-on runs all the same"
        ),
    )
}
