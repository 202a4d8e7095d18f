//! An Ingress for the add-on: what cannot be read from publicUrl.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{object_name, rule};

/// An Ingress in the add-on's namespace, kept by the operator. Its hosts and paths are those of publicUrl, and of the
/// publicUrl of each endpoint that has one: what is registered with Twilio is what is routed. It takes HTTPS; with the
/// annotations by which ingress-nginx and Traefik neither buffer, limit, redirect nor rewrite a request.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!(self.allowInsecure && has(self.tlsSecretName))",
    "exposure.ingress.allowInsecure says that TLS ends before the ingress: remove it, or remove exposure.ingress.tlsSecretName",
))]
pub struct Ingress {
    /// The name of the IngressClass; the cluster's default class when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("exposure.ingress.className"))]
    pub class_name: Option<String>,

    /// The Secret of the type kubernetes.io/tls, in the add-on's namespace, with the certificate of every host. It may be
    /// made later, for example by cert-manager. When unset the ingress shows the certificate that it has by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("exposure.ingress.tlsSecretName"))]
    pub tls_secret_name: Option<String>,

    /// Take plain HTTP, because TLS ends in front of the ingress. Twilio itself always calls https.
    #[serde(default)]
    pub allow_insecure: bool,

    /// Annotations of the Ingress. One that is written here wins over the operator's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub annotations: BTreeMap<String, String>,
}
