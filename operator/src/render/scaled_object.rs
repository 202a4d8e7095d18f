//! A ScaledObject of KEDA: the front by the requests that are being answered, the workers by how many of them are needed.
//!
//! Both are totals, of which each pod is to have so much (AverageValue): what is needed does not depend on how many pods there
//! are, so that the number cannot swing. A series that is missing is an error and never a zero; then no pod is taken away.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{autoscaler, metadata, pod};
use crate::kind::Kind;
use crate::role::Role;
use crate::validate::ValidatedAddon;
use crate::validate::scaling::Keda;

/// How often KEDA asks.
const POLL_SECONDS: u32 = 15;
/// After so many failures in a row the fallback holds.
const FAILURES: u32 = 3;

pub(super) fn render(addon: &ValidatedAddon, role: Role, keda: &Keda) -> DynamicObject {
    let name = role.child(&addon.name);
    let mut object = DynamicObject::new(&name, &Kind::ScaledObject.resource());
    object.metadata = metadata(addon, name.clone(), role.component());
    object.data = json!({"spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "pollingInterval": POLL_SECONDS,
        "minReplicaCount": keda.min_replicas,
        "maxReplicaCount": keda.max_replicas,
        "fallback": {
            "failureThreshold": FAILURES,
            "replicas": keda.min_replicas,
            "behavior": "currentReplicasIfHigher",
        },
        "advanced": {
            "restoreToOriginalReplicaCount": false,
            "horizontalPodAutoscalerConfig": {"behavior": autoscaler::behavior()},
        },
        "triggers": triggers(addon, role, keda),
    }});
    object
}

fn triggers(addon: &ValidatedAddon, role: Role, keda: &Keda) -> Vec<Value> {
    let mut metadata = json!({
        "serverAddress": keda.server_address,
        "query": query(addon, role),
        "threshold": keda.threshold.to_string(),
        "ignoreNullValues": "false",
    });
    let mut trigger = json!({"type": "prometheus", "metricType": "AverageValue"});
    if let Some(authentication) = &keda.authentication {
        let modes: Vec<_> = authentication.modes.iter().map(|mode| mode.as_str()).collect();
        metadata["authModes"] = json!(modes.join(","));
        trigger["authenticationRef"] = json!({"name": authentication.name});
    }
    trigger["metadata"] = metadata;
    let net = keda.cpu_utilization.map(|percent| {
        json!({
            "type": "cpu",
            "metricType": "Utilization",
            "metadata": {"value": percent.to_string(), "containerName": pod::CONTAINER},
        })
    });
    [trigger].into_iter().chain(net).collect()
}

/// By our own label alone, whatever else a scrape adds. What comes from the shared database every pod says alike; what a pod
/// answers it says for itself.
fn query(addon: &ValidatedAddon, role: Role) -> String {
    let selector = format!("{{addon=\"{}/{}\"}}", addon.namespace, addon.name);
    match role {
        Role::Front => format!("sum(avg_over_time(marketplace_requests_in_flight{selector}[1m]))"),
        Role::Workers => format!("max(marketplace_worker_demand{selector})"),
    }
}
