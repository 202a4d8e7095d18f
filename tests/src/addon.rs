//! The add-on of the local suites: every encoding and every handler under one public URL.

use anyhow::Result;
use serde_json::{Value, json};

use crate::minio::{KEYS, Minio};
use crate::postgres::Postgres;
use crate::service::Home;
use crate::twilio::{Sdk, Twilio};

/// The account.
pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
/// Its token.
pub const AUTH_TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
/// The add-on.
pub const ADDON_SID: &str = "XB0123456789abcdef0123456789abcdef";
/// Under which it is registered.
pub const PUBLIC_URL: &str = "https://addons.example.com/insights";
/// The Secret with the URL of the jobs' database.
pub const JOBS: &str = "jobs";
/// A number that the table knows.
pub const KNOWN: &str = "+14155551212";

/// The resource.
pub fn manifest() -> Value {
    let table = json!({ "table": { "entries": [
        { "key": KNOWN, "results": { "customer_name": "Ada Lovelace", "customer_type": "gold" } },
    ] } });
    let sql = json!({ "sql": {
        "secretName": "crm",
        "query": "select name as customer_name, kind as customer_type, orders, balance from customers where phone = :phone_number",
    } });
    let lookup = |name: &str, encoding: &str, handler: &Value| {
        json!({
            "name": name,
            "path": format!("/{name}"),
            "integration": "IncomingSms",
            "request": { "encoding": encoding, "fields": { "phoneNumber": "phone", "body": "message" } },
            "handler": handler,
        })
    };
    json!({
        "apiVersion": "marketplace-operator.dev/v1alpha1",
        "kind": "MarketplaceAddon",
        "metadata": { "name": "caller-insights", "namespace": "acme" },
        "spec": {
            "publicUrl": PUBLIC_URL,
            "addonSid": ADDON_SID,
            "credentials": { "secretName": "twilio" },
            "endpoints": [
                lookup("query", "Query", &table),
                lookup("form", "Form", &table),
                lookup("json", "Json", &table),
                lookup("multipart", "Multipart", &table),
                lookup("customers", "Query", &sql),
                {
                    "name": "recordings",
                    "path": "/transcription",
                    "integration": "RecordingAnalysis",
                    "integrationKeys": ["RECORDING_VERB", "RECORDING_API"],
                    "request": { "encoding": "Multipart", "fields": { "audio": "audio-data", "callback": "callback" } },
                    "handler": { "analysis": { "acoustics": {} } },
                },
            ],
            "callbacks": { "allowedHosts": ["127.0.0.1"], "allowInsecure": true },
            "storage": { "volume": {} },
        },
    })
}

/// The resource with one member replaced, named as a JSON pointer.
pub fn manifest_with(pointer: &str, value: Value) -> Value {
    let mut manifest = manifest();
    *manifest.pointer_mut(pointer).expect("the manifest has this member") = value;
    manifest
}

/// The resource with these endpoints in place of its own.
pub fn manifest_of(endpoints: Value) -> Value {
    manifest_with("/spec/endpoints", endpoints)
}

/// An endpoint at `/name` that knows one number, with the form of its requests.
pub fn lookup_endpoint(name: &str, request: &Value) -> Value {
    json!({
        "name": name,
        "path": format!("/{name}"),
        "integration": "IncomingSms",
        "request": request,
        "handler": { "table": { "entries": [{ "key": KNOWN, "results": { "customer_name": "Ada Lovelace" } }] } },
    })
}

/// An endpoint at `/name` that takes recordings, with the form of its requests.
pub fn recording_endpoint(name: &str, request: &Value) -> Value {
    json!({
        "name": name,
        "path": format!("/{name}"),
        "integration": "RecordingAnalysis",
        "request": request,
        "handler": { "analysis": { "acoustics": {} } },
    })
}

/// A folder with the resource and the account's Secret.
pub fn home() -> Result<Home> {
    home_of(&manifest())
}

/// The same with its jobs in Postgres, in a schema of its own.
pub fn home_on(server: &Postgres) -> Result<Home> {
    home_at(&server.schema()?)
}

/// The same under this URL.
pub fn home_at(database_url: &str) -> Result<Home> {
    home_of_at(manifest(), database_url)
}

fn home_of_at(mut manifest: Value, database_url: &str) -> Result<Home> {
    manifest["spec"]["storage"] = json!({ "postgres": { "secretName": JOBS } });
    let home = home_of(&manifest)?;
    home.write_secret(JOBS, "DATABASE_URL", database_url)?;
    Ok(home)
}

/// The Secret with the key pair of the store with the audio.
pub const STORE: &str = "store";

/// The same with its audio in a bucket.
pub fn home_over(database_url: &str, store: &Minio, bucket: &str) -> Result<Home> {
    let s3 = json!({ "bucket": bucket, "secretName": STORE, "endpoint": store.url(), "prefix": "tests" });
    let mut manifest = manifest();
    manifest["spec"]["storage"] = json!({ "postgres": { "secretName": JOBS, "audio": { "s3": s3 } } });
    let home = home_of(&manifest)?;
    home.write_secret(JOBS, "DATABASE_URL", database_url)?;
    home.write_secret(STORE, "AWS_ACCESS_KEY_ID", KEYS.0)?;
    home.write_secret(STORE, "AWS_SECRET_ACCESS_KEY", KEYS.1)?;
    Ok(home)
}

/// One add-on on each database.
pub fn homes() -> Result<[Home; 2]> {
    homes_of(&manifest())
}

/// The same for another resource.
pub fn homes_of(manifest: &Value) -> Result<[Home; 2]> {
    let database_url = Postgres::shared()?.schema()?;
    Ok([home_of(manifest)?, home_of_at(manifest.clone(), &database_url)?])
}

/// The same for another resource.
pub fn home_of(manifest: &Value) -> Result<Home> {
    let home = Home::new(manifest)?;
    home.write_secret("twilio", "ACCOUNT_SID", ACCOUNT_SID)?;
    home.write_secret("twilio", "AUTH_TOKEN", AUTH_TOKEN)?;
    Ok(home)
}

/// Twilio as it calls this add-on.
pub fn twilio(sdk: Sdk) -> Twilio {
    Twilio {
        sdk,
        token: AUTH_TOKEN.to_owned(),
        public_url: PUBLIC_URL.to_owned(),
        addon_sid: Some(ADDON_SID.to_owned()),
    }
}

/// A request SID of its own for each call.
pub fn request_sid() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("MR{:032x}", NEXT.fetch_add(1, Ordering::Relaxed))
}
