//! How requests reach the pods: the objects that are made for each exposure, what is said until somebody carries them, and
//! that they go again. No ingress controller and no cloud runs here: the suite plays both by writing their status.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, Patch, PatchParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::outside::Way;
use marketplace_tests::cluster::scene::{KNOWN, sms_addon};
use marketplace_tests::cluster::{Scene, cloud, operator, watch};
use marketplace_tests::patience::until;
use marketplace_tests::tls::Certificate;
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest};
use serde_json::{Value, json};

/// A client of the office.
const ALLOWED: &str = "203.0.113.7";
/// A client of nobody.
const REFUSED: &str = "203.0.113.99";
/// What a client writes who wants to be taken for another.
const FORGED_FOR: &str = "X-Forwarded-For";

fn request(scene: &Scene, sid: &str) -> Result<SignedRequest> {
    let phone = Payload::Query(vec![("phone".to_owned(), KNOWN.to_owned())]);
    scene.twilio(Sdk::Node).request("/incoming-sms", sid, phone)
}

fn exposed(exposure: Value) -> Value {
    let mut addon = sms_addon("florist");
    addon["spec"]["exposure"] = exposure;
    addon
}

/// Waits until the add-on is not Ready for this reason.
async fn waits_for(scene: &Scene, reason: &str) -> Result<MarketplaceAddon> {
    let mut last = None;
    let what = format!("Ready=False {reason}");
    let found = until(&what, async || {
        let addon = scene.all::<MarketplaceAddon>().get("florist").await?;
        last = watch::condition(&addon, "Ready").cloned();
        let holds = last
            .as_ref()
            .is_some_and(|ready| ready.status == "False" && ready.reason == reason);
        Ok(holds.then_some(addon))
    });
    found.await.with_context(|| format!("it was {last:?}"))
}

#[tokio::test]
async fn a_load_balancer_admits_listed_clients_by_tls_alone() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("load-balancer").await?;
    let certificate = Certificate::generate()?;
    let mut addon = exposed(json!({"loadBalancer": {"tlsSecretName": "addons-tls"}}));
    addon["spec"]["allowList"] = json!({"sources": [{"name": "office", "cidr": "203.0.113.0/28"}]});
    scene.apply::<MarketplaceAddon>(&addon).await?;
    waits_for(&scene, "SecretMissing").await?;
    scene.apply::<Secret>(&certificate.secret("addons-tls")).await?;
    waits_for(&scene, "LoadBalancerPending").await?;

    let services: Api<Service> = scene.all();
    let service = cloud::give_address(&services, "florist-front", "198.18.0.7").await?;
    let spec = serde_json::to_value(service.spec)?;
    assert_eq!(
        (
            &spec["externalTrafficPolicy"],
            &spec["loadBalancerSourceRanges"],
            &spec["allocateLoadBalancerNodePorts"]
        ),
        (&json!("Local"), &json!(["203.0.113.0/28"]), &json!(false)),
    );
    assert_eq!(
        (&spec["ports"][0]["port"], &spec["ports"][0]["nodePort"]),
        (&json!(443), &Value::Null)
    );
    let ready = watch::ready(&scene.all(), "florist", None).await?;
    let enforced = watch::condition(&ready, "SourcesEnforced").context("there is an allow list")?;
    assert_eq!(
        (enforced.status.as_str(), enforced.reason.as_str()),
        ("True", "CheckedByService")
    );

    let address = "198.18.0.7:443".parse()?;
    let way = |options: &'static [&'static str]| Way {
        address,
        trusted: Some(&certificate),
        options,
    };
    // the node learns of a load balancer a moment after its status
    way(&[]).answers(ALLOWED, &request(&scene, "XR1")?, 200).await?;
    for options in [&["--tlsv1.2", "--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        assert_eq!(
            way(options).status(ALLOWED, &request(&scene, "XR2")?).await?,
            Some(200),
            "{options:?}"
        );
    }
    assert_eq!(
        way(&["--tls-max", "1.1"])
            .status(ALLOWED, &request(&scene, "XR3")?)
            .await?,
        None
    );
    let plain = Way {
        address,
        trusted: None,
        options: &[],
    };
    assert_eq!(plain.status(ALLOWED, &request(&scene, "XR4")?).await?, None);

    let claims_to_be_listed = request(&scene, "XR5")?.with_header(FORGED_FOR, ALLOWED);
    assert_eq!(
        way(&["--max-time", "5"]).status(REFUSED, &claims_to_be_listed).await?,
        None
    );
    let claims_not_to_be = request(&scene, "XR6")?.with_header(FORGED_FOR, REFUSED);
    assert_eq!(way(&[]).status(ALLOWED, &claims_not_to_be).await?, Some(200));

    addon["spec"]["allowList"]["mode"] = json!("Audit");
    scene.run(&addon).await?;
    way(&["--max-time", "5"])
        .answers(REFUSED, &request(&scene, "XR7")?, 200)
        .await
        .context("an audit refuses nobody")?;

    addon["spec"]["exposure"] = json!({"clusterIp": {}});
    let inside = scene.run(&addon).await?;
    assert_eq!(watch::condition(&inside, "Routed"), None);
    let kind = services.get("florist-front").await?.spec.and_then(|spec| spec.type_);
    assert_eq!(kind.as_deref(), Some("ClusterIP"));
    // a pod that is about to end may still take a connection, and answers it by TLS
    until("plain HTTP is spoken again", async || {
        let answer = request(&scene, "XR8")?.send(scene.address("florist").await?).await;
        Ok(answer.ok().filter(|answer| answer.status == 200).map(drop))
    })
    .await?;
    scene.end().await
}

#[tokio::test]
async fn an_ingress_is_made_waited_for_put_back_and_taken_away() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("ingress-object").await?;
    let mut addon = exposed(json!({"ingress": {"className": "nobody", "tlsSecretName": "addons-tls"}}));
    scene.apply::<MarketplaceAddon>(&addon).await?;
    let waiting = waits_for(&scene, "CertificateMissing").await?;
    let ready = watch::condition(&waiting, "Ready").context("it is always there")?;
    assert!(ready.message.contains("Secret addons-tls"), "{}", ready.message);
    scene
        .apply::<Secret>(&Certificate::generate()?.secret("addons-tls"))
        .await?;
    waits_for(&scene, "IngressPending").await?;

    let ingresses: Api<Ingress> = scene.all();
    publish(&ingresses).await?;
    watch::ready(&scene.all(), "florist", None).await?;

    let before = watch::uid(&ingresses.get("florist-front").await?)?;
    ingresses
        .delete("florist-front", &kube::api::DeleteParams::default())
        .await?;
    watch::replaced(&ingresses, "florist-front", &before).await?;
    waits_for(&scene, "IngressPending").await?;

    addon["spec"]["exposure"] = json!({"clusterIp": {}});
    scene.run(&addon).await?;
    watch::gone(&ingresses, "florist-front").await?;
    scene.end().await
}

/// As an ingress controller does that has taken the Ingress.
async fn publish(ingresses: &Api<Ingress>) -> Result<()> {
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    ingresses
        .patch_status("florist-front", &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
}

#[tokio::test]
async fn each_example_of_an_exposure_is_taken_and_says_whom_it_waits_for() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("exposure-examples").await?;
    scene
        .apply::<Secret>(&Certificate::generate()?.secret("addons-tls"))
        .await?;
    for (example, name, reasons) in [
        (
            "examples/ingress.yaml",
            "behind-ingress",
            &["IngressPending", "PodsReady"][..],
        ),
        (
            "examples/gateway.yaml",
            "behind-gateway",
            &["GatewayApiMissing", "RoutePending"],
        ),
        (
            "examples/load-balancer.yaml",
            "with-load-balancer",
            &["LoadBalancerPending"],
        ),
    ] {
        marketplace_tests::cluster::run("kubectl", &["--namespace", "exposure-examples", "apply", "-f", example])
            .await?;
        // whether the cluster has a controller by now is for other suites to say
        let settled = until(example, async || {
            let addon = scene.all::<MarketplaceAddon>().get(name).await?;
            let ready = watch::condition(&addon, "Ready");
            Ok(ready
                .is_some_and(|ready| reasons.contains(&ready.reason.as_str()))
                .then_some(()))
        });
        settled.await?;
    }
    scene.end().await
}

/// The peers of the NetworkPolicy: a client that is none gets no connection, and what is not listed is not connected to.
#[tokio::test]
async fn only_the_ingress_gets_a_connection_where_it_is_named() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("ingress-peers").await?;
    let mut addon = sms_addon("florist");
    let peer = |cidr: &str| json!([{"ipBlock": {"cidr": cidr}}]);
    addon["spec"]["network"] = json!({"ingressFrom": peer("203.0.113.7/32")});
    scene.run(&addon).await?;
    let address = scene.address("florist").await?;
    let way = Way {
        address,
        trusted: None,
        options: &["--max-time", "5"],
    };
    way.answers(ALLOWED, &request(&scene, "XR1")?, 200).await?;
    assert_eq!(way.status(REFUSED, &request(&scene, "XR2")?).await?, None);

    addon["spec"]["network"] = json!({"ingressFrom": peer("203.0.113.99/32")});
    scene.run(&addon).await?;
    way.answers(REFUSED, &request(&scene, "XR3")?, 200)
        .await
        .context("the peers follow the resource")?;
    assert_eq!(way.status(ALLOWED, &request(&scene, "XR4")?).await?, None);
    scene.end().await
}
