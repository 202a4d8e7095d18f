//! Who may connect, and to whom the pods may: as [`crate::validate::Fence`] has it, in the words of Kubernetes.
//!
//! A range sees the address of the packet: behind an ingress that is the ingress, and the service itself checks whom it
//! speaks for.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use marketplace_crds::network::{IpBlock, Peer};

use super::{labels, metadata, pod};
use crate::role::Role;
use crate::validate::ValidatedAddon;

const DNS_PORT: i32 = 53;

/// The annotation that says whose the ranges of the allow list are.
const SOURCES: &str = "marketplace-operator.dev/sources";

pub(super) fn render(addon: &ValidatedAddon) -> NetworkPolicy {
    let rules = vec![
        rule(pod::HTTP_PORT, addon.fence.traffic.as_deref()),
        rule(pod::ADMIN_PORT, Some(&addon.fence.monitoring)),
    ];
    let mut policy = fenced(addon, Role::Front, rules);
    let sources = addon.fence.sources.clone();
    policy.metadata.annotations = sources.map(|sources| BTreeMap::from([(SOURCES.to_owned(), sources)]));
    policy
}

/// Nobody calls a worker.
pub(super) fn of_workers(addon: &ValidatedAddon) -> NetworkPolicy {
    let rules = vec![rule(pod::ADMIN_PORT, Some(&addon.fence.monitoring))];
    fenced(addon, Role::Workers, rules)
}

fn fenced(addon: &ValidatedAddon, role: Role, rules: Vec<NetworkPolicyIngressRule>) -> NetworkPolicy {
    let fence = &addon.fence;
    let directions = ["Ingress", "Egress"]
        .into_iter()
        .take(if fence.egress.is_some() { 2 } else { 1 });
    NetworkPolicy {
        metadata: metadata(addon, role.child(&addon.name), role.component()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(labels::selector(&addon.name, role.component())),
                ..LabelSelector::default()
            }),
            policy_types: Some(directions.map(str::to_owned).collect()),
            ingress: Some(rules),
            egress: fence.egress.as_deref().map(egress),
        }),
    }
}

/// Without peers: from anywhere.
fn rule(number: i32, from: Option<&[Peer]>) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: from.map(|peers| peers.iter().map(peer).collect()),
        ports: Some(vec![port("TCP", number)]),
    }
}

/// DNS wherever it is answered: a cache on the node has no labels by which it could be selected.
fn egress(to: &[Peer]) -> Vec<NetworkPolicyEgressRule> {
    let dns = NetworkPolicyEgressRule {
        ports: Some(vec![port("UDP", DNS_PORT), port("TCP", DNS_PORT)]),
        to: None,
    };
    let listed = NetworkPolicyEgressRule {
        ports: None,
        to: Some(to.iter().map(peer).collect()),
    };
    vec![dns, listed]
}

/// The protocol is written out: the list is atomic, and a default added by the server would look like a change.
fn port(protocol: &str, number: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(number)),
        protocol: Some(protocol.to_owned()),
        ..NetworkPolicyPort::default()
    }
}

fn peer(declared: &Peer) -> NetworkPolicyPeer {
    let Peer {
        ip_block,
        namespace_selector,
        pod_selector,
    } = declared.clone();
    NetworkPolicyPeer {
        ip_block: ip_block.map(|IpBlock { cidr, except }| IPBlock { cidr, except }),
        namespace_selector,
        pod_selector,
    }
}
