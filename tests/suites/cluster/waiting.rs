//! Machines wait for an add-on as for anything else: what kstatus (Helm, Flux, kpt), `kubectl wait` and `helm --wait` make
//! of its status, over its whole life, is what the status means.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use kube::api::{Api, DeleteParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, operator, run, try_run, watch};
use marketplace_tests::patience::until;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The verdict of kstatus on an object.
async fn verdict(object: &str) -> Result<String> {
    let mut judge = Command::new("kstatus")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    judge
        .stdin
        .take()
        .context("it has an input")?
        .write_all(object.as_bytes())
        .await?;
    let ended = judge.wait_with_output().await?;
    ensure!(ended.status.success(), "kstatus cannot judge {object}");
    let said = String::from_utf8(ended.stdout)?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

async fn object(scene: &Scene, name: &str) -> Result<String> {
    let arguments = [
        "--namespace",
        &scene.namespace,
        "get",
        "marketplaceaddon",
        name,
        "--output=json",
    ];
    run("kubectl", &arguments).await
}

/// Waits until kstatus says so.
async fn comes_to(scene: &Scene, expected: &str) -> Result<()> {
    let mut last = String::new();
    let found = until(expected, async || {
        last = verdict(&object(scene, "florist").await?).await?;
        Ok((last == expected).then_some(()))
    });
    found.await.with_context(|| format!("it was {last}"))
}

/// Whether `kubectl wait` ends well at once.
async fn waited_for(scene: &Scene, condition: &str) -> Result<bool> {
    let what = format!("--for=condition={condition}");
    let arguments = [
        "--namespace",
        &scene.namespace,
        "wait",
        &what,
        "--timeout=1s",
        "marketplaceaddon/florist",
    ];
    Ok(try_run("kubectl", &arguments).await?.0)
}

async fn helm(scene: &Scene, addon: &Value, timeout: &str) -> Result<bool> {
    let chart = tempfile::tempdir()?;
    let folder = chart.path();
    std::fs::create_dir(folder.join("templates"))?;
    std::fs::write(
        folder.join("Chart.yaml"),
        "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    )?;
    std::fs::write(folder.join("templates/addon.yaml"), serde_json::to_string(addon)?)?;
    let folder = folder.to_str().context("a path of text")?;
    let arguments = [
        "upgrade",
        "--install",
        "shop",
        folder,
        "--namespace",
        &scene.namespace,
        "--wait",
        "--timeout",
        timeout,
    ];
    Ok(try_run("helm", &arguments).await?.0)
}

#[tokio::test]
async fn kstatus_and_kubectl_agree_over_the_life_of_an_addon() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("waiting").await?;
    let addons: Api<MarketplaceAddon> = scene.all();
    let mut addon = sms_addon("florist");
    addon["metadata"]["finalizers"] = json!(["example.com/held"]);
    addon["spec"]["credentials"] = json!({"secretName": "another"});

    // before any operator has seen it: what the API server makes of it
    let fresh = addon.clone();
    let fresh = json!({"apiVersion": fresh["apiVersion"], "kind": fresh["kind"], "metadata": {"name": "florist", "generation": 1},
        "spec": fresh["spec"], "status": default_status().await?});
    assert_eq!(verdict(&fresh.to_string()).await?, "InProgress");

    scene.apply::<MarketplaceAddon>(&addon).await?;
    comes_to(&scene, "Failed").await?; // the Secret is missing
    assert!(waited_for(&scene, "Stalled").await? && !waited_for(&scene, "Ready").await?);

    addon["spec"]["credentials"] = json!({"secretName": "twilio"});
    addon["spec"]["workload"] = json!({"image": "docker.io/local/no-such-image:1"});
    let applied = scene.apply::<MarketplaceAddon>(&addon).await?;
    watch::state(&addons, "florist", "Available", "False", applied.metadata.generation).await?;
    comes_to(&scene, "InProgress").await?; // it may still be mended from outside
    assert!(!waited_for(&scene, "Ready").await?);

    addon["spec"]["workload"] = json!({});
    scene.run(&addon).await?;
    comes_to(&scene, "Current").await?;
    assert!(waited_for(&scene, "Ready").await?);

    addon["spec"]["suspend"] = json!(true);
    scene.apply::<MarketplaceAddon>(&addon).await?;
    comes_to(&scene, "InProgress").await?;
    assert!(!waited_for(&scene, "Ready").await?);
    addon["spec"]["suspend"] = json!(false);
    scene.run(&addon).await?;

    addons.delete("florist", &DeleteParams::default()).await?;
    comes_to(&scene, "Terminating").await?;
    addon["metadata"]["finalizers"] = json!([]);
    scene.apply::<MarketplaceAddon>(&addon).await?;
    watch::gone(&addons, "florist").await?;
    scene.end().await
}

/// The status that the definition gives to what no operator has seen.
async fn default_status() -> Result<Value> {
    let arguments = [
        "get",
        "crd",
        "marketplaceaddons.marketplace-operator.dev",
        "--output=json",
    ];
    let definition: Value = serde_json::from_str(&run("kubectl", &arguments).await?)?;
    Ok(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["default"].clone())
}

#[tokio::test]
async fn helm_waits_until_an_addon_is_ready_and_fails_with_it() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("helm-waits").await?;
    let mut addon = sms_addon("florist");
    assert!(helm(&scene, &addon, "60s").await?);
    assert!(waited_for(&scene, "Ready").await?);
    addon["spec"]["credentials"] = json!({"secretName": "another"});
    assert!(!helm(&scene, &addon, "5s").await?);
    scene.end().await
}
