//! How requests reach the pods, and from where they may come.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, rule};

/// How requests reach the pods. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule("has(self.clusterIp)", "exposure must have exactly one member: write exposure: {clusterIp: {}}"))]
pub struct Exposure {
    /// A Service inside the cluster, for an ingress or gateway that is kept elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_ip: Option<ClusterIp>,
}

impl Default for Exposure {
    fn default() -> Self {
        Self {
            cluster_ip: Some(ClusterIp::default()),
        }
    }
}

/// A Service inside the cluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ClusterIp {
    /// The port of the Service.
    #[serde(default = "service_port")]
    #[schemars(range(min = 1, max = 65535))]
    #[x_kube(validation = between(1, 65535, "exposure.clusterIp.port"))]
    pub port: i32,
}

impl Default for ClusterIp {
    fn default() -> Self {
        Self { port: service_port() }
    }
}

fn service_port() -> i32 {
    80
}

/// The only source addresses that may connect, enforced by a NetworkPolicy. Behind an ingress that is the address of the
/// ingress, not of Twilio: a NetworkPolicy sees the packet's own address. Twilio's requests come from changing addresses
/// unless it was asked otherwise.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AllowList {
    /// The address ranges.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rule("size(self) >= 1", "allowList.sources must name at least one range; to admit every address remove allowList"),
        validation = rule("self.all(s, self.exists_one(o, o.name == s.name))", "each source must have a name of its own"),
    )]
    pub sources: Vec<Source>,
}

/// One address range.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// A name that says whose range this is.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// The range, for example `198.51.100.0/24` or `2001:db8::/32`; a single address ends in `/32` or `/128`.
    #[schemars(length(max = 43))]
    #[x_kube(validation = rule(
        "isCIDR(self) && cidr(self) == cidr(self).masked()",
        "cidr must be an address range such as 198.51.100.0/24, without bits set beyond the prefix; a single address ends in /32 or /128",
    ))]
    pub cidr: String,
}
