//! How many pods a drain of a node may take away at one time: one, and whatever does not work anyway.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{labels, metadata};
use crate::role::Role;
use crate::validate::ValidatedAddon;

pub(super) fn render(addon: &ValidatedAddon, role: Role) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: metadata(addon, role.child(&addon.name), role.component()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            // Else a pod that never becomes ready would keep its node from being drained.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            selector: Some(LabelSelector {
                match_labels: Some(labels::selector(&addon.name, role.component())),
                ..LabelSelector::default()
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    }
}
