//! Which peers the pods may be reached from and may reach, inside the cluster and out of it: where the ingress, the
//! monitoring, and what the pods call, live.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::rule;

/// The peers of the pods, for their NetworkPolicy. What is unset here is as the operator is told (values `network` of its
/// chart), and else open as is said with each.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Where the ingress or the gateway runs that carries the traffic in: no other Pod may then send requests. Unset: any
    /// Pod of the cluster may, and because one could then write an X-Forwarded-For of its own, the condition SourcesEnforced
    /// is Unknown. A controller in the network of its nodes (hostNetwork) is named by an ipBlock with the nodes' addresses.
    /// To override a setting of the operator with any Pod write `[{namespaceSelector: {}}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(validation = named("network.ingressFrom"))]
    pub ingress_from: Option<Vec<Peer>>,

    /// Where the monitoring runs that reads the metrics. Unset: any Pod of the cluster may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(validation = named("network.monitoringFrom"))]
    pub monitoring_from: Option<Vec<Peer>>,

    /// The only peers that the pods may connect to: databases, partners' services, the proxy to the outside, and the
    /// addresses of callbacks and recordings. DNS is always among them. Unset: any; the service itself then limits
    /// callbacks and recordings to their allowed hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = named("network.egress"))]
    pub egress: Option<Vec<Peer>>,
}

impl Network {
    /// Whether nothing is declared: what the service reads has no such section, so that a manifest stays as it was.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

fn named(what: &str) -> kube::core::Rule {
    rule(
        "size(self) >= 1",
        &format!("{what} must name at least one peer; to leave it open remove it"),
    )
}

/// One peer, as in a NetworkPolicy: an address range, or Pods by the labels of their namespace, of themselves, or of both.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.ipBlock) != (has(self.namespaceSelector) || has(self.podSelector))",
    "a peer is either an ipBlock, or Pods by namespaceSelector, podSelector or both",
))]
pub struct Peer {
    /// An address range outside of the Pods' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,

    /// Pods of the namespaces with these labels; `{}`: of every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,

    /// Pods with these labels; without namespaceSelector those of the add-on's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
}

impl Peer {
    /// What the rule says, for a peer that is not part of a resource.
    #[must_use]
    pub fn is_one_kind(&self) -> bool {
        self.ip_block.is_some() != (self.namespace_selector.is_some() || self.pod_selector.is_some())
    }
}

/// An address range, and what of it is left out.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.except) || !isCIDR(self.cidr) || self.except.all(e, !isCIDR(e) || (cidr(self.cidr).containsCIDR(e) && cidr(e).prefixLength() > cidr(self.cidr).prefixLength()))",
    "ipBlock.except must lie within ipBlock.cidr, and be smaller",
))]
pub struct IpBlock {
    /// The range, for example `10.0.0.0/8` or `2001:db8::/32`; a single address ends in `/32` or `/128`.
    #[schemars(length(max = 43))]
    #[x_kube(validation = rule(
        "isCIDR(self) && cidr(self) == cidr(self).masked()",
        "ipBlock.cidr must be an address range such as 10.0.0.0/8, without bits set beyond the prefix; a single address ends in /32 or /128",
    ))]
    pub cidr: String,

    /// Ranges within it that are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), inner(length(max = 43)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = rule(
            "self.all(e, isCIDR(e) && cidr(e) == cidr(e).masked())",
            "ipBlock.except takes address ranges such as 10.0.0.0/8, without bits set beyond the prefix",
        ),
    )]
    pub except: Option<Vec<String>>,
}
