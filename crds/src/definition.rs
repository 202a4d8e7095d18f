//! The CustomResourceDefinition, completed with what the derives cannot express. Printed by `marketplace-operator crd`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSON};
use kube::CustomResourceExt;
use serde_json::json;

use crate::MarketplaceAddon;

/// The CustomResourceDefinition as it is installed.
pub fn definition() -> CustomResourceDefinition {
    let mut definition = MarketplaceAddon::crd();
    for version in &mut definition.spec.versions {
        let status = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
            .and_then(|schema| schema.properties.as_mut())
            .and_then(|properties| properties.get_mut("status"))
            .expect("the derive was told of a status");
        status.default = Some(JSON(unseen()));
    }
    definition
}

/// The status of a resource that no operator has seen. kstatus takes a resource without a Ready condition for ready.
fn unseen() -> serde_json::Value {
    json!({ "conditions": [{
        "type": "Ready",
        "status": "Unknown",
        "reason": "Pending",
        "message": "no operator has seen this; does one run, and does it watch this namespace?",
        "lastTransitionTime": "1970-01-01T00:00:00Z",
    }]})
}
