//! The chart grants nothing that no suite made the operator use. Read from the API server's own record.

use std::collections::BTreeSet;

use anyhow::Result;
use marketplace_tests::cluster::{audit, operator, run};
use marketplace_tests::report::figure;
use serde_json::Value;

/// A group, a resource of it, and what is done with it.
type Right = (String, String, String);

fn words(value: &Value) -> Vec<String> {
    let words = value.as_array().into_iter().flatten();
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn rights_of(role: &Value) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                let verbs = words(&rule["verbs"]).into_iter();
                rights.extend(verbs.map(|verb| (group.clone(), resource.clone(), verb)));
            }
        }
    }
    rights
}

async fn granted() -> Result<BTreeSet<Right>> {
    let name = format!("{}-marketplace-operator", operator::RELEASE);
    let lease = format!("{name}-lease");
    let cluster = run("kubectl", &["get", "clusterrole", &name, "--output=json"]).await?;
    let own = [
        "--namespace",
        operator::NAMESPACE,
        "get",
        "role",
        &lease,
        "--output=json",
    ];
    let own = run("kubectl", &own).await?;
    let mut rights = rights_of(&serde_json::from_str(&cluster)?);
    rights.extend(rights_of(&serde_json::from_str(&own)?));
    Ok(rights)
}

/// A patch that makes an object needs the right to create it, too.
async fn used() -> Result<BTreeSet<Right>> {
    let mut rights = BTreeSet::new();
    for call in audit::calls().await?.into_iter().filter(|call| call.code < 300) {
        if call.verb == "patch" && call.code == 201 {
            rights.insert((call.group.clone(), call.resource.clone(), "create".to_owned()));
        }
        rights.insert((call.group, call.resource, call.verb));
    }
    Ok(rights)
}

#[tokio::test]
async fn every_right_of_the_operator_was_used() -> Result<()> {
    let _operator = operator::shared().await?;
    let (granted, used) = (granted().await?, used().await?);
    let unused: Vec<_> = granted.difference(&used).collect();
    assert!(unused.is_empty(), "granted and never used: {unused:?}");
    figure(&format!("{} rights are granted, and each was used", granted.len()));
    Ok(())
}
