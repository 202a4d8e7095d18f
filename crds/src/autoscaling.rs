//! What an autoscaler of the pods goes by, and between which bounds. At least one pod always runs: Twilio waits 15 s for an
//! answer, and no autoscaler starts a first pod in time.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, object_name, rule};

/// A HorizontalPodAutoscaler on the CPU of the pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule("self.minReplicas <= self.maxReplicas", "hpa.minReplicas must not be above hpa.maxReplicas"))]
pub struct Hpa {
    /// No fewer pods than this. Two survive the loss of one.
    #[serde(default = "least")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "minReplicas"))]
    pub min_replicas: i32,

    /// No more pods than this.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "maxReplicas"))]
    pub max_replicas: i32,

    /// The share of the CPU request, in percent, that the pods are to use on average.
    #[serde(default = "cpu_utilization")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "cpuUtilization"))]
    pub cpu_utilization: i32,
}

/// A ScaledObject of KEDA on the requests that are being answered.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule("self.minReplicas <= self.maxReplicas", "keda.minReplicas must not be above keda.maxReplicas"))]
pub struct FrontKeda {
    /// No fewer pods than this. Two survive the loss of one.
    #[serde(default = "least")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "minReplicas"))]
    pub min_replicas: i32,

    /// No more pods than this.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "maxReplicas"))]
    pub max_replicas: i32,

    /// How many requests a pod is to answer at one time, on average over a minute.
    #[serde(default = "requests_in_flight")]
    #[schemars(range(min = 1, max = 10000))]
    #[x_kube(validation = between(1, 10000, "requestsInFlight"))]
    pub requests_in_flight: i32,

    /// A net below that: the share of the CPU request, in percent, that the pods are to use on average. It needs a
    /// metrics-server; 0 does without.
    #[serde(default = "cpu_utilization")]
    #[schemars(range(min = 0, max = 1000))]
    #[x_kube(validation = between(0, 1000, "cpuUtilization"))]
    pub cpu_utilization: i32,

    /// The Prometheus that KEDA asks.
    #[serde(default)]
    pub prometheus: Prometheus,
}

/// A ScaledObject of KEDA on the workers that are needed to meet every deadline.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule("self.minReplicas <= self.maxReplicas", "keda.minReplicas must not be above keda.maxReplicas"))]
pub struct WorkersKeda {
    /// No fewer pods than this.
    #[serde(default = "least")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "minReplicas"))]
    pub min_replicas: i32,

    /// No more pods than this. When more are needed, `marketplace_worker_demand` says so.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "maxReplicas"))]
    pub max_replicas: i32,

    /// The Prometheus that KEDA asks.
    #[serde(default)]
    pub prometheus: Prometheus,
}

/// The Prometheus that KEDA asks. The operator itself never asks it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.authenticationRef) || has(self.serverAddress)",
    "prometheus.authenticationRef needs prometheus.serverAddress: a password is sent only to an address that is written beside it",
))]
pub struct Prometheus {
    /// Its address as KEDA's operator reaches it, such as `http://prometheus.monitoring.svc:9090`; the one that the
    /// operator was given (value `prometheus.serverAddress` of its chart) when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rule(
        "self.matches('^https?://[^@?#[:space:]]+$') && isURL(self)",
        "prometheus.serverAddress must be http:// or https:// with a host, without user, query or fragment",
    ))]
    pub server_address: Option<String>,

    /// How KEDA proves itself to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication_ref: Option<AuthenticationRef>,
}

/// A TriggerAuthentication of KEDA.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationRef {
    /// The name of the TriggerAuthentication, in the namespace of the add-on.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("authenticationRef.name"))]
    pub name: String,

    /// What of it is used.
    #[serde(default = "bearer")]
    #[schemars(length(min = 1, max = 2))]
    pub modes: Vec<AuthenticationMode>,
}

/// What of a TriggerAuthentication is used.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationMode {
    /// Its parameter `bearerToken`.
    Bearer,
    /// Its parameters `username` and `password`.
    Basic,
    /// Its parameters `ca`, `cert` and `key`.
    Tls,
    /// Its parameters `customAuthHeader` and `customAuthValue`.
    Custom,
}

impl AuthenticationMode {
    /// The word for it in KEDA's own resource.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Tls => "tls",
            Self::Custom => "custom",
        }
    }
}

fn least() -> i32 {
    1
}

fn most() -> i32 {
    10
}

fn cpu_utilization() -> i32 {
    80
}

fn requests_in_flight() -> i32 {
    10
}

fn bearer() -> Vec<AuthenticationMode> {
    vec![AuthenticationMode::Bearer]
}
