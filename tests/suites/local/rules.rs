//! The bad-resource table, evaluated without an API server. `cluster::rules` sends the same rows to a real one.

use marketplace_crds::{MarketplaceAddon, manifest};
use marketplace_tests::bad_resources::{Row, at_creation, at_update, changed, good, repeated};
use marketplace_tests::examples::{names, text};
use serde_json::{Value, json};

fn typed(resource: Value) -> MarketplaceAddon {
    serde_json::from_value(resource).expect("the rows keep the types of the resource")
}

fn check(row: &Row, violations: &[manifest::Violation]) {
    let said = violations
        .iter()
        .map(|violation| violation.message.as_str())
        .collect::<Vec<_>>();
    assert!(
        said.iter().any(|message| message.contains(row.message)),
        "{}: {said:?}",
        row.name
    );
}

/// Every row that whoever reads a file must refuse.
fn in_files() -> impl Iterator<Item = Row> {
    at_creation().into_iter().chain(repeated::rows())
}

#[test]
fn the_good_resource_keeps_every_rule() {
    assert_eq!(manifest::violations(&typed(good())), []);
}

#[test]
fn refuses_each_bad_resource_with_its_sentence() {
    for row in in_files() {
        check(&row, &manifest::violations(&typed(changed(&row))));
    }
}

#[test]
fn refuses_each_bad_change_with_its_sentence() {
    for row in at_update() {
        check(
            &row,
            &manifest::violations_of_update(&typed(changed(&row)), &typed(good())),
        );
    }
}

#[test]
fn the_reader_of_manifests_refuses_the_same_rows() {
    for row in in_files() {
        let text = serde_yaml::to_string(&changed(&row)).expect("a resource is YAML");
        let refusal = manifest::read(&text).map_or_else(|refusal| refusal.to_string(), |_| String::new());
        assert!(refusal.contains(row.message), "{}: {refusal}", row.name);
    }
}

#[test]
fn the_class_of_a_load_balancer_neither_comes_nor_changes_nor_goes() {
    let with = |class: Option<&str>| {
        let mut resource = good();
        let class = class.map_or_else(|| json!({}), |class| json!({ "loadBalancerClass": class }));
        resource["spec"]["exposure"] = json!({ "loadBalancer": class });
        resource["spec"]["exposure"]["loadBalancer"]["tlsSecretName"] = json!("tls");
        typed(resource)
    };
    let refused = |before, after| {
        let violations = manifest::violations_of_update(&with(after), &with(before));
        violations
            .iter()
            .any(|violation| violation.message.starts_with("loadBalancerClass can"))
    };
    let (one, two) = (Some("example.com/one"), Some("example.com/two"));
    assert!(refused(one, two) && refused(None, one) && refused(one, None));
    assert!(!refused(one, one) && !refused(None, None));
}

#[test]
fn audio_moves_neither_into_a_bucket_nor_out_of_it_nor_to_another() {
    let on = |postgres: &Value| {
        let mut resource = good();
        resource["spec"]["storage"] = json!({ "postgres": postgres });
        resource["spec"]["storage"]["postgres"]["secretName"] = json!("jobs");
        typed(resource)
    };
    let s3 = |bucket: &str, prefix: &str| {
        let s3 = json!({"bucket": bucket, "secretName": "store", "prefix": prefix, "region": "north-1"});
        json!({"audio": {"s3": s3}})
    };
    let (usual, large) = (json!({}), json!({"volume": {"size": "5Gi"}}));
    let (named, bucket) = (
        json!({"volume": {"size": "1Gi", "storageClassName": "shared"}}),
        s3("recordings", "twilio"),
    );
    let mut elsewhere = bucket.clone();
    elsewhere["audio"]["s3"]["endpoint"] = json!("https://store.example.com");
    let mut unnamed = bucket.clone();
    unnamed["audio"]["s3"]
        .as_object_mut()
        .expect("it is an object")
        .remove("prefix");
    for (before, after, refusal) in [
        (&usual, &bucket, Some("cannot move between a volume and a bucket")),
        (&large, &bucket, Some("cannot move between a volume and a bucket")),
        (&bucket, &usual, Some("cannot move between a volume and a bucket")),
        (&bucket, &s3("others", "twilio"), Some("s3.bucket cannot be changed")),
        (&bucket, &s3("recordings", "other"), Some("s3.prefix cannot be changed")),
        (&bucket, &unnamed, Some("s3.prefix cannot be changed")),
        (&unnamed, &bucket, Some("s3.prefix cannot be changed")),
        (&bucket, &elsewhere, None),
        (&usual, &large, None),
        (&usual, &named, Some("volume comes late")),
        (&usual, &json!({"volume": {"size": "100Mi"}}), Some("volume comes late")),
        (&large, &usual, Some("volume cannot be left out any more")),
        (&named, &usual, Some("volume cannot be left out any more")),
        (&json!({"volume": {"size": "1Gi"}}), &usual, None),
    ] {
        let violations = manifest::violations_of_update(&on(after), &on(before));
        let said: Vec<_> = violations.iter().map(|violation| violation.message.as_str()).collect();
        match refusal {
            Some(words) => assert!(
                said.iter().any(|message| message.contains(words)),
                "{before} {after}: {said:?}"
            ),
            None => assert!(said.is_empty(), "{before} {after}: {said:?}"),
        }
    }
}

#[test]
fn every_example_keeps_every_rule() -> anyhow::Result<()> {
    let examples = names()?;
    assert!(examples.len() >= 3, "{examples:?}");
    for name in examples {
        manifest::read(&text(&name)?).map_err(|refusal| anyhow::anyhow!("{name}: {refusal}"))?;
    }
    Ok(())
}
