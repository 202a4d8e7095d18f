//! The rows about how many pods there are.

use serde_json::{Value, json};

use super::{Row, replace};

const FRONT: &str = "scaling.front must have exactly one member";
const WORKERS: &str = "scaling.workers must have exactly one of fixed, hpa and keda";
const ONE_POD: &str = "storage.volume is written by one pod only";
const NO_WORKERS: &str = "scaling.workers needs an endpoint of integration RecordingAnalysis and storage.postgres";
const CPU: &str = "an autoscaler on CPU goes by a share of what is requested";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = members();
    rows.extend(with_a_volume());
    rows.extend(bounds());
    rows.extend(prometheus());
    rows.extend(cpu());
    rows
}

/// With a database, so that several pods may share the jobs.
#[expect(clippy::needless_pass_by_value, reason = "a row writes its value in place")]
fn shared(name: &'static str, scaling: Value, message: &'static str) -> Row {
    let storage = json!({"postgres": {"secretName": "jobs"}});
    Row {
        name,
        change: json!([
            {"op": "add", "path": "/spec/storage", "value": storage},
            {"op": "add", "path": "/spec/scaling", "value": scaling},
        ]),
        message,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a row writes its value in place")]
fn front(name: &'static str, front: Value, message: &'static str) -> Row {
    shared(name, json!({"front": front}), message)
}

#[expect(clippy::needless_pass_by_value, reason = "a row writes its value in place")]
fn workers(name: &'static str, workers: Value, message: &'static str) -> Row {
    shared(name, json!({"workers": workers}), message)
}

fn members() -> Vec<Row> {
    vec![
        front("a front without a member", json!({}), FRONT),
        front("a front with two members", json!({"fixed": {}, "hpa": {}}), FRONT),
        front(
            "a front with all members",
            json!({"fixed": {}, "hpa": {}, "keda": {}}),
            FRONT,
        ),
        workers("workers without a member", json!({}), WORKERS),
        workers("workers with a concurrency alone", json!({"concurrency": 2}), WORKERS),
        workers("workers with two members", json!({"hpa": {}, "keda": {}}), WORKERS),
    ]
}

fn with_a_volume() -> Vec<Row> {
    let path = "/spec/scaling";
    vec![
        replace(
            "an autoscaler beside a volume",
            path,
            json!({"front": {"hpa": {}}}),
            ONE_POD,
        ),
        replace("KEDA beside a volume", path, json!({"front": {"keda": {}}}), ONE_POD),
        replace(
            "workers beside a volume",
            path,
            json!({"workers": {"fixed": {}}}),
            NO_WORKERS,
        ),
        Row {
            name: "workers without recordings",
            change: json!([
                {"op": "remove", "path": "/spec/storage"},
                {"op": "add", "path": "/spec/scaling", "value": {"workers": {"fixed": {}}}},
                {"op": "add", "path": "/spec/endpoints", "value": [{
                    "name": "sms", "path": "/sms", "integration": "IncomingSms",
                    "request": {"encoding": "Query", "fields": {"phoneNumber": "phone"}},
                    "handler": {"table": {"entries": [{"key": "+14155551212", "results": {"name": "Ada"}}]}},
                }]},
            ]),
            message: NO_WORKERS,
        },
    ]
}

fn bounds() -> Vec<Row> {
    let upside_down = || json!({"minReplicas": 5, "maxReplicas": 4});
    vec![
        front(
            "a least above the most",
            json!({"hpa": upside_down()}),
            "hpa.minReplicas must not be above hpa.maxReplicas",
        ),
        front(
            "a least of KEDA above its most",
            json!({"keda": upside_down()}),
            "keda.minReplicas must not be above keda.maxReplicas",
        ),
        workers(
            "a least of workers above their most",
            json!({"keda": upside_down()}),
            "keda.minReplicas must not be above keda.maxReplicas",
        ),
        front(
            "a front that is scaled to nothing",
            json!({"keda": {"minReplicas": 0}}),
            "minReplicas must be between 1 and 1000",
        ),
        front(
            "a most of too many",
            json!({"hpa": {"maxReplicas": 1001}}),
            "maxReplicas must be between 1 and 1000",
        ),
        front(
            "no requests in flight",
            json!({"keda": {"requestsInFlight": 0}}),
            "requestsInFlight must be between 1 and 10000",
        ),
        front(
            "a share of no CPU",
            json!({"hpa": {"cpuUtilization": 0}}),
            "cpuUtilization must be between 1 and 1000",
        ),
        front(
            "a net below no CPU",
            json!({"keda": {"cpuUtilization": -1}}),
            "cpuUtilization must be between 0 and 1000",
        ),
        workers(
            "a worker that does nothing",
            json!({"concurrency": 0, "fixed": {}}),
            "scaling.workers.concurrency must be between 1 and 1000",
        ),
        front(
            "fewer pods than none",
            json!({"fixed": {"replicas": -1}}),
            "fixed.replicas must be between 0 and 1000",
        ),
    ]
}

fn prometheus() -> Vec<Row> {
    let asks = |prometheus: Value| json!({"keda": {"prometheus": prometheus}});
    let address = "prometheus.serverAddress must be http:// or https://";
    vec![
        workers(
            "a Prometheus without a scheme",
            asks(json!({"serverAddress": "prometheus:9090"})),
            address,
        ),
        workers(
            "a Prometheus with a password",
            asks(json!({"serverAddress": "https://me:word@prometheus:9090"})),
            address,
        ),
        front(
            "a password for an address that is not written there",
            asks(json!({"authenticationRef": {"name": "meter"}})),
            "prometheus.authenticationRef needs prometheus.serverAddress",
        ),
        front(
            "a TriggerAuthentication in capitals",
            asks(json!({"serverAddress": "https://prometheus", "authenticationRef": {"name": "Meter"}})),
            "authenticationRef.name must be the name of an object",
        ),
    ]
}

fn cpu() -> Vec<Row> {
    let none = json!({"resources": {"requests": {"memory": "1Gi"}}});
    let none_of_workers = json!({
        "resources": {"requests": {"cpu": "1"}}, "workers": {"resources": {"requests": {"memory": "1Gi"}}},
    });
    let with = |name, scaling: Value, workload: &Value| {
        let mut row = shared(name, scaling, CPU);
        let resources = json!({"op": "add", "path": "/spec/workload", "value": workload});
        row.change
            .as_array_mut()
            .into_iter()
            .for_each(|change| change.push(resources.clone()));
        row
    };
    let row = |name, scaling: Value| with(name, scaling, &none);
    vec![
        with(
            "a share of a CPU that the workers' own resources do not request",
            json!({"workers": {"hpa": {}}}),
            &none_of_workers,
        ),
        row("a share of a CPU that is not requested", json!({"front": {"hpa": {}}})),
        row(
            "a net below a CPU that is not requested",
            json!({"front": {"keda": {}}}),
        ),
        row(
            "a share of a worker's CPU that is not requested",
            json!({"workers": {"hpa": {}}}),
        ),
    ]
}
