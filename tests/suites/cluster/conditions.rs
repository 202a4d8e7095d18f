//! What is wrong is said in a condition, with what to do; and what ran before keeps running.

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::scene::{KNOWN, sms_addon};
use marketplace_tests::cluster::{Scene, operator, watch};
use marketplace_tests::patience::until;
use marketplace_tests::twilio::{Payload, Sdk};
use serde_json::json;

/// Waits for what is said of the one add-on.
async fn says(scene: &Scene, kind: &str, status: &str, words: &[&str]) -> Result<()> {
    watch::says(&scene.all(), "florist", kind, status, words).await
}

#[tokio::test]
async fn a_missing_secret_and_then_a_missing_key_are_named() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::without_secret("missing-secret").await?;
    scene.apply::<MarketplaceAddon>(&sms_addon("florist")).await?;
    says(
        &scene,
        "CredentialsValid",
        "False",
        &["Secret twilio does not exist", "create it"],
    )
    .await?;
    says(&scene, "Stalled", "True", &["twilio"]).await?;

    scene.secret("twilio", json!({"ACCOUNT_SID": "AC1"})).await?;
    says(&scene, "CredentialsValid", "False", &["AUTH_TOKEN", "add it"]).await?;

    let whole = json!({"ACCOUNT_SID": "AC1", "AUTH_TOKEN": "token"});
    scene.secret("twilio", whole).await?;
    says(&scene, "Ready", "True", &["1 of 1 pods"]).await?;
    says(&scene, "Stalled", "False", &[]).await?;
    scene.end().await
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_quoted_and_advice_given() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("no-image").await?;
    let mut addon = sms_addon("florist");
    addon["spec"]["workload"] = json!({"image": "docker.io/local/no-such-image:1"});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    says(&scene, "Available", "False", &["no-such-image", "spec.workload.image"]).await?;
    says(&scene, "Ready", "False", &["no-such-image"]).await?;
    scene.end().await
}

#[tokio::test]
async fn the_last_words_of_a_container_that_ends_are_quoted() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("ending-container").await?;
    let mut addon = sms_addon("florist");
    // a program that does not know the service's arguments
    addon["spec"]["workload"] = json!({"image": "docker.io/local/marketplace-operator:dev"});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    says(&scene, "Available", "False", &["ended with code 2", "try '--help'"]).await?;
    scene.end().await
}

#[tokio::test]
async fn an_edit_that_cannot_be_done_keeps_what_ran_before() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("invalid-edit").await?;
    let mut addon = sms_addon("florist");
    scene.run(&addon).await?;
    let before = scene.all::<Deployment>().get("florist-front").await?;

    addon["spec"]["credentials"]["secretName"] = json!("elsewhere");
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 3}}});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    says(
        &scene,
        "Ready",
        "False",
        &["Secret elsewhere does not exist", "keeps running"],
    )
    .await?;
    assert_eq!(scene.all::<Deployment>().get("florist-front").await?.spec, before.spec);
    let phone = Payload::Query(vec![("phone".to_owned(), KNOWN.to_owned())]);
    let answer = scene
        .twilio(Sdk::Python)
        .request("/incoming-sms", "XR1", phone)?
        .send(scene.address("florist").await?)
        .await?;
    assert_eq!(answer.status, 200);
    scene.end().await
}

#[tokio::test]
async fn a_suspended_addon_is_left_as_it_is() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("suspended").await?;
    let mut addon = sms_addon("florist");
    scene.run(&addon).await?;
    addon["spec"]["suspend"] = json!(true);
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 2}}});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    says(&scene, "Ready", "Unknown", &["spec.suspend"]).await?;
    let replicas = async || anyhow::Ok(scene.all::<Deployment>().get("florist-front").await?.spec.replicas);
    assert_eq!(replicas().await?, Some(1));

    addon["spec"]["suspend"] = json!(false);
    scene.run(&addon).await?;
    assert_eq!(replicas().await?, Some(2));
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 0}}});
    scene.run(&addon).await?;
    says(&scene, "Ready", "True", &["0 pods"]).await?;
    scene.end().await
}

#[tokio::test]
async fn what_happens_is_told_in_events() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("events").await?;
    scene.run(&sms_addon("florist")).await?;
    until("an Event that the add-on is Ready", async || {
        let events: Api<Event> = scene.all();
        let events = events
            .list(&ListParams::default().fields("involvedObject.kind=MarketplaceAddon,reason=Ready"))
            .await?;
        Ok((!events.items.is_empty()).then_some(()))
    })
    .await?;
    scene.end().await
}
