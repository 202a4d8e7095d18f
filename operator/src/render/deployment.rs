//! The pods of one role, and how one version follows the other.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{labels, metadata, pod};
use crate::role::Role;
use crate::validate::{Data, DataVolume, ValidatedAddon};

/// A pod that has just become ready is not yet behind its Service on every node (kube-proxy collects changes for a second);
/// until then it is not counted, and the pod that it replaces stays.
const SETTLE_SECONDS: i32 = 2;

/// Without a number of pods: see `handover`.
pub(super) fn render(addon: &ValidatedAddon, role: Role) -> Deployment {
    Deployment {
        metadata: metadata(addon, role.child(&addon.name), role.component()),
        spec: DeploymentSpec {
            min_ready_seconds: Some(SETTLE_SECONDS),
            selector: LabelSelector {
                match_labels: Some(labels::selector(&addon.name, role.component())),
                ..LabelSelector::default()
            },
            strategy: Some(strategy(addon.data.as_ref().and_then(Data::claimed))),
            // The ConfigMap of an older version is pruned, so there is nothing to go back to but the last.
            revision_history_limit: Some(1),
            template: pod::render(addon, role),
            ..DeploymentSpec::default()
        },
        ..Deployment::default()
    }
}

fn strategy(data: Option<&DataVolume>) -> DeploymentStrategy {
    if data.is_some_and(|data| !data.is_shared) {
        // The volume is one pod's alone: the next can only start when it is gone.
        return DeploymentStrategy {
            type_: Some("Recreate".to_owned()),
            rolling_update: None,
        };
    }
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_unavailable: Some(IntOrString::Int(0)),
            max_surge: Some(IntOrString::String("25%".to_owned())),
        }),
    }
}
