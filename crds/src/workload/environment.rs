//! Environment variables of the service's container, and of a partner's.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{object_name, rule};

/// One environment variable: a value, or where it is taken from.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.value) != has(self.valueFrom)",
    "a variable of env has either value or valueFrom",
))]
pub struct EnvironmentVariable {
    /// Its name. Of those that start with `MARKETPLACE_`, which are the service's own, only `MARKETPLACE_LOG_FORMAT` may be
    /// set: `text` instead of `json`.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(
        validation = rule(
            "self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",
            "the name of a variable of env must contain only letters, digits and '_', and not start with a digit",
        ),
        validation = rule(
            "!self.startsWith('MARKETPLACE_') || self == 'MARKETPLACE_LOG_FORMAT'",
            "variables of env that start with MARKETPLACE_ are the service's own, except MARKETPLACE_LOG_FORMAT: choose another name, or declare in the resource what it is to do",
        ),
    )]
    pub name: String,

    /// Its value. It is no place for a secret: whoever may read the resource or the pod reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,

    /// Where its value is taken from when a pod starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
}

/// Where a value is taken from. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.secretKeyRef) != has(self.configMapKeyRef)",
    "env.valueFrom must have exactly one of secretKeyRef and configMapKeyRef",
))]
pub struct ValueFrom {
    /// A key of a Secret in the add-on's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeyReference>,

    /// A key of a ConfigMap in the add-on's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<KeyReference>,
}

/// A key of an object.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KeyReference {
    /// The name of the object. A pod does not start before it exists.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("env.valueFrom"))]
    pub name: String,

    /// The key.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}
