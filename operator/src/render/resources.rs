//! What the service's container asks for and may use.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::role::Role;
use crate::validate::ValidatedAddon;

/// Those of the workers where they have their own.
pub(super) fn render(addon: &ValidatedAddon, role: Role) -> ResourceRequirements {
    let workers = addon.pods.workers.as_ref().filter(|_| role == Role::Workers);
    let own = workers.and_then(|workers| workers.resources.as_ref());
    let declared = own.or(addon.pods.resources.as_ref());
    declared.cloned().unwrap_or_else(usual)
}

fn usual() -> ResourceRequirements {
    let amounts = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, amount)| ((*name).to_owned(), Quantity((*amount).to_owned())))
            .collect::<BTreeMap<_, _>>()
    };
    ResourceRequirements {
        requests: Some(amounts(&[("cpu", "100m"), ("memory", "64Mi")])),
        limits: Some(amounts(&[("memory", "256Mi")])),
        ..ResourceRequirements::default()
    }
}
