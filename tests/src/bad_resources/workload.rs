//! What of the pods is refused.

use serde_json::{Value, json};

use super::{Row, replace};

const LABELS: &str = "workload.podLabels must not set app.kubernetes.io/name, instance, component or managed-by";
const SECRET: &str = "workload.imagePullSecrets.name must be the name of an object";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = environment();
    rows.extend(pods());
    rows
}

fn pods() -> Vec<Row> {
    let set = |name, value: Value, message| replace(name, "/spec/workload", value, message);
    vec![
        set(
            "a label of the operator's",
            json!({"podLabels": {"app.kubernetes.io/instance": "another"}}),
            LABELS,
        ),
        set(
            "the operator's mark as a label",
            json!({"podLabels": {"team": "a", "app.kubernetes.io/managed-by": "me"}}),
            LABELS,
        ),
        set(
            "a pull secret by a name with a slash",
            json!({"imagePullSecrets": [{"name": "a/b"}]}),
            SECRET,
        ),
        set(
            "a priority class by a name with a space",
            json!({"scheduling": {"priorityClassName": "very high"}}),
            "scheduling.priorityClassName must be the name of an object",
        ),
        set(
            "pods of workers where jobs are not shared",
            json!({"workers": {"resources": {"requests": {"cpu": "1"}}}}),
            "workload.workers needs storage.postgres",
        ),
    ]
}

fn environment() -> Vec<Row> {
    let set = |name, variables: Value, message| replace(name, "/spec/workload", json!({"env": variables}), message);
    vec![
        set(
            "a variable of the service's own",
            json!([{"name": "MARKETPLACE_SECRETS", "value": "/tmp"}]),
            "variables of env that start with MARKETPLACE_ are the service's own",
        ),
        set(
            "a variable whose name starts with a digit",
            json!([{"name": "1ST", "value": ""}]),
            "the name of a variable of env must contain only letters, digits and '_'",
        ),
        set(
            "a variable without a value",
            json!([{"name": "REGION"}]),
            "a variable of env has either value or valueFrom",
        ),
        set(
            "a variable from two places",
            json!([{"name": "REGION", "valueFrom": {
                "secretKeyRef": {"name": "a", "key": "k"}, "configMapKeyRef": {"name": "a", "key": "k"},
            }}]),
            "env.valueFrom must have exactly one of secretKeyRef and configMapKeyRef",
        ),
        set(
            "a variable from an object of no good name",
            json!([{"name": "REGION", "valueFrom": {"secretKeyRef": {"name": "A", "key": "k"}}}]),
            "env.valueFrom must be the name of an object",
        ),
    ]
}
