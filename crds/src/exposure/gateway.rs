//! A route at a gateway of the Gateway API: what cannot be read from publicUrl.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, object_name, rule};

/// An HTTPRoute of the Gateway API in the add-on's namespace, kept by the operator; one for each host. Hosts and paths are
/// those of publicUrl, and of the publicUrl of each endpoint that has one. The Gateway has the certificate.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// The Gateways that are to carry the traffic. The add-on counts as routed when each has accepted the route.
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(
        validation = rule("size(self) >= 1", "exposure.gateway.parentRefs must name at least one Gateway"),
    )]
    pub parent_refs: Vec<ParentRef>,
}

/// One Gateway, or one listener of it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    /// The name of the Gateway.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("exposure.gateway.parentRefs.name"))]
    pub name: String,

    /// Its namespace; the add-on's own when unset. A Gateway elsewhere must allow routes from here (`allowedRoutes` of its
    /// listener).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rule(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        "exposure.gateway.parentRefs.namespace must be the name of a namespace: lower-case letters, digits and '-'",
    ))]
    pub namespace: Option<String>,

    /// The name of one listener; every listener that has the host when unset. Name the one with TLS where the Gateway also
    /// has one without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("exposure.gateway.parentRefs.sectionName"))]
    pub section_name: Option<String>,

    /// The port of the listener; any when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    #[x_kube(validation = between(1, 65535, "exposure.gateway.parentRefs.port"))]
    pub port: Option<i32>,
}
