//! Each file of `examples` runs on real parts, as it stands or with what its reader is told to put in place: a host of their
//! own, their image, their storage class.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::api::Api;
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::outside::Way;
use marketplace_tests::cluster::partner::{IMAGE, ensure_image};
use marketplace_tests::cluster::profile::{S3_KEYS, S3_URL, bucket, database, empty_database, ensure, in_database};
use marketplace_tests::cluster::scene::KNOWN;
use marketplace_tests::cluster::{NODE, Profile, Scene, cloud, operator, prometheus, run, top, traefik, watch};
use marketplace_tests::examples::example;
use marketplace_tests::partner::{Example, Running};
use marketplace_tests::tls::Certificate;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest, Twilio, pairs};
use serde_json::{Value, json};

fn member<'a>(addon: &'a Value, pointer: &str) -> Result<&'a str> {
    let found = addon.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("the example has no {pointer}"))
}

fn twilio(scene: &Scene, addon: &Value) -> Result<Twilio> {
    Ok(scene.twilio(Sdk::Node).registered_as(member(addon, "/spec/publicUrl")?))
}

fn message(scene: &Scene, addon: &Value) -> Result<SignedRequest> {
    twilio(scene, addon)?.request("/incoming-sms", "MR1", phone(KNOWN))
}

fn phone(number: &str) -> Payload {
    Payload::Query(pairs(&[("phone", number)]))
}

/// Results come to this suite, and not to Twilio.
fn to_us() -> (&'static str, Value) {
    let callbacks = json!({"allowedHosts": [NODE.to_string()], "allowInsecure": true});
    ("/spec/callbacks", callbacks)
}

/// What the add-on's Service answers to a request that Twilio signed.
async fn results(scene: &Scene, addon: &Value, path: &str, payload: Payload) -> Result<Value> {
    let request = twilio(scene, addon)?.request(path, "MR1", payload)?;
    let answer = request
        .send(scene.address(member(addon, "/metadata/name")?).await?)
        .await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Ok(answer.json()?["results"].clone())
}

/// What comes back of `examples/recording.wav`.
async fn results_of_recording(scene: &Scene, addon: &Value, path: &str) -> Result<Value> {
    let receiver = scene.callbacks(&[]).await?;
    let wav = std::fs::read(top().join("examples/recording.wav"))?;
    let payload = Payload::recording(&receiver.url("heard"), wav.into(), FileOrder::Last);
    let request = twilio(scene, addon)?.request(path, "XR1", payload)?;
    let answer = request
        .send(scene.address(member(addon, "/metadata/name")?).await?)
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let delivery = receiver.wait_for("heard").await?.json()?;
    assert_eq!(delivery["error_code"], Value::Null, "{delivery}");
    Ok(delivery["results"].clone())
}

fn is_measured(results: &Value) {
    assert!(results["acoustics"]["duration_seconds"].is_f64(), "{results}");
}

/// A handler of `examples/handlers` greets who is asked about, and counts the bytes of a recording.
async fn partner_answers(scene: &Scene, addon: &Value, path: &str, fields: Vec<(String, String)>) -> Result<()> {
    let greeting = results(scene, addon, path, Payload::Form(fields)).await?;
    assert_eq!(greeting, json!({"greeting": format!("Hello {KNOWN}")}));
    let heard = results_of_recording(scene, addon, "/recording").await?;
    assert!(heard["bytes"].is_u64(), "{heard}");
    Ok(())
}

#[tokio::test]
async fn the_two_of_the_readme_are_ready_by_its_commands() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("examples").await?;
    for file in ["examples/incoming-sms.yaml", "examples/recording-analysis.yaml"] {
        run("kubectl", &["--namespace", "examples", "apply", "-f", file]).await?;
    }
    let wait = "--namespace examples wait --for=condition=Ready --timeout=60s marketplaceaddon --all";
    run("kubectl", &wait.split(' ').collect::<Vec<_>>()).await?;
    let sms = example("incoming-sms", &[])?;
    let known = results(&scene, &sms, "/incoming-sms", phone(KNOWN)).await?;
    assert_eq!(known["customer_name"], "Ada Lovelace");
    let recordings = example("recording-analysis", &[])?;
    is_measured(&results_of_recording(&scene, &recordings, "/transcription").await?);
    scene.end().await
}

#[tokio::test]
async fn numbers_are_looked_up_in_a_secret_and_in_a_database() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("example-lookup").await?;
    let url = empty_database(&scene).await?;
    let customers = format!(
        "create table customers (phone text primary key, name text, kind text);
        insert into customers values ('{KNOWN}', 'Ada Lovelace', 'gold');"
    );
    in_database(&scene, &customers).await?;
    scene.secret("crm", json!({"DATABASE_URL": url})).await?;
    let table = format!("\"{KNOWN}\": {{line_type: mobile, risk: low}}");
    scene.secret("numbers", json!({"table.yaml": table})).await?;

    let addon = example("lookup", &[])?;
    scene.run(&addon).await?;
    let number = results(&scene, &addon, "/number", phone("(415) 555-1212")).await?;
    assert_eq!(number, json!({"line_type": "mobile", "risk": "low"}));
    let customer = results(&scene, &addon, "/customer", phone(KNOWN)).await?;
    assert_eq!(
        customer,
        json!({"customer_name": "Ada Lovelace", "customer_type": "gold"})
    );
    scene.end().await
}

#[tokio::test]
async fn a_partners_code_is_called_at_its_url() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("example-http").await?;
    let partner = Running::start(Example::Node).await?;
    scene.secret("partner", json!({"AUTHORIZATION": "Bearer 0123"})).await?;
    let url = json!(format!("http://{NODE}:{}/", partner.port()));
    let addon = example(
        "http",
        &[
            ("/spec/endpoints/0/handler/http/url", url.clone()),
            ("/spec/endpoints/0/handler/http/allowInsecure", json!(true)),
            ("/spec/endpoints/1/handler/http/url", url),
            ("/spec/endpoints/1/handler/http/allowInsecure", json!(true)),
            to_us(),
        ],
    )?;
    scene.run(&addon).await?;
    let call = pairs(&[("from", KNOWN), ("to", "+14155550100")]);
    partner_answers(&scene, &addon, "/incoming-call", call).await?;
    scene.end().await
}

#[tokio::test]
async fn a_partners_image_runs_beside_the_service() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure_image().await?;
    let scene = Scene::new("example-container").await?;
    let addon = example(
        "container",
        &[
            ("/spec/endpoints/0/handler/container/image", json!(IMAGE)),
            ("/spec/endpoints/1/handler/container/image", json!(IMAGE)),
            to_us(),
        ],
    )?;
    scene.run(&addon).await?;
    let sms = pairs(&[("from", KNOWN), ("text", "hello")]);
    partner_answers(&scene, &addon, "/incoming-sms", sms).await?;
    scene.end().await
}

#[tokio::test]
async fn recordings_go_through_a_bucket() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("recordings").await?;
    database(&scene).await?;
    bucket(&scene, S3_KEYS.1).await?;
    let addon = example(
        "bucket",
        &[("/spec/storage/postgres/audio/s3/endpoint", json!(S3_URL)), to_us()],
    )?;
    scene.run(&addon).await?;
    is_measured(&results_of_recording(&scene, &addon, "/transcription").await?);
    scene.end().await
}

#[tokio::test]
async fn keda_looks_after_fronts_and_workers() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure(&[Profile::Prometheus, Profile::Keda]).await?;
    let scene = Scene::new("example-scaled").await?;
    database(&scene).await?;
    let (server, request) = (json!(prometheus::URL), json!("50m"));
    let addon = example(
        "scaled",
        &[
            ("/spec/scaling/front/keda/prometheus/serverAddress", server.clone()),
            ("/spec/scaling/workers/keda/prometheus/serverAddress", server),
            (
                "/spec/storage/postgres/volume",
                json!({"size": "1Gi", "storageClassName": "local"}),
            ),
            ("/spec/workload/resources/requests/cpu", request),
            to_us(),
        ],
    )?;
    scene.run(&addon).await?;
    watch::state(&scene.all(), "scaled", "ScalingActive", "True", None).await?;
    is_measured(&results_of_recording(&scene, &addon, "/transcription").await?);
    scene.end().await
}

#[tokio::test]
async fn an_ingress_carries_messages() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure(&[Profile::Traefik]).await?;
    let scene = Scene::new("example-ingress").await?;
    let certificate = Certificate::of("addons.example.com")?;
    scene.apply::<Secret>(&certificate.secret("addons-tls")).await?;
    let addon = example("ingress", &[])?;
    scene.run(&addon).await?;
    let way = traefik::by_tls(&certificate, &[]);
    way.answers("198.51.100.7", &message(&scene, &addon)?, 200).await?;
    scene.end().await
}

#[tokio::test]
async fn a_gateway_carries_lookups() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure(&[Profile::Traefik]).await?;
    let scene = Scene::new("example-gateway").await?;
    let (namespace, gateway) = traefik::GATEWAY;
    let parent = json!([{"name": gateway, "namespace": namespace, "sectionName": "web"}]);
    let from = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]);
    let addon = example(
        "gateway",
        &[
            ("/spec/exposure/gateway/parentRefs", parent),
            ("/spec/network/ingressFrom", from),
        ],
    )?;
    scene.run(&addon).await?;
    let way = traefik::by_plain_http();
    way.answers("198.51.100.7", &message(&scene, &addon)?, 200).await?;
    scene.end().await
}

#[tokio::test]
async fn a_load_balancer_admits_the_office_alone() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("example-balancer").await?;
    let certificate = Certificate::of("messages.example.com")?;
    scene.apply::<Secret>(&certificate.secret("addons-tls")).await?;
    let addon = example("load-balancer", &[])?;
    scene.apply::<MarketplaceAddon>(&addon).await?;
    let services: Api<Service> = scene.all();
    cloud::give_address(&services, "with-load-balancer-front", "198.18.0.9").await?;
    watch::ready(&scene.all(), "with-load-balancer", None).await?;
    let way = |options: &'static [&'static str]| Way {
        address: ([198, 18, 0, 9], 443).into(),
        trusted: Some(&certificate),
        options,
    };
    let request = message(&scene, &addon)?;
    way(&[]).answers("198.51.100.7", &request, 200).await?;
    let refused = way(&["--max-time", "5"]).status("203.0.113.99", &request).await?;
    assert_eq!(refused, None, "a stranger gets no connection");
    scene.end().await
}
