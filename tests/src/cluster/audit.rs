//! What the operator asked of the API server, by the API server's own record.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::operator::{NAMESPACE, RELEASE};
use super::run;

/// One call of the operator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// When the API server got it, with microseconds; comparable as text.
    pub at: String,
    /// The pod that made it.
    pub pod: String,
    /// What was asked.
    pub verb: String,
    /// The group, empty for the core.
    pub group: String,
    /// The resource, with `/status` for that part of it.
    pub resource: String,
    /// The namespace, empty for all.
    pub namespace: String,
    /// The name, empty for many.
    pub name: String,
    /// The code of the answer.
    pub code: i64,
    /// Whether it was only tried.
    pub is_dry: bool,
}

impl Call {
    /// Whether it was meant to change something other than who leads.
    pub fn is_write(&self) -> bool {
        !self.is_dry && !matches!(self.verb.as_str(), "get" | "list" | "watch") && self.resource != "leases"
    }

    /// The call in one line.
    pub fn line(&self) -> String {
        let Self {
            verb,
            resource,
            namespace,
            name,
            code,
            ..
        } = self;
        format!("{verb} {resource} {namespace}/{name} {code}")
    }
}

/// Every call of the operator so far, in order. The record has a line before its call is answered.
pub async fn calls() -> Result<Vec<Call>> {
    let record = run("tests/cluster/cluster", &["logs", "audit"]).await?;
    let mut calls = Vec::new();
    for line in record.lines().filter(|line| line.contains(&user())) {
        let event: Value = serde_json::from_str(line).context("a line of the audit log is JSON")?;
        if event["user"]["username"] == user() {
            calls.push(call(&event));
        }
    }
    calls.sort();
    Ok(calls)
}

/// The operator's writes, in order, from `since` on.
pub async fn writes_since(since: &str) -> Result<Vec<Call>> {
    let mut calls = calls().await?;
    calls.retain(|call| call.at.as_str() > since && call.is_write());
    Ok(calls)
}

/// The time of the last call so far.
pub async fn now() -> Result<String> {
    Ok(calls().await?.pop().map(|call| call.at).unwrap_or_default())
}

fn user() -> String {
    format!("system:serviceaccount:{NAMESPACE}:{RELEASE}-marketplace-operator")
}

fn call(event: &Value) -> Call {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["objectRef"];
    let resource = match object["subresource"].as_str() {
        Some(part) => format!("{}/{part}", text(&object["resource"])),
        None => text(&object["resource"]),
    };
    Call {
        at: text(&event["requestReceivedTimestamp"]),
        pod: text(&event["user"]["extra"]["authentication.kubernetes.io/pod-name"][0]),
        verb: text(&event["verb"]),
        group: text(&object["apiGroup"]),
        resource,
        namespace: text(&object["namespace"]),
        name: text(&object["name"]),
        is_dry: text(&event["requestURI"]).contains("dryRun=All"),
        code: event["responseStatus"]["code"].as_i64().unwrap_or_default(),
    }
}
