//! The rows about the bucket with the audio.

use serde_json::{Value, json};

use super::{Row, replace};

fn bucket(name: &'static str, member: &str, value: &Value, message: &'static str) -> Row {
    let mut s3 = json!({"bucket": "recordings", "secretName": "store"});
    s3[member] = value.clone();
    replace(
        name,
        "/spec/storage",
        json!({"postgres": {"secretName": "jobs", "audio": {"s3": s3}}}),
        message,
    )
}

pub(super) fn rows() -> Vec<Row> {
    let endpoint = "s3.endpoint must be http://HOST[:PORT] or https://HOST[:PORT]";
    let prefix = "s3.prefix must be words of letters, digits";
    vec![
        replace(
            "audio in a bucket and on a volume",
            "/spec/storage",
            json!({"postgres": {"secretName": "jobs", "volume": {}, "audio": {"s3": {"bucket": "recordings", "secretName": "store"}}}}),
            "storage.postgres keeps the audio in one place",
        ),
        bucket(
            "a bucket in capitals",
            "bucket",
            &json!("Recordings"),
            "s3.bucket must be the name of a bucket",
        ),
        bucket(
            "a bucket that ends in a dash",
            "bucket",
            &json!("recordings-"),
            "s3.bucket must be the name of a bucket",
        ),
        bucket(
            "the key pair's Secret in capitals",
            "secretName",
            &json!("Store"),
            "s3.secretName must be the name of an object",
        ),
        bucket(
            "the key pair among the credentials",
            "secretName",
            &json!("twilio"),
            "s3.secretName must name a Secret of its own",
        ),
        bucket(
            "a store by another protocol",
            "endpoint",
            &json!("s3://store"),
            endpoint,
        ),
        bucket(
            "a store with a path",
            "endpoint",
            &json!("https://store.example.com/recordings"),
            endpoint,
        ),
        bucket(
            "a store with a password",
            "endpoint",
            &json!("https://me:word@store.example.com"),
            endpoint,
        ),
        bucket(
            "a region in capitals",
            "region",
            &json!("EU-1"),
            "s3.region must be the name of a region",
        ),
        bucket("a prefix that begins with a slash", "prefix", &json!("/twilio"), prefix),
        bucket("a prefix that ends with a slash", "prefix", &json!("twilio/"), prefix),
        bucket(
            "a prefix that leads upwards",
            "prefix",
            &json!("twilio/../other"),
            prefix,
        ),
    ]
}
