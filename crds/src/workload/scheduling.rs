//! On which nodes pods run. The forms are Kubernetes' own, so that what is known of them holds; of their descriptions only
//! what is said here stays in the definition, which would otherwise be several times as large.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, Toleration, TopologySpreadConstraint};
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rules::object_name;

/// On which nodes pods run, and which pods give way to them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// The labels that a node must have, for example `{kubernetes.io/arch: amd64}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub node_selector: BTreeMap<String, String>,

    /// The taints of nodes that the pods bear, as in a Pod (`kubectl explain pod.spec.tolerations`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "terse::<Vec<Toleration>>", extend("maxItems" = 32))]
    pub tolerations: Vec<Toleration>,

    /// Which nodes and which other pods the pods like or shun, as in a Pod (`kubectl explain pod.spec.affinity`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "terse::<Affinity>")]
    pub affinity: Option<Affinity>,

    /// How the pods are spread, as in a Pod (`kubectl explain pod.spec.topologySpreadConstraints`); one without a
    /// `labelSelector` counts the pods of the same part of the add-on. Unset: over nodes and over zones, as evenly as there
    /// is room (ScheduleAnyway). `[]`: as Kubernetes sees fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "terse::<Vec<TopologySpreadConstraint>>", extend("maxItems" = 8))]
    pub topology_spread_constraints: Option<Vec<TopologySpreadConstraint>>,

    /// The PriorityClass of the pods: which pods give way where there is no room for all. It must exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("scheduling.priorityClassName"))]
    pub priority_class_name: Option<String>,
}

impl Scheduling {
    /// Whether nothing is declared.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

/// The schema of a type without its descriptions.
fn terse<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = T::json_schema(generator).to_value();
    strip(&mut schema);
    Schema::try_from(schema).expect("a schema without descriptions is a schema")
}

/// Not below `properties`, where `description` would be the name of one.
fn strip(schema: &mut Value) {
    if let Value::Array(members) = schema {
        members.iter_mut().for_each(strip);
    }
    let Some(keywords) = schema.as_object_mut() else {
        return;
    };
    keywords.remove("description");
    for (keyword, value) in keywords {
        match value {
            Value::Object(properties) if keyword == "properties" => properties.values_mut().for_each(strip),
            other => strip(other),
        }
    }
}
