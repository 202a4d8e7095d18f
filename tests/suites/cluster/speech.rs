//! What is said in a recording is written down by a pod of the image with the model; one without says what it lacks.

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::scene::recording_addon;
use marketplace_tests::cluster::{Scene, operator, watch};
use marketplace_tests::spoken::{Studio, TELEPHONE_LIMIT_PERCENT, WordErrors, bytes_of, sentences, text_in};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::{Value, json};

fn hearing() -> Value {
    let mut addon = recording_addon("hearing");
    addon["spec"]["endpoints"][0]["handler"] = json!({"analysis": {"transcription": {"engine": {"builtin": {}}}}});
    addon
}

#[tokio::test]
async fn the_image_with_the_model_is_chosen_and_hears() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("hearing").await?;
    scene.run(&hearing()).await?;
    let deployment = serde_json::to_value(scene.all::<Deployment>().get("hearing-front").await?)?;
    assert_eq!(
        deployment["spec"]["template"]["spec"]["containers"][0]["image"],
        json!(format!("{}:dev", operator::image("service-speech")))
    );

    let (studio, said) = (Studio::new()?, sentences(31, 3));
    let recording = bytes_of(&studio.say("spoken", "en-us", &said)?)?;
    let receiver = scene.callbacks(&[]).await?;
    let payload = Payload::recording(&receiver.url("heard"), recording, FileOrder::Last);
    let request = scene.twilio(Sdk::Python).request("/transcription", "XR1", payload)?;
    let answer = request.send(scene.address("hearing").await?).await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let result = receiver.wait_for("heard").await?.json()?;
    let segments = result["results"]["transcription"]["segments"].as_array();
    let heard = text_in(segments.context("a transcript")?);
    let errors = WordErrors::between(&said, &heard);
    assert!(errors.percent() <= TELEPHONE_LIMIT_PERCENT, "{said} | {heard}");
    scene.end().await
}

#[tokio::test]
async fn an_image_without_the_model_says_so_in_a_condition() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("deaf").await?;
    let mut addon = hearing();
    addon["spec"]["workload"] = json!({"image": format!("{}:dev", operator::image("service"))});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    let words = ["transcription.engine.builtin", "marketplace-service-speech"];
    watch::says(&scene.all(), "hearing", "Available", "False", &words).await?;
    scene.end().await
}
