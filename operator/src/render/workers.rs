//! The pods that work on recordings, beside those that take requests: nobody calls them, and only monitoring may connect.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

use super::{budget, deployment, network_policy};
use crate::role::Role;
use crate::validate::ValidatedAddon;

/// What the workers are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Workers {
    /// Who may connect.
    pub network_policy: NetworkPolicy,
    /// How many a drain may take away.
    pub budget: PodDisruptionBudget,
    /// The pods.
    pub deployment: Deployment,
}

pub(super) fn render(addon: &ValidatedAddon) -> Workers {
    Workers {
        network_policy: network_policy::of_workers(addon),
        budget: budget::render(addon, Role::Workers),
        deployment: deployment::render(addon, Role::Workers),
    }
}
