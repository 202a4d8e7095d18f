//! The pods of an add-on.

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::rule;

/// The pods of an add-on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// The image of the service; the operator's own choice when unset. Setting it pins the add-on to that image when
    /// the operator is upgraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rule("!self.contains(' ')", "workload.image must be the name of an image, such as registry.example.com/service:1.0"))]
    pub image: Option<String>,

    /// Requests and limits of the service's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
}
