//! How many pods answer.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, rule};

/// How many pods answer.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// The pods that take requests.
    #[serde(default)]
    pub front: Front,
}

/// The number of pods that take requests. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule("has(self.fixed)", "scaling.front must have exactly one member: write front: {fixed: {replicas: 1}}"))]
pub struct Front {
    /// A fixed number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Fixed>,
}

impl Default for Front {
    fn default() -> Self {
        Self {
            fixed: Some(Fixed::default()),
        }
    }
}

/// A fixed number of pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Fixed {
    /// The number of pods. 0 stops the add-on; it is then Ready with nothing running.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    #[x_kube(validation = between(0, 1000, "scaling.front.fixed.replicas"))]
    pub replicas: i32,
}

impl Default for Fixed {
    fn default() -> Self {
        Self { replicas: one() }
    }
}

fn one() -> i32 {
    1
}
