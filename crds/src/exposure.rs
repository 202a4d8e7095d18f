//! How requests reach the pods, and from where they may come.

pub mod gateway;
pub mod ingress;
pub mod load_balancer;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::gateway::{Gateway, ParentRef};
pub use self::ingress::Ingress;
pub use self::load_balancer::LoadBalancer;
use crate::rules::{between, rule};

/// How requests reach the pods. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "(has(self.clusterIp) ? 1 : 0) + (has(self.ingress) ? 1 : 0) + (has(self.gateway) ? 1 : 0) + (has(self.loadBalancer) ? 1 : 0) == 1",
    "exposure must have exactly one member: write exposure: {clusterIp: {}}, or ingress, gateway or loadBalancer in its place",
))]
pub struct Exposure {
    /// A Service inside the cluster, for an ingress or gateway that is kept elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_ip: Option<ClusterIp>,

    /// An Ingress, carried by the cluster's ingress controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,

    /// An HTTPRoute at a Gateway of the Gateway API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,

    /// A load balancer of the add-on's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
}

impl Default for Exposure {
    fn default() -> Self {
        Self {
            cluster_ip: Some(ClusterIp::default()),
            ingress: None,
            gateway: None,
            load_balancer: None,
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

/// The source addresses from which requests may come. The service itself checks them; the load balancer of
/// exposure.loadBalancer and the NetworkPolicy are told them as well. Twilio's requests come from changing addresses unless
/// it was asked otherwise.
///
/// Behind an ingress or a gateway the address of the connection is that of the proxy. Name the proxies in trustedProxies: for
/// what comes through them the source is read from X-Forwarded-For, from the right, the first address that is none of theirs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AllowList {
    /// Enforce: a request from elsewhere is not served. One that is forged is answered 403 as always; one that is genuine
    /// 503, which Twilio sends again, because then the list is wrong. Audit: everything is served, and the metric
    /// marketplace_request_sources_total counts what would not be.
    #[serde(default)]
    pub mode: AllowListMode,

    /// The ranges of the proxies in front of the service, whose X-Forwarded-For is believed, for example the Pod range of
    /// the cluster for its ingress. Without it the source is whoever connects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), inner(length(max = 43)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = rule("size(self) >= 1", "allowList.trustedProxies must name at least one range; without proxies leave it out"),
        validation = rule(
            "self.all(p, isCIDR(p) && cidr(p) == cidr(p).masked())",
            "allowList.trustedProxies takes address ranges such as 10.0.0.0/8, without bits set beyond the prefix; a single address ends in /32 or /128",
        ),
    )]
    pub trusted_proxies: Option<Vec<String>>,

    /// The address ranges.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rule("size(self) >= 1", "allowList.sources must name at least one range; to admit every address remove allowList"),
        validation = rule("self.all(s, self.exists_one(o, o.name == s.name))", "each source must have a name of its own"),
    )]
    pub sources: Vec<Source>,
}

/// What follows for a request whose source is not listed.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllowListMode {
    /// It is not served.
    #[default]
    Enforce,
    /// It is served, and counted.
    Audit,
}

/// One address range.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// A name that says whose range this is. It stands beside the range in the annotation
    /// marketplace-operator.dev/sources of the add-on's NetworkPolicy.
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
