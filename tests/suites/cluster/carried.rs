//! Requests that are carried in by a real ingress and gateway controller, from machines outside the node: what it must not
//! do to them on their way, and who may send them.

use anyhow::{Context as _, Result};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::outside::Way;
use marketplace_tests::cluster::profile::ensure;
use marketplace_tests::cluster::scene::{KNOWN, sms_addon};
use marketplace_tests::cluster::{NODE, Profile, Scene, operator, traefik, watch};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest};
use serde_json::{Value, json};

const ALLOWED: &str = "203.0.113.7";

fn request(scene: &Scene, sid: &str) -> Result<SignedRequest> {
    let phone = Payload::Query(vec![("phone".to_owned(), KNOWN.to_owned())]);
    scene.twilio(Sdk::Node).request("/incoming-sms", sid, phone)
}

fn traefik_alone() -> Value {
    json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}])
}

/// Waits until a client is answered so: a controller learns of an object a moment after the operator made it.
async fn answered(way: &Way<'_>, client: &str, request: &SignedRequest, status: u16) -> Result<()> {
    let mut last = None;
    let what = format!("{client} is answered {status}");
    let found = until(&what, async || {
        last = way.status(client, request).await?;
        Ok((last == Some(status)).then_some(()))
    });
    found.await.with_context(|| format!("it was answered {last:?}"))
}

#[tokio::test]
async fn a_gateway_of_another_namespace_carries_what_it_has_accepted() -> Result<()> {
    let _operator = operator::shared().await?;
    let _turn = traefik::turn().await;
    let scene = Scene::new("carried-route").await?;
    let (namespace, gateway) = traefik::GATEWAY;
    let parent = |listener: &str| json!({"name": gateway, "namespace": namespace, "sectionName": listener});
    let mut addon = sms_addon("florist");
    addon["spec"]["exposure"] = json!({"gateway": {"parentRefs": [parent("web")]}});
    addon["spec"]["network"] = json!({"ingressFrom": traefik_alone()});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    let said = until("the add-on says what it waits for", async || {
        let addon = scene.all::<MarketplaceAddon>().get("florist").await?;
        Ok(watch::condition(&addon, "Routed").map(|routed| routed.reason.clone()))
    });
    figure(&format!(
        "before this suite asked for a gateway the route was: {}",
        said.await?
    ));

    // where the Gateway API is installed only now, that is noticed
    ensure(&[Profile::Traefik]).await?;
    let ready = watch::ready(&scene.all(), "florist", None).await?;
    let routed = watch::condition(&ready, "Routed").context("a gateway is declared")?;
    assert_eq!(
        (routed.status.as_str(), routed.reason.as_str()),
        ("True", "RouteAccepted")
    );
    let way = Way {
        address: (NODE, traefik::PLAIN_PORT).into(),
        trusted: None,
        options: &[],
    };
    answered(&way, ALLOWED, &request(&scene, "XR1")?, 200).await?;

    addon["spec"]["exposure"] = json!({"gateway": {"parentRefs": [parent("nowhere")]}});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    let refused = watch::state(&scene.all(), "florist", "Routed", "False", None).await?;
    let said = watch::condition(&refused, "Routed").context("a gateway is declared")?;
    assert!(said.message.contains(gateway), "{}", said.message);

    addon["spec"]["exposure"] = json!({"clusterIp": {}});
    scene.run(&addon).await?;
    let list = ["--namespace", "carried-route", "get", "httproutes", "--output=name"];
    until("the route is gone", async || {
        Ok(marketplace_tests::cluster::run("kubectl", &list)
            .await?
            .trim()
            .is_empty()
            .then_some(()))
    })
    .await?;
    scene.end().await
}
