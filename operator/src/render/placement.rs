//! Where the pods of a role run: as is declared for it, and spread over nodes and zones where nothing is.

use k8s_openapi::api::core::v1::{PodSpec, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use marketplace_crds::workload::Scheduling;

use super::labels;
use crate::role::Role;
use crate::validate::ValidatedAddon;

/// A node and a zone: what fails together.
const SPREAD_OVER: [&str; 2] = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];

/// Counts the pods of one version only, so that those of the version before do not push the new ones together.
const VERSION_LABEL: &str = "pod-template-hash";

/// Writes it into the spec of the pods.
pub(super) fn place(addon: &ValidatedAddon, role: Role, spec: &mut PodSpec) {
    // No `..`: whoever adds a field decides here where it goes.
    let Scheduling {
        node_selector,
        tolerations,
        affinity,
        topology_spread_constraints,
        priority_class_name,
    } = declared(addon, role).clone();
    spec.node_selector = (!node_selector.is_empty()).then_some(node_selector);
    spec.tolerations = (!tolerations.is_empty()).then_some(tolerations);
    spec.affinity = affinity;
    spec.priority_class_name = priority_class_name;
    let spread = topology_spread_constraints.unwrap_or_else(usual);
    let spread: Vec<_> = spread
        .into_iter()
        .map(|constraint| counted(addon, role, constraint))
        .collect();
    spec.topology_spread_constraints = (!spread.is_empty()).then_some(spread);
}

fn declared(addon: &ValidatedAddon, role: Role) -> &Scheduling {
    let common = &addon.pods.scheduling;
    match role {
        Role::Front => common,
        Role::Workers => {
            let own = addon.pods.workers.as_ref();
            own.and_then(|workers| workers.scheduling.as_ref()).unwrap_or(common)
        }
    }
}

/// A wish: a pod that finds no room of its own runs beside another.
fn usual() -> Vec<TopologySpreadConstraint> {
    let over = |key: &str| TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        match_label_keys: Some(vec![VERSION_LABEL.to_owned()]),
        ..TopologySpreadConstraint::default()
    };
    SPREAD_OVER.map(over).into()
}

fn counted(addon: &ValidatedAddon, role: Role, constraint: TopologySpreadConstraint) -> TopologySpreadConstraint {
    let ours = || LabelSelector {
        match_labels: Some(labels::selector(&addon.name, role.component())),
        ..LabelSelector::default()
    };
    TopologySpreadConstraint {
        label_selector: Some(constraint.label_selector.unwrap_or_else(ours)),
        ..constraint
    }
}
