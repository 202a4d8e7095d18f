//! The table of resources that must be refused. Each row changes one thing of a good resource; the suites send it to the
//! API server and to the rules' own evaluation, and expect the same sentence from both.

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
const PATH: &str = "path must start with '/' and contain only letters";
const HANDLER: &str = "handler must have exactly one member: table, sql or analysis";
const HOSTS: &str = "callbacks.allowedHosts takes lower-case host names";
const CIDR: &str = "cidr must be an address range such as 198.51.100.0/24";
const NAME: &str = "metadata.name must start with a letter";

/// Every row that creation must refuse.
pub fn at_creation() -> Vec<Row> {
    let mut rows = root();
    rows.extend(endpoints());
    rows.extend(handlers());
    rows.extend(surroundings());
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
            "scaling.front.fixed.replicas must be between 0 and 1000",
        ),
        replace(
            "scaling without a member",
            "/spec/scaling",
            json!({"front": {}}),
            "scaling.front must have exactly one member",
        ),
    ]
}

fn endpoints() -> Vec<Row> {
    vec![
        replace(
            "no endpoint at all",
            "/spec/endpoints",
            json!([]),
            "endpoints must name at least one endpoint",
        ),
        replace(
            "two endpoints of one path",
            "/spec/endpoints/2/path",
            json!("/incoming-sms"),
            "each endpoint must have a path of its own",
        ),
        replace(
            "an endpoint's name in capitals",
            "/spec/endpoints/1/name",
            json!("Sms"),
            "the name of an endpoint must start with a letter",
        ),
        replace(
            "a path without a slash",
            "/spec/endpoints/1/path",
            json!("incoming-sms"),
            PATH,
        ),
        replace(
            "a path with an escape",
            "/spec/endpoints/1/path",
            json!("/incoming%20sms"),
            PATH,
        ),
        replace(
            "a path with two slashes",
            "/spec/endpoints/1/path",
            json!("/incoming//sms"),
            PATH,
        ),
        replace(
            "a path that climbs",
            "/spec/endpoints/1/path",
            json!("/incoming/../sms"),
            PATH,
        ),
        replace(
            "a recording that is not multipart",
            "/spec/endpoints/0/request/encoding",
            json!("Form"),
            "a recording arrives as a file part",
        ),
        remove(
            "a recording without a callback field",
            "/spec/endpoints/0/request/fields/callback",
            "set request.fields.audio and request.fields.callback",
        ),
        remove(
            "a recording without an audio field",
            "/spec/endpoints/0/request/fields/audio",
            "set request.fields.audio and request.fields.callback",
        ),
        replace(
            "a recording with a phone number",
            "/spec/endpoints/0/request/fields/phoneNumber",
            json!("phone"),
            "a recording carries no phone number and no message",
        ),
        remove(
            "a message without a phone number",
            "/spec/endpoints/1/request/fields/phoneNumber",
            "set request.fields.phoneNumber to the name under which it is sent",
        ),
        replace(
            "a message with audio",
            "/spec/endpoints/1/request/fields/audio",
            json!("audio"),
            "belong to integration RecordingAnalysis only",
        ),
        replace(
            "a lookup with a message",
            "/spec/endpoints/2/request/fields/body",
            json!("body"),
            "only integration IncomingSms carries a message",
        ),
        replace(
            "a message with recording keys",
            "/spec/endpoints/1/integrationKeys",
            json!(["RECORDING_VERB"]),
            "integrationKeys belong to integration RecordingAnalysis only",
        ),
    ]
}

fn handlers() -> Vec<Row> {
    vec![
        replace(
            "a handler without a member",
            "/spec/endpoints/1/handler",
            json!({}),
            HANDLER,
        ),
        replace(
            "a handler with two members",
            "/spec/endpoints/2/handler/table",
            json!({"entries": []}),
            HANDLER,
        ),
        replace(
            "a recording answered by a table",
            "/spec/endpoints/0/handler",
            json!({"table": {"entries": []}}),
            "an endpoint of integration RecordingAnalysis is answered by handler.analysis",
        ),
        replace(
            "a message answered by an analysis",
            "/spec/endpoints/1/handler",
            json!({"analysis": {"acoustics": {}}}),
            "an endpoint of integration RecordingAnalysis is answered by handler.analysis",
        ),
        replace(
            "an analysis of nothing",
            "/spec/endpoints/0/handler",
            json!({"analysis": {}}),
            "handler.analysis must name at least one analyzer",
        ),
        replace(
            "a query that writes",
            "/spec/endpoints/2/handler/sql/query",
            json!("delete from customers"),
            "query must be one SELECT statement",
        ),
        replace(
            "a query without time",
            "/spec/endpoints/2/handler/sql/timeoutSeconds",
            json!(0),
            "handler.sql.timeoutSeconds must be between 1 and 14",
        ),
        replace(
            "a query with 65 connections",
            "/spec/endpoints/2/handler/sql/maxConnections",
            json!(65),
            "handler.sql.maxConnections must be between 1 and 64",
        ),
        replace(
            "a query with the account's own Secret",
            "/spec/endpoints/2/handler/sql/secretName",
            json!("twilio"),
            "handler.sql.secretName must name a Secret of its own",
        ),
    ]
}

fn surroundings() -> Vec<Row> {
    vec![
        replace(
            "a callback host with a scheme",
            "/spec/callbacks",
            json!({"allowedHosts": ["https://api.twilio.com"]}),
            HOSTS,
        ),
        replace(
            "a callback host with a star in the middle",
            "/spec/callbacks",
            json!({"allowedHosts": ["api.*.com"]}),
            HOSTS,
        ),
        replace(
            "storage without a member",
            "/spec/storage",
            json!({}),
            "storage must have exactly one member",
        ),
        replace(
            "a volume of no size",
            "/spec/storage/volume/size",
            json!("0"),
            "size must be a quantity greater than 0",
        ),
        replace(
            "a volume of a size in words",
            "/spec/storage/volume/size",
            json!("large"),
            "size must be a quantity greater than 0",
        ),
        replace(
            "a storage class in capitals",
            "/spec/storage/volume/storageClassName",
            json!("Fast"),
            "storage.volume.storageClassName must be the name of an object",
        ),
        replace(
            "an exposure without a member",
            "/spec/exposure",
            json!({}),
            "exposure must have exactly one member",
        ),
        replace(
            "a port beyond 65535",
            "/spec/exposure/clusterIp/port",
            json!(65536),
            "exposure.clusterIp.port must be between 1 and 65535",
        ),
        replace(
            "an empty allow list",
            "/spec/allowList/sources",
            json!([]),
            "allowList.sources must name at least one range",
        ),
        replace(
            "a source without a prefix",
            "/spec/allowList/sources/0/cidr",
            json!("198.51.100.7"),
            CIDR,
        ),
        replace(
            "a source with bits beyond the prefix",
            "/spec/allowList/sources/0/cidr",
            json!("198.51.100.7/24"),
            CIDR,
        ),
        replace(
            "a source that is a name",
            "/spec/allowList/sources/0/cidr",
            json!("office"),
            CIDR,
        ),
        replace(
            "factors out of order",
            "/spec/sla",
            json!({"medianFactor": 6}),
            "sla must satisfy medianFactor <= p99Factor <= cutoffFactor",
        ),
        replace(
            "a factor of 0",
            "/spec/sla",
            json!({"medianFactor": 0}),
            "sla.medianFactor must be between 1 and 1000",
        ),
        replace(
            "a floor of 0 seconds",
            "/spec/sla",
            json!({"floorSeconds": 0}),
            "sla.floorSeconds must be between 1 and 86400",
        ),
        replace(
            "an image with a space",
            "/spec/workload",
            json!({"image": "a b"}),
            "workload.image must be the name of an image",
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
            "a storage class added",
            "/spec/storage/volume/storageClassName",
            json!("fast"),
            "storageClassName can be neither added nor removed",
        ),
    ]
}
