//! A load balancer of the add-on's own: what cannot be read from publicUrl.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{object_name, rule};

/// A Service of the type LoadBalancer. Its ports are those of publicUrl (443 when it names none), and of the publicUrl of
/// each endpoint that has one. It keeps the addresses of the clients (`externalTrafficPolicy: Local`), and admits the
/// ranges of an enforced allowList alone (`loadBalancerSourceRanges`).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "has(self.tlsSecretName) != self.allowInsecure",
        "exposure.loadBalancer needs a certificate: set tlsSecretName, or allowInsecure: true where TLS ends at the load balancer itself",
    ),
    validation = rule(
        "has(self.loadBalancerClass) == has(oldSelf.loadBalancerClass)",
        "loadBalancerClass can be neither added nor removed, because Kubernetes does not take it: write exposure: {clusterIp: {}} first",
    ),
)]
pub struct LoadBalancer {
    /// The Secret of the type kubernetes.io/tls, in the add-on's namespace, with the certificate of the hosts and its key.
    /// The pods speak TLS 1.2 and 1.3 with it by themselves. A renewed one is used within two minutes, and no pod restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("exposure.loadBalancer.tlsSecretName"))]
    pub tls_secret_name: Option<String>,

    /// Speak plain HTTP to the load balancer, because TLS ends there. Twilio itself always calls https.
    #[serde(default)]
    pub allow_insecure: bool,

    /// Annotations of the Service, by which clouds are told what kind of load balancer to make.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub annotations: BTreeMap<String, String>,

    /// Which implementation makes the load balancer; the cluster's own when unset. It cannot be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = rule(
            "self.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
            "exposure.loadBalancer.loadBalancerClass must be a name such as service.k8s.aws/nlb",
        ),
        validation = rule(
            "self == oldSelf",
            "loadBalancerClass cannot be changed, because Kubernetes does not take it: write exposure: {clusterIp: {}} first",
        ),
    )]
    pub load_balancer_class: Option<String>,

    /// Open a port on every node as well. Some load balancers reach the pods through one; where yours does not, leave it
    /// shut, because it is one more way in.
    #[serde(default)]
    pub allocate_node_ports: bool,
}
