//! Requests that are carried in by a real ingress and gateway controller, from machines outside the node: what it must not
//! do to them on their way, and who may send them.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, ListParams, Patch, PatchParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::cluster::outside::Way;
use marketplace_tests::cluster::profile::ensure;
use marketplace_tests::cluster::scene::{KNOWN, recording_addon, sms_addon};
use marketplace_tests::cluster::{Profile, Scene, operator, traefik, watch};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::tls::Certificate;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest, Twilio};
use serde_json::{Value, json};

const ALLOWED: &str = "203.0.113.7";
const REFUSED: &str = "203.0.113.99";
/// Every Pod of the test's cluster, Traefik's among them.
const PODS: &str = "10.244.0.0/16";

/// A host of the scene's own: of two routes or certificates for one host, only one counts.
fn host(scene: &Scene) -> String {
    format!("{}.example.com", scene.namespace)
}

fn twilio(scene: &Scene) -> Twilio {
    scene.twilio(Sdk::Node).registered_as(&public_url(scene))
}

fn public_url(scene: &Scene) -> String {
    format!("https://{}/insights", host(scene))
}

fn request(scene: &Scene, sid: &str) -> Result<SignedRequest> {
    let phone = Payload::Query(vec![("phone".to_owned(), KNOWN.to_owned())]);
    twilio(scene).request("/incoming-sms", sid, phone)
}

fn forged(request: SignedRequest) -> SignedRequest {
    request.with_header("X-Twilio-Signature", "0FqS203W44/lM2UEM+51hRzwat4=")
}

fn by_ingress(scene: &Scene, mut addon: Value) -> Value {
    addon["spec"]["publicUrl"] = json!(public_url(scene));
    addon["spec"]["exposure"] = json!({"ingress": {"className": "traefik", "tlsSecretName": "addons-tls"}});
    addon["spec"]["network"] = json!({"ingressFrom": traefik_alone()});
    addon
}

fn traefik_alone() -> Value {
    json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}])
}

#[tokio::test]
async fn an_ingress_carries_both_versions_of_tls_and_the_path_with_its_prefix_and_without() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure(&[Profile::Traefik]).await?;
    let scene = Scene::new("carried-ingress").await?;
    let certificate = Certificate::of(&host(&scene))?;
    scene.apply::<Secret>(&certificate.secret("addons-tls")).await?;
    let mut addon = by_ingress(&scene, sms_addon("florist"));
    let ready = scene.run(&addon).await?;
    let routed = watch::condition(&ready, "Routed").context("an ingress is declared")?;
    assert_eq!(
        (routed.status.as_str(), routed.reason.as_str()),
        ("True", "IngressAdmitted")
    );

    traefik::by_tls(&certificate, &[])
        .answers(ALLOWED, &request(&scene, "XR1")?, 200)
        .await?;
    for options in [&["--tlsv1.2", "--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        let way = traefik::by_tls(&certificate, options);
        assert_eq!(
            way.status(ALLOWED, &request(&scene, "XR2")?).await?,
            Some(200),
            "{options:?}"
        );
        assert_eq!(
            way.status(ALLOWED, &forged(request(&scene, "XR3")?)).await?,
            Some(403),
            "{options:?}"
        );
    }
    assert_eq!(
        traefik::by_plain_http()
            .status(ALLOWED, &request(&scene, "XR4")?)
            .await?,
        Some(404),
        "no plain HTTP, and no redirect"
    );

    let middleware = json!({
        "apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": {"name": "strip"},
        "spec": {"stripPrefix": {"prefixes": ["/insights"]}},
    });
    let strip = "traefik.ingress.kubernetes.io/router.middlewares";
    addon["spec"]["exposure"]["ingress"]["annotations"] = json!({ strip: "carried-ingress-strip@kubernetescrd" });
    scene.run(&addon).await?;
    let way = traefik::by_tls(&certificate, &[]);
    way.answers(ALLOWED, &request(&scene, "XR5")?, 404)
        .await
        .context("without what is to strip the prefix nothing is carried, so what is carried after this is stripped")?;
    scene.apply_other(&middleware).await?;
    way.answers(ALLOWED, &request(&scene, "XR6")?, 200).await?;
    scene.end().await
}

#[tokio::test]
async fn an_upload_of_200_megabytes_comes_through_an_ingress() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure(&[Profile::Traefik]).await?;
    let scene = Scene::new("carried-upload").await?;
    let certificate = Certificate::of(&host(&scene))?;
    scene.apply::<Secret>(&certificate.secret("addons-tls")).await?;
    let mut addon = by_ingress(&scene, recording_addon("insights"));
    addon["spec"]["limits"] = json!({"audioBytes": 250_000_000, "quarantineBytes": 500_000_000});
    scene.run(&addon).await?;

    // 2 channels of 16 bits, 48000 samples a second
    let wav = Recording::new(2, 48_000).then(Sound::Silence, 1_045.0).wav();
    assert!(wav.len() > 200_000_000, "{}", wav.len());
    let receiver = scene.callbacks(&[]).await?;
    let payload = Payload::recording(&receiver.url("large"), wav, FileOrder::Last);
    let upload = twilio(&scene).request("/transcription", "XR1", payload)?;
    let bytes = upload.body_bytes();
    let began = std::time::Instant::now();
    traefik::by_tls(&certificate, &[])
        .answers(ALLOWED, &upload, 202)
        .await?;
    figure(&format!(
        "{bytes} bytes came through the ingress in {} ms",
        began.elapsed().as_millis()
    ));
    receiver.wait_for("large").await?;
    scene.end().await
}

#[tokio::test]
async fn an_allow_list_is_kept_behind_an_ingress_whatever_a_client_says_of_itself() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure(&[Profile::Traefik]).await?;
    let scene = Scene::new("carried-sources").await?;
    let certificate = Certificate::of(&host(&scene))?;
    scene.apply::<Secret>(&certificate.secret("addons-tls")).await?;
    let mut addon = by_ingress(&scene, sms_addon("florist"));
    addon["spec"]["allowList"] = json!({
        "mode": "Audit", "trustedProxies": [PODS], "sources": [{"name": "office", "cidr": "203.0.113.0/28"}],
    });
    let way = traefik::by_tls(&certificate, &[]);
    let says = |client: &str| request(&scene, "XR1").map(|request| request.with_header("X-Forwarded-For", client));

    sources_are(&scene, &addon, "False Audited").await?;
    way.answers(ALLOWED, &request(&scene, "XR1")?, 200).await?;
    assert_eq!(
        way.status(REFUSED, &says(ALLOWED)?).await?,
        Some(200),
        "an audit refuses nobody"
    );

    addon["spec"]["allowList"]["mode"] = json!("Enforce");
    sources_are(&scene, &addon, "True IngressPeersOnly").await?;
    // A controller may go on for a moment with the pod of before, in turns with the new one, or have none and say 503 itself:
    // what would be wrong stays wrong.
    for (client, request, status) in [
        (REFUSED, request(&scene, "XR2")?, 503),
        (REFUSED, says(ALLOWED)?, 503),
        (REFUSED, forged(says(ALLOWED)?), 403),
        (ALLOWED, says(REFUSED)?, 200),
    ] {
        way.answers(client, &request, status).await?;
    }
    let pod = Way {
        address: pod_address(&scene).await?,
        trusted: None,
        options: &["--max-time", "5"],
    };
    assert_eq!(
        pod.status(ALLOWED, &request(&scene, "XR3")?).await?,
        None,
        "nobody but the ingress gets a connection"
    );

    addon["spec"]
        .as_object_mut()
        .context("it is an object")?
        .remove("network");
    sources_are(&scene, &addon, "Unknown IngressPeersUnset").await?;
    way.answers(ALLOWED, &request(&scene, "XR4")?, 200).await?;
    assert_eq!(way.status(REFUSED, &says(ALLOWED)?).await?, Some(503));
    scene.end().await
}

async fn sources_are(scene: &Scene, addon: &Value, expected: &str) -> Result<()> {
    let ready = scene.run(addon).await?;
    let said = watch::condition(&ready, "SourcesEnforced").context("there is an allow list")?;
    assert_eq!(format!("{} {}", said.status, said.reason), expected);
    Ok(())
}

async fn pod_address(scene: &Scene) -> Result<std::net::SocketAddr> {
    let pods: Api<Pod> = scene.all();
    let address = until("the pod has an address", async || {
        let pods = pods
            .list(&ListParams::default().labels("app.kubernetes.io/instance=florist"))
            .await?;
        let mut lasting = pods
            .items
            .into_iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(lasting.find_map(|pod| pod.status?.pod_ip))
    });
    Ok(format!("{}:8080", address.await?).parse()?)
}

#[tokio::test]
async fn a_gateway_of_another_namespace_carries_what_it_has_accepted() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("carried-route").await?;
    let (namespace, gateway) = traefik::GATEWAY;
    let parent = |listener: &str| json!({"name": gateway, "namespace": namespace, "sectionName": listener});
    let mut addon = sms_addon("florist");
    addon["spec"]["publicUrl"] = json!(public_url(&scene));
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
    let way = traefik::by_plain_http();
    way.answers(ALLOWED, &request(&scene, "XR1")?, 200).await?;

    // the certificate of a shared Gateway is its owner's
    let certificate = Certificate::of(&host(&scene))?;
    Api::<Secret>::namespaced(scene.client.clone(), namespace)
        .patch(
            "gateway-tls",
            &PatchParams::apply("suite").force(),
            &Patch::Apply(certificate.secret("gateway-tls")),
        )
        .await?;
    addon["spec"]["exposure"] = json!({"gateway": {"parentRefs": [parent("websecure")]}});
    scene.run(&addon).await?;
    for options in [&["--tlsv1.2", "--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        traefik::by_tls(&certificate, options)
            .answers(ALLOWED, &request(&scene, "XR2")?, 200)
            .await?;
    }

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
