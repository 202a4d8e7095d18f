//! The table of resources that must be refused. Each row changes one thing of a good resource; the suites send it to the
//! API server and to the rules' own evaluation, and expect the same sentence from both.

mod analyzers;
mod endpoints;
mod exposures;
mod handlers;
mod limits;
pub mod repeated;
mod requests;
mod scaling;
mod signatures;
mod sources;
mod speech;
mod storage;
mod surroundings;
mod workload;

use serde_json::{Value, json};

/// One change of the good resource, and the sentence that refuses it.
pub struct Row {
    /// What is wrong with it, as a sentence's end: "refuses ...".
    pub name: &'static str,
    /// RFC 6902 operations on the good resource.
    pub change: Value,
    /// What the refusal must say.
    pub message: &'static str,
}

/// The good resource: `call-insights` with all three kinds of handler.
pub fn good() -> Value {
    serde_yaml::from_str(include_str!("../../crds/fixtures/call-insights.yaml")).expect("the fixture is YAML")
}

/// The good resource with a row's change applied.
pub fn changed(row: &Row) -> Value {
    let mut resource = good();
    let patch: json_patch::Patch = serde_json::from_value(row.change.clone()).expect("a change is a JSON patch");
    json_patch::patch(&mut resource, &patch).unwrap_or_else(|problem| unreachable!("{}: {problem}", row.name));
    resource
}

#[expect(clippy::needless_pass_by_value, reason = "a row writes its value in place")]
fn replace(name: &'static str, path: &str, value: Value, message: &'static str) -> Row {
    // `add` replaces what is there, and adds what is not
    Row {
        name,
        change: json!([{ "op": "add", "path": path, "value": value }]),
        message,
    }
}

fn remove(name: &'static str, path: &str, message: &'static str) -> Row {
    Row {
        name,
        change: json!([{ "op": "remove", "path": path }]),
        message,
    }
}

const URL: &str = "publicUrl must be https://HOST[:PORT][/PATH] without user, query or fragment";
const NAME: &str = "metadata.name must start with a letter";

/// Every row that creation must refuse.
pub fn at_creation() -> Vec<Row> {
    let mut rows = root();
    rows.extend(endpoints::rows());
    rows.extend(requests::rows());
    rows.extend(handlers::rows());
    rows.extend(analyzers::rows());
    rows.extend(sources::rows());
    rows.extend(speech::rows());
    rows.extend(exposures::rows());
    rows.extend(signatures::rows());
    rows.extend(limits::rows());
    rows.extend(scaling::rows());
    rows.extend(storage::rows());
    rows.extend(surroundings::rows());
    rows.extend(workload::rows());
    rows
}

fn root() -> Vec<Row> {
    vec![
        replace(
            "a name that starts with a digit",
            "/metadata/name",
            json!("1-addon"),
            NAME,
        ),
        replace("a name of 46 characters", "/metadata/name", json!("a".repeat(46)), NAME),
        replace("a name with a dot", "/metadata/name", json!("call.insights"), NAME),
        replace(
            "a public URL over http",
            "/spec/publicUrl",
            json!("http://addons.example.com"),
            URL,
        ),
        replace(
            "a public URL with a query",
            "/spec/publicUrl",
            json!("https://addons.example.com/?a=b"),
            URL,
        ),
        replace(
            "a public URL with a fragment",
            "/spec/publicUrl",
            json!("https://addons.example.com/#top"),
            URL,
        ),
        replace(
            "a public URL with a user",
            "/spec/publicUrl",
            json!("https://me:word@addons.example.com"),
            URL,
        ),
        replace(
            "a public URL with a space",
            "/spec/publicUrl",
            json!("https://addons.example.com/a b"),
            URL,
        ),
        replace(
            "an add-on SID of another kind",
            "/spec/addonSid",
            json!("AC00000000000000000000000000000000"),
            "addonSid must be XB followed by 32",
        ),
        replace(
            "a Secret's name in capitals",
            "/spec/credentials/secretName",
            json!("Twilio"),
            "credentials.secretName must be the name of an object",
        ),
        remove(
            "a recording endpoint without storage",
            "/spec/storage",
            "storage is required by an endpoint of integration RecordingAnalysis",
        ),
        replace(
            "two pods on one volume",
            "/spec/scaling",
            json!({"front": {"fixed": {"replicas": 2}}}),
            "storage.volume is written by one pod only",
        ),
        replace(
            "a negative number of pods",
            "/spec/scaling",
            json!({"front": {"fixed": {"replicas": -1}}}),
            "fixed.replicas must be between 0 and 1000",
        ),
        replace(
            "scaling without a member",
            "/spec/scaling",
            json!({"front": {}}),
            "scaling.front must have exactly one member",
        ),
    ]
}

/// Every row that a change of the good resource must refuse.
pub fn at_update() -> Vec<Row> {
    vec![
        replace(
            "another add-on SID",
            "/spec/addonSid",
            json!(format!("XB{}", "1".repeat(32))),
            "addonSid cannot be changed",
        ),
        remove(
            "the add-on SID taken away",
            "/spec/addonSid",
            "addonSid cannot be removed once it is set",
        ),
        replace(
            "a smaller volume",
            "/spec/storage/volume/size",
            json!("1Gi"),
            "size cannot be lowered: a volume only grows",
        ),
        replace(
            "storage moved to a database",
            "/spec/storage",
            json!({"postgres": {"secretName": "jobs"}}),
            "storage cannot move between volume and postgres",
        ),
        replace(
            "a storage class added",
            "/spec/storage/volume/storageClassName",
            json!("fast"),
            "storageClassName can be neither added nor removed",
        ),
    ]
}
