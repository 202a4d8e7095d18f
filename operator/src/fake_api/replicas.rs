//! Who owns `spec.replicas` of a Deployment, as server-side apply decides it: a manager that changes the number is alone with
//! it, one that writes the same shares it, and when the last one leaves it out the number is the default, 1.

use serde_json::{Value, json};

/// What a Deployment is after this manager has applied this.
pub(super) fn applied(live: Option<&Value>, manager: &str, body: Value) -> Value {
    let before = live.map_or(1, count);
    let mut owners = live.map(owners).unwrap_or_default();
    let is_mine = owners.iter().any(|owner| owner == manager);
    let number = if let Some(wanted) = body["spec"]["replicas"].as_i64() {
        if wanted != before {
            owners.clear();
        }
        if !owners.iter().any(|owner| owner == manager) {
            owners.push(manager.to_owned());
        }
        wanted
    } else {
        owners.retain(|owner| owner != manager);
        if is_mine && owners.is_empty() { 1 } else { before }
    };
    let is_whole = body["spec"].get("template").is_some();
    let mut object = match live {
        Some(live) if !is_whole => live.clone(),
        Some(_) | None => body,
    };
    write(&mut object, number, &owners);
    object
}

/// What it is after something that is no applier, such as an autoscaler, has written the number.
pub(super) fn updated(live: &Value, manager: &str, number: i64) -> Value {
    let mut object = live.clone();
    if count(live) != number {
        write(&mut object, number, &[format!("{manager} (Update)")]);
    }
    object
}

/// The number of pods.
pub(super) fn count(deployment: &Value) -> i64 {
    deployment["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn owners(deployment: &Value) -> Vec<String> {
    let entries = deployment["metadata"]["managedFields"].as_array();
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["manager"].as_str().map(ToOwned::to_owned))
        .collect()
}

fn write(object: &mut Value, number: i64, owners: &[String]) {
    object["spec"]["replicas"] = json!(number);
    let entries = owners.iter().map(|owner| {
        let operation = if owner.ends_with("(Update)") { "Update" } else { "Apply" };
        json!({"manager": owner, "operation": operation, "fieldsV1": {"f:spec": {"f:replicas": {}}}})
    });
    object["metadata"]["managedFields"] = entries.collect();
}
