//! The operator itself: killed, it goes on where it was; uninstalled, it leaves what runs.

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::Api;
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::scene::{KNOWN, sms_addon};
use marketplace_tests::cluster::{Scene, operator, run, watch};
use marketplace_tests::twilio::{Payload, Sdk};
use serde_json::json;

#[tokio::test]
async fn a_killed_operator_goes_on_where_it_was() -> Result<()> {
    let _operator = operator::alone().await?;
    let scene = Scene::new("killed-operator").await?;
    let mut addon = sms_addon("florist");
    scene.run(&addon).await?;
    let before = watch::uid(&scene.all::<Deployment>().get("florist-front").await?)?;

    run(
        "kubectl",
        &[
            "--namespace",
            operator::NAMESPACE,
            "delete",
            "pod",
            "--all",
            "--grace-period=0",
            "--force",
        ],
    )
    .await?;
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 2}}});
    scene.run(&addon).await?;
    let after = scene.all::<Deployment>().get("florist-front").await?;
    assert_eq!(watch::uid(&after)?, before);
    assert_eq!(after.spec.replicas, Some(2));
    scene.end().await
}

#[tokio::test]
async fn uninstalling_keeps_the_resources_and_what_runs() -> Result<()> {
    let mut installed = operator::alone().await?;
    let scene = Scene::new("uninstalled").await?;
    scene.run(&sms_addon("florist")).await?;

    assert_ne!(roles().await?, "");
    *installed = false;
    run(
        "helm",
        &[
            "uninstall",
            operator::RELEASE,
            "--namespace",
            operator::NAMESPACE,
            "--wait",
        ],
    )
    .await?;
    let definitions: Api<CustomResourceDefinition> = Api::all(scene.client.clone());
    definitions.get("marketplaceaddons.marketplace-operator.dev").await?;
    scene.all::<MarketplaceAddon>().get("florist").await?;
    assert_eq!(roles().await?, "");
    let phone = Payload::Query(vec![("phone".to_owned(), KNOWN.to_owned())]);
    let answer = scene
        .twilio(Sdk::Node)
        .request("/incoming-sms", "XR1", phone)?
        .send(scene.address("florist").await?)
        .await?;
    assert_eq!(answer.status, 200);
    scene.end().await
}

/// The roles of the release that are not of a namespace.
async fn roles() -> Result<String> {
    let selector = format!("--selector=app.kubernetes.io/instance={}", operator::RELEASE);
    run(
        "kubectl",
        &["get", "clusterrole,clusterrolebinding", &selector, "--output=name"],
    )
    .await
}
