//! A partner's own code runs in a container beside the service's, from a real image: it answers, it comes back when it is
//! killed, and it has nothing of ours.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::cluster::partner::{IMAGE, ensure_image, kill, process};
use marketplace_tests::cluster::scene::{KNOWN, recording_addon};
use marketplace_tests::cluster::{Scene, operator};
use marketplace_tests::patience::{until, within};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, pairs};
use serde_json::{Value, json};

const SMS: &str = "partner-sms";
const RECORDINGS: &str = "partner-recordings";

/// One container for each endpoint, of the same image, in the one pod that does all of the work.
fn addon() -> Value {
    let mut addon = recording_addon("partnered");
    addon["spec"]["endpoints"][0]["handler"] = json!({"container": {
        "image": IMAGE, "port": 9001,
        "env": [{"name": "PORT", "value": "9001"}, {"name": "WAIT", "value": "audio"}],
    }});
    let sms = json!({
        "name": "sms", "path": "/incoming-sms", "integration": "IncomingSms",
        "request": {"encoding": "Query", "fields": {"phoneNumber": "phone"}},
        "handler": {"container": {"image": IMAGE, "port": 9000, "breaker": {"openSeconds": 1}}},
    });
    if let Some(endpoints) = addon["spec"]["endpoints"].as_array_mut() {
        endpoints.push(sms);
    }
    addon
}

async fn pod(scene: &Scene) -> Result<Pod> {
    let pods: Api<Pod> = scene.all();
    let ours = ListParams::default().labels("app.kubernetes.io/instance=partnered");
    pods.list(&ours).await?.items.pop().context("the add-on has a pod")
}

fn status_of<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStatus> {
    let statuses = pod.status.as_ref()?.init_container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == container)
}

async fn ask(scene: &Scene) -> Result<Option<Value>> {
    let payload = Payload::Query(pairs(&[("phone", KNOWN)]));
    let request = scene.twilio(Sdk::Node).request("/incoming-sms", "MR1", payload)?;
    let answer = request.send(scene.address("partnered").await?).await?;
    (answer.status == 200).then(|| answer.json()).transpose()
}

#[tokio::test]
async fn a_container_answers_comes_back_and_has_nothing_of_ours() -> Result<()> {
    let _operator = operator::shared().await?;
    ensure_image().await?;
    let scene = Scene::new("partnered").await?;
    scene.run(&addon()).await?;
    let greeting =
        json!({"phone_number": KNOWN, "results": {"greeting": format!("Hello {KNOWN}")}, "error_code": null});
    assert_eq!(ask(&scene).await?, Some(greeting.clone()));

    let receiver = scene.callbacks(&[]).await?;
    let wav = Recording::new(1, 8000).then(Sound::Noise { amplitude: 0.2 }, 2.5).wav();
    let bytes = wav.len();
    let payload = Payload::recording(&receiver.url("heard"), wav, FileOrder::First);
    let request = scene.twilio(Sdk::Python).request("/transcription", "XR1", payload)?;
    let answer = request.send(scene.address("partnered").await?).await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let result = receiver.wait_for("heard").await?.json()?;
    assert_eq!(result["results"], json!({"bytes": bytes, "seconds": 2.5}), "{result}");

    has_nothing_of_ours(&pod(&scene).await?)?;
    comes_back(&scene).await?;
    let back = until("an answer again", async || ask(&scene).await).await?;
    assert_eq!(back, greeting);
    scene.end().await
}

/// By what the API server made of the pod, with whatever it adds by itself.
fn has_nothing_of_ours(pod: &Pod) -> Result<()> {
    let spec = pod.spec.as_ref().context("a pod has a spec")?;
    assert_eq!(spec.automount_service_account_token, Some(false));
    let volumes = serde_json::to_value(&spec.volumes)?;
    assert!(!volumes.to_string().contains("serviceAccountToken"), "{volumes}");
    let partners = spec.init_containers.as_deref().unwrap_or_default();
    let names: Vec<_> = partners.iter().map(|partner| partner.name.as_str()).collect();
    assert_eq!(names, [RECORDINGS, SMS]);
    for partner in partners {
        assert_eq!(partner.restart_policy.as_deref(), Some("Always"));
        ensure!(partner.volume_mounts.iter().flatten().next().is_none(), "{partner:?}");
        ensure!(partner.env_from.is_none(), "{partner:?}");
    }
    let uid = pod.uid().context("a pod has a uid")?;
    let number = process(&uid)?.context("the partner's process is seen from the machine")?;
    let root = std::path::PathBuf::from(format!("/proc/{number}/root"));
    for place in [
        "var/run/secrets/kubernetes.io",
        "run/secrets/kubernetes.io",
        "etc/marketplace",
        "var/lib/marketplace",
    ] {
        assert!(!root.join(place).exists(), "{place} is in the partner's container");
    }
    Ok(())
}

async fn comes_back(scene: &Scene) -> Result<()> {
    let before = pod(scene).await?;
    let uid = before.uid().context("a pod has a uid")?;
    let restarts = |pod: &Pod| -> i32 {
        [SMS, RECORDINGS]
            .iter()
            .filter_map(|name| Some(status_of(pod, name)?.restart_count))
            .sum()
    };
    let restarts_before = restarts(&before);
    kill(process(&uid)?.context("the partner runs")?).await?;
    within(
        Duration::from_mins(3),
        "the partner is restarted and ready",
        async || {
            let now = pod(scene).await?;
            let are_ready = [SMS, RECORDINGS]
                .iter()
                .all(|name| status_of(&now, name).is_some_and(|status| status.ready));
            Ok((now.uid() == before.uid() && restarts(&now) > restarts_before && are_ready).then_some(()))
        },
    )
    .await
}
