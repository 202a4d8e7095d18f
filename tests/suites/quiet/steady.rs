//! Twilio notices nothing of what is done to an add-on. With its jobs in Postgres and two pods that take requests: an open loop
//! of requests goes on while the image, the configuration and the token are changed, pods are added and taken away, and evicted.
//! With a volume, which one pod has alone: there is a gap, in which every request can be sent again, and no job is lost.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, EvictParams, ListParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::cluster::load::{Ledger, Load};
use marketplace_tests::cluster::scene::{ACCOUNT_SID, AUTH_TOKEN, KNOWN, recording_addon, sms_addon};
use marketplace_tests::cluster::{Scene, operator, profile, run, watch};
use marketplace_tests::patience::until;
use marketplace_tests::report::figure;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest};
use serde_json::{Value, json};

/// How many requests a second. Every twentieth is a recording.
const PER_SECOND: u32 = 100;
const RECORDING_EVERY: usize = 20;
const NEW_TOKEN: &str = "f9e8d7c6b5a493827160f5e4d3c2b1a0";
/// The same image by its other name: a change that rolls.
const ANOTHER_NAME: &str = "local/marketplace-service:dev";

fn wav() -> Bytes {
    let tone = Sound::Tone {
        hertz: 440.0,
        amplitude: 0.5,
    };
    Recording::new(1, 8000).then(tone, 1.0).wav()
}

/// Both endpoints, jobs in a database of the suite's own.
fn shared_addon() -> Value {
    let mut addon = recording_addon("insights");
    let sms = sms_addon("insights")["spec"]["endpoints"][0].clone();
    if let Some(endpoints) = addon["spec"]["endpoints"].as_array_mut() {
        endpoints.push(sms);
    }
    addon["spec"]["storage"] = json!({"postgres": {"secretName": "jobs", "volume": {"size": "1Gi"}}});
    addon["spec"]["scaling"] = json!({"front": {"fixed": {"replicas": 2}}});
    addon
}

/// What Twilio sends, signed with this token.
fn requests(scene: &Scene, receiver: &CallbackReceiver, token: &str) -> Result<Vec<SignedRequest>> {
    let mut twilio = scene.twilio(Sdk::Node);
    token.clone_into(&mut twilio.token);
    let phone = Payload::Query(vec![("phone".to_owned(), KNOWN.to_owned())]);
    let message = twilio.request("/incoming-sms", "XR1", phone)?;
    let payload = Payload::recording(&receiver.url("all"), wav(), FileOrder::Last);
    let recording = twilio.request("/transcription", "XR1", payload)?;
    let mut all = vec![message; RECORDING_EVERY - 1];
    all.push(recording);
    Ok(all)
}

async fn put_tokens(scene: &Scene, first: &str, second: &str) -> Result<()> {
    let tokens = json!({"ACCOUNT_SID": ACCOUNT_SID, "AUTH_TOKEN": first, "AUTH_TOKEN_SECONDARY": second});
    scene.secret("twilio", tokens).await
}

async fn pods(scene: &Scene, component: &str) -> Result<Vec<Pod>> {
    let selector = format!("app.kubernetes.io/instance=insights,app.kubernetes.io/component={component}");
    let listed = scene
        .all::<Pod>()
        .list(&ListParams::default().labels(&selector))
        .await?;
    let staying = listed.items.into_iter();
    Ok(staying
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .collect())
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Whether every pod that takes requests tries two tokens.
async fn know_both(scene: &Scene) -> Result<Option<()>> {
    for pod in pods(scene, "front").await? {
        let page = format!(
            "/api/v1/namespaces/{}/pods/{}:8081/proxy/metrics",
            scene.namespace,
            pod.name_any()
        );
        // one that has just started does not answer yet
        let Ok(told) = run("kubectl", &["get", "--raw", &page]).await else {
            return Ok(None);
        };
        let loaded = told.lines().find(|line| line.starts_with("marketplace_tokens_loaded"));
        if !loaded.is_some_and(|line| line.ends_with(" 2")) {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// Waits until the kubelet has brought both tokens to every pod: about a minute, and up to two.
async fn both_arrive(scene: &Scene) -> Result<()> {
    for _ in 0..2 {
        if until("both tokens in every pod", async || know_both(scene).await)
            .await
            .is_ok()
        {
            return Ok(());
        }
    }
    until("both tokens in every pod", async || know_both(scene).await).await
}

/// Each change to its end, while the loop goes on; what came of the requests of each is told.
struct Steps<'a> {
    scene: &'a Scene,
    load: &'a Load,
    before: Ledger,
    began: Instant,
}

impl Steps<'_> {
    fn done(&mut self, what: &str) {
        let now = self.load.so_far();
        let (sent, bad) = (
            now.sent() - self.before.sent(),
            now.unexpected() - self.before.unexpected(),
        );
        let seconds = self.began.elapsed().as_secs_f64();
        figure(&format!(
            "{what}: {bad} of {sent} requests in {seconds:.0} s were not answered as they should be"
        ));
        (self.before, self.began) = (now, Instant::now());
    }

    async fn apply(&mut self, what: &str, addon: &Value) -> Result<()> {
        self.scene.run(addon).await.with_context(|| what.to_owned())?;
        self.done(what);
        Ok(())
    }

    async fn evict(&mut self) -> Result<()> {
        let pod = pods(self.scene, "front")
            .await?
            .pop()
            .context("two pods run")?
            .name_any();
        self.scene.all::<Pod>().evict(&pod, &EvictParams::default()).await?;
        until("two other pods that are ready", async || {
            let all = pods(self.scene, "front").await?;
            let is_there = |other: &Pod| other.name_any() != pod && is_ready(other);
            Ok((all.len() == 2 && all.iter().all(is_there)).then_some(()))
        })
        .await?;
        watch::ready(&self.scene.all(), "insights", None).await?;
        self.done("an eviction");
        Ok(())
    }
}

/// Waits until a result of each accepted recording was called back.
async fn all_delivered(receiver: &CallbackReceiver, ledger: &Ledger) -> Result<()> {
    let accepted: BTreeSet<_> = ledger.accepted.iter().cloned().collect();
    let delivered = |all: &[marketplace_tests::callback::Delivery]| -> BTreeSet<String> {
        let bodies = all.iter().filter_map(|delivery| delivery.json().ok());
        bodies
            .filter_map(|body| body["request_sid"].as_str().map(str::to_owned))
            .collect()
    };
    let waited = receiver.wait("a result of each recording", |all| {
        delivered(all).is_superset(&accepted)
    });
    waited.await?;
    figure(&format!(
        "{} recordings were accepted, and none was lost",
        accepted.len()
    ));
    Ok(())
}

#[tokio::test]
async fn with_a_database_twilio_notices_nothing_of_what_is_done_to_the_pods() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("steady").await?;
    profile::database(&scene).await?;
    let mut addon = shared_addon();
    scene.run(&addon).await?;
    let (address, receiver) = (scene.address("insights").await?, scene.callbacks(&[]).await?);
    let load = Load::start(address, PER_SECOND, requests(&scene, &receiver, AUTH_TOKEN)?);
    let mut steps = Steps {
        scene: &scene,
        load: &load,
        before: load.so_far(),
        began: Instant::now(),
    };
    until("requests are answered", async || {
        Ok((load.so_far().sent() > 100).then_some(()))
    })
    .await?;
    steps.done("at rest");

    addon["spec"]["workload"] = json!({"image": ANOTHER_NAME});
    steps.apply("another image", &addon).await?;
    addon["spec"]["endpoints"][1]["handler"]["table"]["entries"][0]["results"]["customer_type"] = json!("silver");
    steps.apply("another configuration", &addon).await?;
    addon["spec"]["scaling"]["front"]["fixed"]["replicas"] = json!(4);
    steps.apply("two more pods", &addon).await?;
    addon["spec"]["scaling"]["front"]["fixed"]["replicas"] = json!(2);
    steps.apply("two pods less", &addon).await?;
    until("the pods that go are gone", async || {
        Ok((pods(&scene, "front").await?.len() == 2).then_some(()))
    })
    .await?;
    steps.evict().await?;

    put_tokens(&scene, AUTH_TOKEN, NEW_TOKEN).await?;
    both_arrive(&scene).await?;
    load.send(requests(&scene, &receiver, NEW_TOKEN)?);
    put_tokens(&scene, NEW_TOKEN, AUTH_TOKEN).await?;
    let so_far = load.so_far().sent();
    until("requests with the new token", async || {
        Ok((load.so_far().sent() > so_far + 500).then_some(()))
    })
    .await?;
    steps.done("a rotation of the token");

    let ledger = load.end().await?;
    figure(&format!(
        "{} requests at {PER_SECOND} a second: {:?}, {:?}; the slowest took {} ms",
        ledger.sent(),
        ledger.statuses,
        ledger.errors,
        ledger.slowest.as_millis()
    ));
    ensure!(ledger.unexpected() == 0, "{:?} {:?}", ledger.statuses, ledger.errors);
    all_delivered(&receiver, &ledger).await?;
    scene.end_entirely().await
}

/// Sends it until it is accepted; how long that took. What keeps it from being accepted must be what Twilio tries again.
async fn accepted(address: std::net::SocketAddr, request: &SignedRequest) -> Result<Duration> {
    let began = Instant::now();
    until("the recording is accepted", async || {
        match request.send(address).await {
            Ok(answer) if answer.status == 202 => Ok(Some(())),
            Ok(answer) => {
                ensure!(answer.status >= 500, "refused for good: {}", answer.status);
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    })
    .await?;
    Ok(began.elapsed())
}

#[tokio::test]
async fn with_a_volume_there_is_a_gap_after_which_nothing_is_lost() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("gap").await?;
    let mut addon = recording_addon("insights");
    scene.run(&addon).await?;
    let (address, receiver) = (scene.address("insights").await?, scene.callbacks(&[]).await?);
    let payload = Payload::recording(&receiver.url("all"), wav(), FileOrder::Last);
    let request = scene.twilio(Sdk::Node).request("/transcription", "XR1", payload)?;
    let mut ledger = Ledger::default();
    let mut gap = Duration::ZERO;
    addon["spec"]["workload"] = json!({"image": ANOTHER_NAME});
    let generation = scene.apply::<MarketplaceAddon>(&addon).await?.metadata.generation;
    let addons: Api<MarketplaceAddon> = scene.all();
    for number in 0.. {
        let sid = format!("XR{number:032x}");
        let request = request.clone().with_header("X-Twilio-RequestSid", &sid);
        gap = gap.max(accepted(address, &request).await?);
        ledger.accepted.push(sid);
        let status = addons.get("insights").await?;
        let is_done = status.status.as_ref().and_then(|status| status.observed_generation) >= generation
            && watch::condition(&status, "Ready").is_some_and(|ready| ready.status == "True");
        if is_done && number > 20 {
            break;
        }
    }
    figure(&format!(
        "with a volume, the longest that a recording had to be sent again was {} ms",
        gap.as_millis()
    ));
    all_delivered(&receiver, &ledger).await?;
    scene.end_entirely().await
}
