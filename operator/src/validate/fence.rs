//! Whom the network is to let through: to the pods, and from them. Pure; called by `validate`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use marketplace_crds::network::{IpBlock, Network, Peer};
use marketplace_crds::{MarketplaceAddon, MarketplaceAddonSpec};

use super::{Defaults, Exposed, admitted};

/// Whom the network is to let through.
#[derive(Clone, Debug, PartialEq)]
pub struct Fence {
    /// Who may send requests; none: anybody, wherever he is.
    pub traffic: Option<Vec<Peer>>,
    /// Who may read metrics, and which tokens are loaded.
    pub monitoring: Vec<Peer>,
    /// To whom the pods may connect; none: to anybody.
    pub egress: Option<Vec<Peer>>,
    /// Whose the listed ranges are, for whoever reads the policy: `office=203.0.113.0/28`.
    pub sources: Option<String>,
}

impl Fence {
    pub(super) fn of(addon: &MarketplaceAddon, exposure: &Exposed, defaults: &Defaults) -> Self {
        let Network {
            ingress_from: _,
            monitoring_from,
            egress,
        } = addon.spec.network.clone();
        Self {
            traffic: traffic(&addon.spec, exposure),
            monitoring: monitoring_from.map_or_else(any_pod, |peers| {
                let operator = defaults.operator.clone();
                peers.into_iter().chain(operator).collect()
            }),
            egress,
            sources: addon.spec.allow_list.as_ref().map(|list| {
                let ranges = list
                    .sources
                    .iter()
                    .map(|source| format!("{}={}", source.name, source.cidr));
                ranges.collect::<Vec<_>>().join(", ")
            }),
        }
    }
}

/// A load balancer passes on the packets of its clients, so that the listed ranges are what arrives. An ingress or a gateway
/// sends packets of its own: there the service checks the sources, and the network lets the ingress through alone.
fn traffic(spec: &MarketplaceAddonSpec, exposure: &Exposed) -> Option<Vec<Peer>> {
    let named = spec.network.ingress_from.clone();
    let listed = spec.allow_list.as_ref().and_then(admitted);
    let listed = listed.map(|ranges| ranges.into_iter().map(range).collect::<Vec<_>>());
    match exposure {
        Exposed::LoadBalancer { .. } => {
            listed.map(|ranges| ranges.into_iter().chain(named.unwrap_or_default()).collect())
        }
        Exposed::Ingress { .. } | Exposed::Gateway { .. } => Some(named.unwrap_or_else(any_pod)),
        Exposed::ClusterIp { .. } => Some(named.or(listed).unwrap_or_else(any_pod)),
    }
}

fn range(cidr: String) -> Peer {
    Peer {
        ip_block: Some(IpBlock { cidr, except: None }),
        ..Peer::default()
    }
}

fn any_pod() -> Vec<Peer> {
    vec![Peer {
        namespace_selector: Some(LabelSelector::default()),
        ..Peer::default()
    }]
}

#[cfg(test)]
mod tests {
    use marketplace_crds::exposure::{AllowListMode, Exposure, Ingress, LoadBalancer};

    use super::*;
    use crate::fixtures::{defaults, facts, recording_addon, valid};
    use crate::validate::validate;

    /// The peers of the traffic port in short: `any`, `pods`, or ranges and named Pods.
    fn shown(mode: Option<AllowListMode>, exposure: Exposure, named: bool) -> String {
        let mut addon = recording_addon();
        addon.spec.exposure = exposure;
        match (mode, &mut addon.spec.allow_list) {
            (Some(mode), Some(list)) => list.mode = mode,
            (_, list) => *list = None,
        }
        let peer = Peer {
            pod_selector: Some(LabelSelector::default()),
            ..Peer::default()
        };
        addon.spec.network.ingress_from = named.then(|| vec![peer]);
        let Some(peers) = valid(&addon).fence.traffic else {
            return "any".to_owned();
        };
        let words = peers.iter().map(|peer| match peer {
            Peer {
                ip_block: Some(block), ..
            } => block.cidr.as_str(),
            Peer {
                pod_selector: Some(_), ..
            } => "named",
            _ => "pods",
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_operator_asks_the_pods_wherever_the_monitoring_is() {
        let peer = |label: &str| Peer {
            pod_selector: Some(LabelSelector {
                match_labels: Some([(label.to_owned(), String::new())].into()),
                ..LabelSelector::default()
            }),
            ..Peer::default()
        };
        let defaults = Defaults {
            operator: Some(peer("operator")),
            ..defaults()
        };
        let mut addon = recording_addon();
        let monitoring = |addon: &MarketplaceAddon| {
            let valid = validate(addon, &facts(), &defaults).expect("the fixture is valid");
            valid.fence.monitoring
        };
        assert_eq!(monitoring(&addon), any_pod());
        addon.spec.network.monitoring_from = Some(vec![peer("monitoring")]);
        assert_eq!(monitoring(&addon), [peer("monitoring"), peer("operator")]);
    }

    #[test]
    fn lets_through_the_ingress_where_there_is_one_and_the_clients_where_there_is_none() {
        const RANGES: &str = "203.0.113.0/24 2001:db8::/32 192.0.2.0/28";
        let (enforce, audit) = (Some(AllowListMode::Enforce), Some(AllowListMode::Audit));
        let inside = Exposure::default;
        let only = |ingress, load_balancer| Exposure {
            cluster_ip: None,
            ingress,
            gateway: None,
            load_balancer,
        };
        let ingress = || only(Some(Ingress::default()), None);
        let balancer = || {
            only(
                None,
                Some(LoadBalancer {
                    allow_insecure: true,
                    ..LoadBalancer::default()
                }),
            )
        };
        for (exposure, mode, named, expected) in [
            (inside(), None, false, "pods"),
            (inside(), None, true, "named"),
            (inside(), audit, false, "pods"),
            (inside(), enforce, false, RANGES),
            (inside(), enforce, true, "named"),
            (ingress(), None, false, "pods"),
            (ingress(), audit, true, "named"),
            (ingress(), enforce, false, "pods"),
            (ingress(), enforce, true, "named"),
            (balancer(), None, false, "any"),
            (balancer(), audit, true, "any"),
            (balancer(), enforce, false, RANGES),
            (balancer(), enforce, true, &format!("{RANGES} named")),
        ] {
            assert_eq!(
                shown(mode, exposure.clone(), named),
                expected,
                "{exposure:?} {mode:?} {named}"
            );
        }
    }
}
