//! A pod is killed while it has work, and none of it is lost.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::cluster::scene::recording_addon;
use marketplace_tests::cluster::{Scene, operator, run};
use marketplace_tests::ledger::Ledger;
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};

const RECORDINGS: usize = 40;

#[tokio::test]
async fn a_pod_killed_in_mid_job_loses_none() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("killed-pod").await?;
    scene.run(&recording_addon("insights")).await?;
    let receiver = scene.callbacks(&[]).await?;
    let twilio = scene.twilio(Sdk::Python);
    let folder = tempfile::tempdir()?;
    let ledger = Ledger::open(&folder.path().join("ledger"))?;
    // long enough that the first is still being measured when the last is sent
    let wav = Recording::new(2, 16_000)
        .then(Sound::Noise { amplitude: 0.2 }, 20.0)
        .wav();
    let address = scene.address("insights").await?;
    for number in 0..RECORDINGS {
        let name = format!("job-{number}");
        ledger.write(&name)?;
        let payload = Payload::recording(&receiver.url(&name), wav.clone(), FileOrder::Last);
        let answer = twilio
            .request("/transcription", &format!("XR{number}"), payload)?
            .send(address)
            .await?;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let finished_before = receiver.deliveries().len();
    kill_the_process(&scene).await?;
    let all = receiver
        .wait("a result for every recording", |all| {
            (0..RECORDINGS).all(|number| {
                all.iter()
                    .any(|delivery| delivery.target == format!("/callback/job-{number}"))
            })
        })
        .await?;
    for delivery in all {
        let result = delivery.json()?;
        assert_eq!(result["results"]["acoustics"]["duration_seconds"], 20.0, "{result}");
    }
    figure(&format!(
        "{finished_before} of {RECORDINGS} results had come when the pod was killed; none was lost"
    ));
    assert!(
        finished_before < RECORDINGS,
        "the pod was killed too late to prove anything"
    );
    scene.end().await
}

/// By force, so that nothing is told to the process: the pod's object goes, and the process with SIGKILL.
async fn kill_the_process(scene: &Scene) -> Result<()> {
    let pods: Api<Pod> = scene.all();
    let found = pods
        .list(&ListParams::default().labels("app.kubernetes.io/instance=insights"))
        .await?;
    for pod in found {
        let name = pod.metadata.name.unwrap_or_default();
        let delete = [
            "--namespace",
            &scene.namespace,
            "delete",
            "pod",
            &name,
            "--grace-period=0",
            "--force",
        ];
        run("kubectl", &delete).await?;
    }
    until("another pod", async || {
        let pods = pods
            .list(&ListParams::default().labels("app.kubernetes.io/instance=insights"))
            .await?;
        Ok((!pods.items.is_empty()).then_some(()))
    })
    .await?;
    Ok(())
}
