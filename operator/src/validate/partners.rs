//! Which containers of partners an add-on has, and in which of its pods each of them runs. Called by `validate`.

use marketplace_crds::addon::MarketplaceAddonSpec;
use marketplace_crds::handler::container::Container;

use super::scaling;
use crate::role::Role;

/// The container that answers an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct PartnerContainer {
    /// The endpoint.
    pub endpoint: String,
    /// In which pods: those whose service calls it.
    pub role: Role,
    /// What is declared of it.
    pub container: Container,
}

/// Beside who calls it: the pods that take requests, or those that work on recordings where they are others.
pub(super) fn of(spec: &MarketplaceAddonSpec) -> Vec<PartnerContainer> {
    let has_workers = scaling::has_workers(spec);
    let endpoints = spec.endpoints.iter();
    let partners = endpoints.filter_map(|endpoint| {
        let container = endpoint.handler.container.clone()?;
        let is_worked_on = endpoint.integration.is_asynchronous() && has_workers;
        Some(PartnerContainer {
            endpoint: endpoint.name.clone(),
            role: if is_worked_on { Role::Workers } else { Role::Front },
            container,
        })
    });
    partners.collect()
}
