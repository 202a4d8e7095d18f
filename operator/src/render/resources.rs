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
    // A front beside workers hears nothing.
    let hears = addon.wants_model && (role == Role::Workers || addon.workers.is_none());
    declared.cloned().unwrap_or_else(|| {
        if hears {
            of(["500m", "384Mi"], "1Gi")
        } else {
            of(["100m", "64Mi"], "256Mi")
        }
    })
}

fn of([cpu, memory]: [&str; 2], memory_limit: &str) -> ResourceRequirements {
    let amounts = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, amount)| ((*name).to_owned(), Quantity((*amount).to_owned())))
            .collect::<BTreeMap<_, _>>()
    };
    ResourceRequirements {
        requests: Some(amounts(&[("cpu", cpu), ("memory", memory)])),
        limits: Some(amounts(&[("memory", memory_limit)])),
        ..ResourceRequirements::default()
    }
}
