//! The rows about everything around the endpoints: storage, exposure, scaling, and the pods.

use serde_json::json;

use super::{Row, replace};

const AUDIO_HOSTS: &str = "audioFetch.allowedHosts takes lower-case host names";
const PROXY: &str = "callbacks.proxyUrl must be http://HOST[:PORT]";
const HOSTS: &str = "callbacks.allowedHosts takes lower-case host names";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = storage();
    rows.extend(egress());
    rows.extend(others());
    rows
}

fn storage() -> Vec<Row> {
    vec![
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
            "storageClassName must be the name of an object",
        ),
        replace(
            "both kinds of storage",
            "/spec/storage/postgres",
            json!({"secretName": "jobs"}),
            "storage must have exactly one member",
        ),
        replace(
            "a database without a Secret's name",
            "/spec/storage",
            json!({"postgres": {"secretName": "Jobs"}}),
            "storage.postgres.secretName must be the name of an object",
        ),
        replace(
            "the database's URL among the credentials",
            "/spec/storage",
            json!({"postgres": {"secretName": "twilio"}}),
            "storage.postgres.secretName must name a Secret of its own",
        ),
        replace(
            "a shared volume of no size",
            "/spec/storage",
            json!({"postgres": {"secretName": "jobs", "volume": {"size": "0"}}}),
            "size must be a quantity greater than 0",
        ),
    ]
}

fn egress() -> Vec<Row> {
    vec![
        replace(
            "a proxy with a password",
            "/spec/callbacks",
            json!({"proxyUrl": "http://user:word@proxy.example.com:3128"}),
            PROXY,
        ),
        replace(
            "a proxy with a path",
            "/spec/callbacks",
            json!({"proxyUrl": "http://proxy.example.com:3128/out"}),
            PROXY,
        ),
        replace(
            "a proxy for a local try",
            "/spec/callbacks",
            json!({"proxyUrl": "http://proxy.example.com:3128", "allowInsecure": true}),
            "callbacks.allowInsecure does not go with callbacks.proxyUrl",
        ),
        replace(
            "a host of audio with a scheme",
            "/spec/audioFetch",
            json!({"allowedHosts": ["https://media.example.com"]}),
            AUDIO_HOSTS,
        ),
        replace(
            "the account's token for every host of audio",
            "/spec/audioFetch",
            json!({"credentials": "Account"}),
            "audioFetch.credentials Account sends the account's token: set audioFetch.allowedHosts",
        ),
        replace(
            "audio that is waited for a day",
            "/spec/audioFetch",
            json!({"timeoutSeconds": 86400}),
            "audioFetch.timeoutSeconds must be between 10 and 3600",
        ),
    ]
}

fn others() -> Vec<Row> {
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
            "a monitoring label of the operator's",
            "/spec/monitoring",
            json!({"labels": {"app.kubernetes.io/managed-by": "me"}}),
            "monitoring.labels must not set app.kubernetes.io/name",
        ),
        replace(
            "metrics that are read every hour",
            "/spec/monitoring",
            json!({"intervalSeconds": 3600}),
            "monitoring.intervalSeconds must be between 5 and 120",
        ),
        replace(
            "an overlap of two days",
            "/spec/credentials/overlapSeconds",
            json!(172_800),
            "credentials.overlapSeconds must be between 0 and 86400",
        ),
        replace(
            "an image with a space",
            "/spec/workload",
            json!({"image": "a b"}),
            "workload.image must be the name of an image",
        ),
    ]
}
