//! What earlier releases wrote is still good: every example of theirs is taken and read back as it was, and the children
//! that they made are carried on, not made anew. `tests/earlier/RELEASE/` keeps, for each release, its examples and beside
//! each the children that its own `marketplace-operator render` printed. A release adds its folder and changes no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::{Scene, operator, top, watch};
use serde::Deserialize as _;
use serde_json::{Value, json};

/// The field manager of the operator.
const MANAGER: &str = "marketplace-operator";

fn documents(file: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let documents = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize);
    let documents: Vec<_> = documents.collect::<Result<_, _>>()?;
    Ok(documents.into_iter().filter(Value::is_object).collect())
}

/// The examples of every release.
fn examples() -> Result<Vec<PathBuf>> {
    let mut examples = Vec::new();
    for release in std::fs::read_dir(top().join("tests/earlier"))? {
        for file in std::fs::read_dir(release?.path())? {
            let file = file?.path();
            if !file.to_string_lossy().ends_with("-children.yaml") {
                examples.push(file);
            }
        }
    }
    examples.sort();
    Ok(examples)
}

/// Whether everything that was written is there; the API server adds defaults.
fn holds(live: &Value, written: &Value) -> bool {
    match written {
        Value::Object(fields) => fields.iter().all(|(name, field)| holds(&live[name], field)),
        Value::Array(items) => {
            let live = live.as_array().map_or(&[][..], Vec::as_slice);
            live.len() == items.len() && live.iter().zip(items).all(|(live, item)| holds(live, item))
        }
        other => live == other,
    }
}

/// Applies a child as the operator of that release did; its kind and name, and its uid.
async fn adopt(
    scene: &Scene,
    mut child: Value,
    owner: &MarketplaceAddon,
) -> Result<((String, String), Option<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&child["apiVersion"]), text(&child["kind"]));
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let metadata = child["metadata"].as_object_mut().context("a child has metadata")?;
    metadata.remove("namespace");
    if let Some(reference) = metadata.get_mut("ownerReferences").and_then(|found| found.get_mut(0)) {
        reference["uid"] = json!(owner.metadata.uid);
    }
    for (_, uid) in metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        // of the volume claim: whom it serves
        if *uid == "00000000-0000-0000-0000-000000000000" {
            *uid = json!(owner.metadata.uid);
        }
    }
    if kind == "Secret" {
        child["data"] = json!({}); // never printed; the operator fills it in again
    }
    let name = text(&child["metadata"]["name"]);
    let api: Api<DynamicObject> = Api::namespaced_with(scene.client.clone(), &scene.namespace, &resource);
    let applied = api
        .patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(child))
        .await;
    let applied = applied.with_context(|| format!("{kind} {name}"))?;
    Ok(((kind, name), applied.uid()))
}

async fn uid(scene: &Scene, kind: &str, name: &str) -> Result<String> {
    let arguments = [
        "--namespace",
        &scene.namespace,
        "get",
        kind,
        name,
        "--output=jsonpath={.metadata.uid}",
    ];
    marketplace_tests::cluster::run("kubectl", &arguments).await
}

#[tokio::test]
async fn what_an_earlier_release_made_is_carried_on() -> Result<()> {
    let scene = Scene::new("earlier").await?;
    // an operator that does not look at the scene yet
    let alone = operator::alone_with("watchNamespaces={kube-public}").await?;
    let mut before = BTreeMap::new();
    let mut names = Vec::new();
    for example in examples()? {
        let written = documents(&example)?.pop().context("an example is an add-on")?;
        let live: Value = serde_json::to_value(scene.apply::<MarketplaceAddon>(&written).await?)?;
        assert!(holds(&live["spec"], &written["spec"]), "{}: {live}", example.display());
        let addon: MarketplaceAddon = serde_json::from_value(live)?;
        let children = example.with_file_name(format!(
            "{}-children.yaml",
            example.file_stem().unwrap_or_default().to_string_lossy()
        ));
        for child in documents(&children)? {
            let (child, uid) = adopt(&scene, child, &addon).await?;
            before.insert(child, uid);
        }
        names.push(addon.name_any());
    }
    operator::reinstall(&alone, "").await?;
    for name in &names {
        watch::ready(&scene.all(), name, Some(1)).await?;
    }
    for ((kind, name), was) in &before {
        // the configuration is named by its content, which a release may change
        if kind != "ConfigMap" {
            assert_eq!(Some(uid(&scene, kind, name).await?), *was, "{kind} {name}");
        }
    }
    scene.end().await
}
