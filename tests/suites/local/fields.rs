//! Every field of the resource does something: for each leaf of its schema another value is tried, and shows in a child of
//! the add-on, in what the service is configured to do, or is refused where it can have one value only. The table is
//! written from what was found; a field that goes nowhere cannot be in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use marketplace_crds::{definition, manifest, reduce};
use marketplace_operator::config::{DefaultOptions, Render};
use marketplace_operator::preview::{PreviewError, preview};
use marketplace_service::config::Config;
use marketplace_tests::fields::{Leaf, leaves, others};
use serde::Deserialize as _;
use serde_json::Value;

/// What a change of these shows in is no child and no answer: the test that proves it, by its file below the top.
const ELSEWHERE: [(&str, &str); 2] = [
    (
        "credentials.overlapSeconds",
        "operator/src/reconcile_rotation_tests.rs::without_an_overlap_a_token_that_is_taken_out_is_revoked",
    ),
    (
        "suspend",
        "operator/src/reconcile_tests.rs::a_suspended_addon_is_left_as_it_is",
    ),
];

/// Resources that between them name every field.
fn resources() -> Result<Vec<(String, Value)>> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["examples", "operator/fixtures", "crds/fixtures", "tests/fields"] {
        for entry in top.join(folder).read_dir()? {
            files.push(entry?.path());
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut resources = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        for document in serde_yaml::Deserializer::from_str(&text) {
            let document = Value::deserialize(document)?;
            if document["kind"] == "MarketplaceAddon" {
                resources.push((file.display().to_string(), document));
            }
        }
    }
    Ok(resources)
}

/// What a resource leads to.
#[derive(PartialEq)]
struct Effect {
    /// By kind and name; the ConfigMap aside, whose content is what the service reads.
    children: BTreeMap<String, Value>,
    service: Config,
}

/// None: it is refused.
fn effect(resource: &Value) -> Result<Option<Effect>> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(&file, serde_yaml::to_string(resource)?)?;
    let command = Render {
        file: file.path().to_owned(),
        secrets: None,
        namespace: None,
        service_image: "registry.example/answering:9".to_owned(),
        defaults: DefaultOptions {
            prometheus_address: Some("http://gauges.example:9090".to_owned()),
            ..DefaultOptions::default()
        },
    };
    let printed = match preview(&command) {
        Ok(printed) => printed,
        Err(PreviewError::UseManifest(..) | PreviewError::Refuse(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Ok(addon) = manifest::read(&serde_yaml::to_string(resource)?) else {
        return Ok(None);
    };
    let Ok(service) = Config::from_addon(&reduce(&addon)) else {
        return Ok(None);
    };
    Ok(Some(Effect {
        children: children(&printed)?,
        service,
    }))
}

fn children(printed: &str) -> Result<BTreeMap<String, Value>> {
    let parse = |text: &str| -> Result<Vec<Value>> {
        serde_yaml::Deserializer::from_str(text)
            .map(|document| Ok(Value::deserialize(document)?))
            .collect()
    };
    // Its name is the hash of its content, and stands in the Deployments.
    let configs = parse(printed)?.into_iter().filter(|child| child["kind"] == "ConfigMap");
    let mut text = printed.to_owned();
    for config in configs {
        let name = config["metadata"]["name"].as_str().context("it has a name")?;
        text = text.replace(name, "the-configuration");
    }
    let named = parse(&text)?.into_iter().filter(|child| child["kind"] != "ConfigMap");
    Ok(named
        .map(|child| (format!("{} {}", child["kind"], child["metadata"]["name"]), child))
        .collect())
}

/// Where a change of the field shows.
fn shown_in(leaf: &Leaf, resource: &Value) -> Result<Option<String>> {
    let before = effect(resource)?.context("what is kept is valid")?;
    let mut refused = 0;
    for value in others(leaf.of(resource).context("it is there")?) {
        let Some(after) = effect(&leaf.with(resource, value))? else {
            refused += 1;
            continue;
        };
        let names: BTreeSet<_> = before.children.keys().chain(after.children.keys()).collect();
        let changed = names
            .into_iter()
            .filter(|name| before.children.get(*name) != after.children.get(*name));
        let mut places: BTreeSet<_> = changed
            .filter_map(|name| name.split('"').nth(1).map(str::to_owned))
            .collect();
        if before.service != after.service {
            places.insert("the service".to_owned());
        }
        if !places.is_empty() {
            return Ok(Some(Vec::from_iter(places).join(", ")));
        }
    }
    Ok((refused > 0 && leaf.is_all_or_nothing()).then(|| "refused".to_owned()))
}

#[test]
fn every_field_shows_in_a_child_in_the_service_or_in_a_refusal() -> Result<()> {
    let schema = serde_json::to_value(definition())?;
    let resources = resources()?;
    let mut table = Vec::new();
    let mut nowhere = Vec::new();
    for leaf in leaves(&schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]) {
        let path = leaf.to_string();
        if let Some((_, test)) = ELSEWHERE.iter().find(|(known, _)| *known == path) {
            table.push(format!("{path}: {test}"));
            continue;
        }
        let named = resources.iter().filter(|(_, resource)| leaf.of(resource).is_some());
        let mut places = None;
        for (file, resource) in named {
            places = shown_in(&leaf, resource).with_context(|| format!("{path} of {file}"))?;
            if places.is_some() {
                break;
            }
        }
        match places {
            Some(places) => table.push(format!("{path}: {places}")),
            None => nowhere.push(path),
        }
    }
    if !nowhere.is_empty() {
        bail!(
            "no resource of the examples, the fixtures or tests/fields names these, or they change nothing:\n{}",
            nowhere.join("\n")
        );
    }
    insta::assert_snapshot!(table.join("\n"));
    Ok(())
}
