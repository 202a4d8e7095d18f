//! `handler.container`: a partner's own code in a container beside the service's.

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::KubeSchema;
use kube::core::Rule;
use serde::{Deserialize, Serialize};

use super::http::Breaker;
use crate::rules::{between, rule};
use crate::workload::EnvironmentVariable;

/// Answers with what a partner's own code says, in a container beside the service's: in the pods that take requests, or for
/// a recording in those that work on it. It is called on 127.0.0.1 as `handler.http` is. It starts before the service, and
/// ends after it; it has the restricted security context of the pod, and none of its Secrets, volumes or tokens.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The image. It runs as user 65532, whatever it says itself.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rule("!self.contains(' ')", "handler.container.image must be the name of an image, such as registry.example.com/handler:1.0"))]
    pub image: String,

    /// The port on which it listens, on every address: the service calls 127.0.0.1, and the node probes the address of the
    /// pod. The network policy lets nobody else through to it. Two endpoints cannot have the same: the containers
    /// of a pod share its ports.
    #[schemars(range(min = 1024, max = 65535))]
    #[x_kube(
        validation = between(1024, 65535, "handler.container.port"),
        validation = rule("!(self in [8080, 8081])", "handler.container.port must not be 8080 or 8081, on which the service listens in the same pod: choose another"),
    )]
    pub port: i32,

    /// The path of the URL that is called.
    #[serde(default = "root")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = path("handler.container.path"))]
    pub path: String,

    /// The path of a GET that is answered 2xx or 3xx while the container is able to work. Without it: whether the port takes
    /// connections. A pod whose container fails it gets no requests, and one that never passes it does not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = path("handler.container.probePath"))]
    pub probe_path: Option<String>,

    /// Its requests and limits. Unset: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// Its environment variables; a key of a Secret is the place for what it must keep to itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rule("self.all(e, self.exists_one(o, o.name == e.name))", "each variable of handler.container.env must have a name of its own"),
    )]
    pub env: Vec<EnvironmentVariable>,

    /// How long one call may take. Without it: as long as there is time for the answer (spec.limits.answerSeconds), or for
    /// a recording until shortly before spec.sla.cutoffFactor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    #[x_kube(validation = between(1, 86400, "handler.container.timeoutSeconds"))]
    pub timeout_seconds: Option<i32>,

    /// When a container that fails is left alone for a while.
    #[serde(default)]
    pub breaker: Breaker,
}

impl Container {
    /// What of it the service reads: only the operator knows the container itself.
    #[must_use]
    pub fn reduced(self) -> Self {
        Self {
            probe_path: None,
            resources: None,
            env: Vec::new(),
            ..self
        }
    }
}

/// The containers of a pod share its ports.
#[must_use]
pub fn apart() -> Rule {
    rule(
        "self.endpoints.all(e, !has(e.handler.container) || self.endpoints.exists_one(o, has(o.handler.container) && o.handler.container.port == e.handler.container.port))",
        "two endpoints have the same handler.container.port, which the containers of a pod share: choose another for one of them, or have one endpoint call the container of the other with handler.http",
    )
}

fn path(what: &str) -> Rule {
    rule(
        "self.matches('^/[^#[:space:]]*$')",
        &format!("{what} must start with '/' and have no blanks and no '#'"),
    )
}

fn root() -> String {
    "/".to_owned()
}
