//! The bad-resource table against a real API server; `local::rules` evaluates the same rows without one.

use anyhow::{Context as _, Result};
use kube::api::{Api, Patch, PatchParams, PostParams, ValidationDirective};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::bad_resources::{Row, at_creation, at_update, changed, good, repeated};
use marketplace_tests::cluster::{Scene, operator, run, top, watch};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use serde_json::{Value, json};

fn in_scene(scene: &Scene, mut resource: Value) -> Value {
    resource["metadata"]["namespace"] = scene.namespace.clone().into();
    resource
}

/// What the API server says to a resource that is only tried.
async fn refusal(scene: &Scene, resource: Value) -> Result<String> {
    let name = resource["metadata"]["name"]
        .as_str()
        .context("the row has a name")?
        .to_owned();
    let parameters = PatchParams {
        dry_run: true,
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::apply("suite").force()
    };
    let addons: Api<MarketplaceAddon> = scene.all();
    match addons
        .patch(&name, &parameters, &Patch::Apply(in_scene(scene, resource)))
        .await
    {
        Ok(_) => Ok("accepted".to_owned()),
        Err(kube::Error::Api(status)) => Ok(status.message),
        Err(error) => Err(error.into()),
    }
}

async fn check(scene: &Scene, row: &Row) -> Result<()> {
    let said = refusal(scene, changed(row)).await?;
    assert!(said.contains(row.message), "{}: {said}", row.name);
    Ok(())
}

#[tokio::test]
async fn the_api_server_refuses_each_bad_resource_with_its_sentence() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("bad-resources").await?;
    assert_eq!(refusal(&scene, good()).await?, "accepted");
    let rows = at_creation();
    for row in &rows {
        check(&scene, row).await?;
    }
    figure(&format!("{} bad resources refused", rows.len()));
    scene.end().await
}

#[tokio::test]
async fn the_api_server_refuses_each_repeated_key_by_itself() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("repeated-keys").await?;
    for row in repeated::rows() {
        let said = refusal(&scene, changed(&row)).await?;
        assert!(said.contains(repeated::OF_THE_SERVER), "{}: {said}", row.name);
    }
    scene.end().await
}

#[tokio::test]
async fn the_api_server_takes_each_example() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("every-example").await?;
    let examples = top().join("examples");
    let folder = examples.to_str().context("a path of ours is text")?;
    // The server alone judges: what it would take is not kept.
    let apply = [
        "--namespace",
        "every-example",
        "apply",
        "--dry-run=server",
        "-f",
        folder,
    ];
    run("kubectl", &apply).await?;
    scene.end().await
}

#[tokio::test]
async fn the_api_server_refuses_each_bad_change_with_its_sentence() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::without_secret("bad-changes").await?;
    scene.apply::<MarketplaceAddon>(&in_scene(&scene, good())).await?;
    let addons: Api<MarketplaceAddon> = scene.all();
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    for row in at_update() {
        let said = until("an answer to the change", async || {
            // a change by PUT, because a merge could not take a member away
            let live = addons.get("call-insights").await?;
            let mut resource = in_scene(&scene, changed(&row));
            resource["metadata"]["resourceVersion"] = live.metadata.resource_version.into();
            let resource = serde_json::from_value(resource)?;
            match addons.replace("call-insights", &parameters, &resource).await {
                Ok(_) => Ok(Some("accepted".to_owned())),
                // the operator has written the status in the meantime
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
                Err(error) => Ok(Some(error.to_string())),
            }
        });
        let said = said.await?;
        assert!(said.contains(row.message), "{}: {said}", row.name);
    }
    scene.end().await
}

#[tokio::test]
async fn the_api_server_names_a_misspelt_field() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::without_secret("misspelt").await?;
    let mut resource = good();
    resource["spec"]["endpoints"][1]["pathh"] = json!("/sms");
    let said = refusal(&scene, resource).await?;
    assert!(said.contains("pathh"), "{said}");
    scene.end().await
}

#[tokio::test]
async fn an_addon_that_no_operator_has_seen_says_so() -> Result<()> {
    let mut operator = operator::alone().await?;
    run(
        "kubectl",
        &[
            "--namespace",
            operator::NAMESPACE,
            "scale",
            "deployment",
            "--all",
            "--replicas=0",
        ],
    )
    .await?;
    // the next suite that needs it has it back
    *operator = false;
    let pods = [
        "--namespace",
        operator::NAMESPACE,
        "wait",
        "pod",
        "--all",
        "--for=delete",
        "--timeout=60s",
    ];
    run("kubectl", &pods).await?;
    let scene = Scene::without_secret("unseen").await?;
    let addon = scene.apply::<MarketplaceAddon>(&in_scene(&scene, good())).await?;
    let ready = watch::condition(&addon, "Ready").context("a status by default")?;
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("Unknown", "Pending"));
    assert!(ready.message.contains("does it watch this namespace?"));
    scene.end().await
}

#[tokio::test]
async fn explain_reads_like_a_manual_and_get_shows_the_columns() -> Result<()> {
    let _operator = operator::shared().await?;
    let explained = until("kubectl explain knows the resource", async || {
        Ok(run(
            "kubectl",
            &["explain", "marketplaceaddon.spec.endpoints.request.fields.phoneNumber"],
        )
        .await
        .ok())
    });
    assert!(explained.await?.contains("The phone number (`{{primary_address}}`"));
    let scene = Scene::new("columns").await?;
    scene.apply::<MarketplaceAddon>(&in_scene(&scene, good())).await?;
    let shown = run("kubectl", &["--namespace", "columns", "get", "mpa"]).await?;
    let header = shown
        .lines()
        .next()
        .context("a header")?
        .split_whitespace()
        .collect::<Vec<_>>();
    assert_eq!(header, ["NAME", "READY", "REASON", "URL", "AGE"]);
    scene.end().await
}
