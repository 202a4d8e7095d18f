//! Each profile of the cluster does what the suites that ask for it rely on, on a workload that is not the product.

use anyhow::{Context as _, Result};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Pod, Secret, Service};
use k8s_openapi::api::networking::v1::Ingress;
use marketplace_tests::cluster::profile::{POSTGRES_URL, S3_KEYS, S3_URL, ensure};
use marketplace_tests::cluster::prometheus::{self, Prometheus};
use marketplace_tests::cluster::{Profile, Scene, cloud, probe, run, traefik};
use marketplace_tests::http::get;
use marketplace_tests::patience::until;
use marketplace_tests::tls::{Certificate, HOST};
use serde_json::{Value, json};

/// A machine outside the node.
const OUTSIDE: &str = "203.0.113.20";
/// What a client claims who wants to be taken for another.
const FORGED: &str = "X-Forwarded-For: 198.51.100.1";

#[tokio::test]
async fn a_scaled_object_scales_by_what_prometheus_says() -> Result<()> {
    ensure(&[Profile::Prometheus, Profile::Keda]).await?;
    let scene = Scene::without_secret("profile-keda").await?;
    let address = probe::deploy(&scene).await?;
    let trigger = json!({
        "type": "prometheus", "metricType": "AverageValue",
        "metadata": {
            "serverAddress": prometheus::URL, "threshold": "1",
            "query": "sum(probe_load{namespace=\"profile-keda\"})",
        },
    });
    let scaled = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": probe::NAME},
        "spec": {
            "scaleTargetRef": {"name": probe::NAME}, "pollingInterval": 1, "minReplicaCount": 1, "maxReplicaCount": 3,
            "triggers": [trigger],
        },
    });
    scene.apply_other(&scaled).await?;
    let scalers = scene.all::<HorizontalPodAutoscaler>();
    until("KEDA made its autoscaler", async || {
        Ok(scalers.get_opt("keda-hpa-probe").await?)
    })
    .await?;
    probe::set_load(address, 3).await?;
    probe::ready(&scene, 3).await?;
    scene.end().await
}

#[tokio::test]
async fn an_autoscaler_by_cpu_has_figures() -> Result<()> {
    ensure(&[Profile::MetricsServer]).await?;
    let scene = Scene::without_secret("profile-cpu").await?;
    probe::deploy(&scene).await?;
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": probe::NAME},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": probe::NAME}, "maxReplicas": 2,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 90}}}],
        },
    });
    scene.apply::<HorizontalPodAutoscaler>(&scaler).await?;
    let shown = until("figures of a pod", async || {
        let top = ["--namespace", "profile-cpu", "top", "pods", "--no-headers"];
        Ok(run("kubectl", &top)
            .await
            .ok()
            .filter(|shown| shown.contains(probe::NAME)))
    });
    shown.await?;
    until("the autoscaler's figure", async || {
        let status = scene.all::<HorizontalPodAutoscaler>().get(probe::NAME).await?.status;
        let metrics = status.and_then(|status| status.current_metrics).unwrap_or_default();
        let figure = metrics.into_iter().find_map(|metric| metric.resource);
        Ok(figure.and_then(|figure| figure.current.average_utilization))
    })
    .await?;
    scene.end().await
}

#[tokio::test]
async fn prometheus_finds_pods_and_takes_rules() -> Result<()> {
    ensure(&[Profile::Prometheus]).await?;
    let scene = Scene::without_secret("profile-prometheus").await?;
    let address = probe::deploy(&scene).await?;
    probe::set_load(address, 7).await?;
    let prometheus = Prometheus::find(scene.client.clone()).await?;
    let rule =
        json!({"record": "profile:load", "expr": "2 * sum by (pod) (probe_load{namespace=\"profile-prometheus\"})"});
    let rules = json!({"groups": [{"name": "profile", "rules": [rule]}]});
    prometheus.add_rules("profile", &rules).await?;
    until("the rule's series", async || {
        let series = prometheus.query("profile:load").await?;
        Ok(matches!(series.as_slice(), [(labels, load)] if load.to_bits() == 14_f64.to_bits() && labels["pod"].is_string()).then_some(()))
    })
    .await?;
    scene.end().await
}

#[tokio::test]
async fn an_ingress_answers_by_tls_and_names_the_client() -> Result<()> {
    let _turn = traefik::alone().await?;
    let scene = Scene::without_secret("profile-ingress").await?;
    probe::deploy(&scene).await?;
    let certificate = Certificate::generate()?;
    scene.apply::<Secret>(&certificate.secret("tls")).await?;
    let backend = json!({"service": {"name": probe::NAME, "port": {"number": 80}}});
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": probe::NAME},
        "spec": {
            "ingressClassName": "traefik", "tls": [{"hosts": [HOST], "secretName": "tls"}],
            "rules": [{"host": HOST, "http": {"paths": [{"path": "/forwarded", "pathType": "Exact", "backend": backend}]}}],
        },
    });
    scene.apply::<Ingress>(&ingress).await?;
    let seen = until("the Ingress answers", async || {
        traefik::ask_by_tls(OUTSIDE, "/forwarded", &[FORGED], &certificate).await
    });
    assert_eq!(seen.await?, OUTSIDE);
    scene.end().await
}

#[tokio::test]
async fn a_route_of_the_shared_gateway_answers_and_names_the_client() -> Result<()> {
    let _turn = traefik::alone().await?;
    let scene = Scene::without_secret("profile-route").await?;
    probe::deploy(&scene).await?;
    let (namespace, gateway) = traefik::GATEWAY;
    let rewrite = json!({"type": "ReplaceFullPath", "replaceFullPath": "/forwarded"});
    let route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": probe::NAME},
        "spec": {
            "parentRefs": [{"namespace": namespace, "name": gateway, "sectionName": "web"}], "hostnames": [HOST],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": "/route"}}],
                "filters": [{"type": "URLRewrite", "urlRewrite": {"path": rewrite}}],
                "backendRefs": [{"name": probe::NAME, "port": 80}],
            }],
        },
    });
    scene.apply_other(&route).await?;
    let seen = until("the route answers", async || {
        traefik::ask(OUTSIDE, "/route", &[FORGED]).await
    });
    assert_eq!(seen.await?, OUTSIDE);
    scene.end().await
}

#[tokio::test]
async fn a_pod_reaches_postgres_and_the_s3_store() -> Result<()> {
    ensure(&[Profile::Postgres, Profile::Minio]).await?;
    let scene = Scene::without_secret("profile-storage").await?;
    let mut spec = probe::pod(
        "docker.io/local/postgres:1",
        &json!({"command": ["psql", POSTGRES_URL, "-c", "create temporary table profile (number int)"]}),
    );
    spec["restartPolicy"] = json!("OnFailure");
    let client = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client"}, "spec": spec});
    scene.apply::<Pod>(&client).await?;
    until("the client of Postgres is done", async || {
        let status = scene.all::<Pod>().get("client").await?.status.unwrap_or_default();
        Ok((status.phase.as_deref() == Some("Succeeded")).then_some(()))
    })
    .await?;

    let address = probe::deploy(&scene).await?;
    let health = format!("/get?url={S3_URL}/minio/health/ready");
    until("a pod reaches the S3 store", async || {
        Ok((get(address, &health).await?.status == 200).then_some(()))
    })
    .await?;
    let (key, secret) = S3_KEYS;
    let store: Service = kube::Api::namespaced(scene.client.clone(), "minio")
        .get("minio")
        .await?;
    let store = store
        .spec
        .and_then(|spec| spec.cluster_ip)
        .context("it has an address")?;
    let (user, url) = (format!("{key}:{secret}"), format!("http://{store}:9000/profile"));
    let signed = [
        "--silent",
        "--fail-with-body",
        "--aws-sigv4",
        "aws:amz:us-east-1:s3",
        "--user",
        &user,
    ];
    run("curl", &[&signed[..], &["--request", "PUT", &url]].concat()).await?;
    let listed = run("curl", &[&signed[..], &[&url]].concat()).await?;
    assert!(listed.contains("<Name>profile</Name>"), "{listed}");
    run("curl", &[&signed[..], &["--request", "DELETE", &url]].concat()).await?;
    scene.end().await
}

#[tokio::test]
async fn monitors_and_rules_are_accepted_and_wrong_ones_refused() -> Result<()> {
    ensure(&[Profile::Monitoring]).await?;
    let scene = Scene::without_secret("profile-monitoring").await?;
    let object = |kind: &str, spec: Value| json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": probe::NAME}, "spec": spec});
    let selector = json!({"matchLabels": {"app": probe::NAME}});
    let monitor = object(
        "PodMonitor",
        json!({"selector": selector, "podMetricsEndpoints": [{"port": "admin"}]}),
    );
    scene.apply_other(&monitor).await?;
    let rule = json!({"alert": "ProbeIdle", "expr": "probe_load == 0", "for": "1m"});
    let groups = json!([{"name": "probe", "rules": [rule]}]);
    scene
        .apply_other(&object("PrometheusRule", json!({"groups": groups})))
        .await?;
    let wrong = object(
        "PrometheusRule",
        json!({"groups": [{"name": "probe", "rules": [{"alert": "NoExpression"}]}]}),
    );
    assert!(scene.apply_other(&wrong).await.is_err());
    scene.end().await
}

#[tokio::test]
async fn the_played_cloud_gives_a_load_balancer_its_address() -> Result<()> {
    let scene = Scene::without_secret("profile-cloud").await?;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": probe::NAME},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
    });
    scene.apply::<Service>(&service).await?;
    let given = cloud::give_address(&scene.all(), probe::NAME, "198.51.100.7").await?;
    let balancer = given
        .status
        .and_then(|status| status.load_balancer)
        .context("a status")?;
    let addresses: Vec<_> = balancer
        .ingress
        .iter()
        .flatten()
        .filter_map(|ingress| ingress.ip.as_deref())
        .collect();
    assert_eq!(addresses, ["198.51.100.7"]);
    scene.end().await
}
