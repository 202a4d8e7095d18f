//! The pods of an add-on: what of them a person decides. Read by the operator alone.

mod environment;
mod overrides;
mod scheduling;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

pub use self::environment::{EnvironmentVariable, KeyReference, ValueFrom};
pub use self::overrides::PodOverrides;
pub use self::scheduling::Scheduling;
use crate::rules::{object_name, rule};

/// The labels by which the operator finds the pods. They are nobody else's.
pub const RESERVED_LABELS: [&str; 4] = [
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app.kubernetes.io/managed-by",
];

/// The pods of an add-on. A change of anything here replaces them, one after the other where the storage allows that.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// The image of the service; the operator's own choice when unset. Setting it pins the add-on to that image when
    /// the operator is upgraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rule("!self.contains(' ')", "workload.image must be the name of an image, such as registry.example.com/service:1.0"))]
    pub image: Option<String>,

    /// Requests and limits of the service's container. Unset: 100m of CPU and 64Mi of memory are requested, and memory is
    /// limited to 256Mi; pods that hear with `transcription.engine.builtin` request 500m and 384Mi, and are limited to 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// On which nodes the pods run, and which pods give way to them.
    #[serde(default, skip_serializing_if = "Scheduling::is_unset")]
    pub scheduling: Scheduling,

    /// What differs for the pods that work on recordings, where those are pods of their own (`storage.postgres`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<WorkerPods>,

    /// More labels of the pods, for example a team or a cost centre. The four by which the operator finds the pods
    /// (`app.kubernetes.io/name`, `instance`, `component` and `managed-by`) are its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels")]
    #[x_kube(validation = rule(
        "!('app.kubernetes.io/name' in self || 'app.kubernetes.io/instance' in self || 'app.kubernetes.io/component' in self || 'app.kubernetes.io/managed-by' in self)",
        "workload.podLabels must not set app.kubernetes.io/name, instance, component or managed-by, by which the operator finds the pods: choose other keys",
    ))]
    pub pod_labels: BTreeMap<String, String>,

    /// Annotations of the pods, for example for a service mesh or a log collector.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub pod_annotations: BTreeMap<String, String>,

    /// The Secrets with which the image is pulled, of type kubernetes.io/dockerconfigjson.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub image_pull_secrets: Vec<PullSecret>,

    /// More environment variables of the service's container, for example `RUST_LOG` for its log or
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` for its traces. What the resource itself declares never depends on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rule("self.all(e, self.exists_one(o, o.name == e.name))", "each variable of workload.env must have a name of its own"),
    )]
    pub env: Vec<EnvironmentVariable>,

    /// Anything else of the pods: an object in the form of a Pod's, with `metadata` (labels and annotations) and `spec`, that
    /// is merged into every pod of the add-on after everything else. Objects are merged; a `null` removes what is there.
    /// Lists whose members have a name are merged by it, as Kubernetes does (containers, initContainers, volumes, env and
    /// imagePullSecrets by `name`, volumeMounts by `mountPath`, volumeDevices by `devicePath`, ports by `containerPort`,
    /// hostAliases by `ip`, topologySpreadConstraints by `topologyKey`), and a member with `$patch: delete` is removed; every
    /// other list is replaced. The service's container is called `service`. Nothing here is checked before Kubernetes does:
    /// what the API server says to the result becomes the condition Ready, and the pods stay as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_overrides: Option<PodOverrides>,
}

/// What differs for the pods that work on recordings.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkerPods {
    /// Requests and limits of their container, instead of workload.resources. A recording that is analyzed takes CPU, an
    /// answer hardly any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// Where they run, instead of workload.scheduling, of which nothing is then taken over: for example on nodes that may go
    /// at any time, because a job that is cut short is done again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,
}

/// A Secret with which an image is pulled.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PullSecret {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("workload.imagePullSecrets.name"))]
    pub name: String,
}

fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": { "type": "string", "maxLength": 63 },
    })
}
