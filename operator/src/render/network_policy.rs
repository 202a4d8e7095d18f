//! Who may connect: the declared address ranges, or whoever in the cluster carries the traffic in. The admin port is for
//! monitoring. Egress stays open: the hosts of callbacks and databases are limited by the service itself.
//!
//! A range sees the address of the packet: behind an ingress that is the ingress, so that the trusted proxies are among the
//! ranges, and the service itself checks whom they speak for.

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{labels, metadata, pod};
use crate::role::Role;
use crate::validate::ValidatedAddon;

pub(super) fn render(addon: &ValidatedAddon) -> NetworkPolicy {
    let traffic = match &addon.sources {
        Some(ranges) => ranges.iter().cloned().map(range).collect(),
        None => vec![any_namespace()],
    };
    let rules = vec![
        rule(pod::HTTP_PORT, traffic),
        rule(pod::ADMIN_PORT, vec![any_namespace()]),
    ];
    fence(addon, Role::Front, rules)
}

/// Nobody calls a worker.
pub(super) fn of_workers(addon: &ValidatedAddon) -> NetworkPolicy {
    let rules = vec![rule(pod::ADMIN_PORT, vec![any_namespace()])];
    fence(addon, Role::Workers, rules)
}

fn fence(addon: &ValidatedAddon, role: Role, rules: Vec<NetworkPolicyIngressRule>) -> NetworkPolicy {
    NetworkPolicy {
        metadata: metadata(addon, role.child(&addon.name), role.component()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(labels::selector(&addon.name, role.component())),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(rules),
            ..NetworkPolicySpec::default()
        }),
    }
}

/// The protocol is written out: the list is atomic, and a default added by the server would look like a change.
fn rule(port: i32, from: Vec<NetworkPolicyPeer>) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: Some(from),
        ports: Some(vec![NetworkPolicyPort {
            port: Some(IntOrString::Int(port)),
            protocol: Some("TCP".to_owned()),
            ..NetworkPolicyPort::default()
        }]),
    }
}

fn range(cidr: String) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        ip_block: Some(IPBlock { cidr, except: None }),
        ..NetworkPolicyPeer::default()
    }
}

fn any_namespace() -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        ..NetworkPolicyPeer::default()
    }
}
