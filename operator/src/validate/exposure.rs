//! How requests are to reach the pods, with everything that rendering needs. Pure; called by `validate`.

use std::collections::BTreeSet;

use marketplace_crds::exposure::{Exposure, Gateway, Ingress, LoadBalancer};
use marketplace_crds::routes::{self, Host};
use marketplace_crds::{MarketplaceAddon, MarketplaceAddonSpec};

use super::admitted;
use crate::dereference::Routing;

/// The port of the Service, where nothing is declared.
const SERVICE_PORT: i32 = 80;

/// How requests are to reach the pods.
#[derive(Clone, Debug, PartialEq)]
pub enum Exposed {
    /// By a Service inside the cluster.
    ClusterIp {
        /// The port of the Service.
        port: i32,
    },
    /// Through an ingress controller.
    Ingress {
        /// As declared.
        declared: Ingress,
        /// What is routed.
        hosts: Vec<Host>,
    },
    /// Through a gateway.
    Gateway {
        /// As declared.
        declared: Gateway,
        /// What is routed.
        hosts: Vec<Host>,
        /// Whether the cluster knows routes at all.
        is_served: bool,
    },
    /// By a load balancer of their own.
    LoadBalancer {
        /// As declared.
        declared: LoadBalancer,
        /// Where it listens.
        ports: BTreeSet<u16>,
        /// Whom it admits, if not everybody.
        source_ranges: Option<Vec<String>>,
    },
}

impl Exposed {
    /// What the resource declares. The rules have made sure that it is one thing.
    pub(super) fn of(addon: &MarketplaceAddon, routing: &Routing) -> Self {
        let MarketplaceAddonSpec {
            exposure, allow_list, ..
        } = &addon.spec;
        match exposure.clone() {
            Exposure {
                ingress: Some(declared),
                ..
            } => Self::Ingress {
                declared,
                hosts: routes::hosts(addon),
            },
            Exposure {
                gateway: Some(declared),
                ..
            } => Self::Gateway {
                declared,
                hosts: routes::hosts(addon),
                is_served: routing.knows_routes(),
            },
            Exposure {
                load_balancer: Some(declared),
                ..
            } => Self::LoadBalancer {
                declared,
                ports: routes::ports(addon),
                source_ranges: allow_list.as_ref().and_then(admitted),
            },
            Exposure {
                cluster_ip,
                ingress: None,
                gateway: None,
                load_balancer: None,
            } => Self::ClusterIp {
                port: cluster_ip.map_or(SERVICE_PORT, |service| service.port),
            },
        }
    }

    /// The Secret with which the pods speak TLS by themselves, if they do.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        match self {
            Self::LoadBalancer { declared, .. } => declared.tls_secret_name.as_deref(),
            Self::ClusterIp { .. } | Self::Ingress { .. } | Self::Gateway { .. } => None,
        }
    }
}
