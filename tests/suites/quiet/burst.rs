//! A burst of recordings meets its deadlines because KEDA adds workers by demand, and does not with one worker; the autoscaler
//! holds what it has when it knows nothing, and takes workers away without killing what they work on. A partner's container
//! takes as long over a recording as it plays, waiting and not computing, as a person or a remote model would.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::audio::{Recording, Sound};
use marketplace_tests::callback::{CallbackReceiver, Delivery};
use marketplace_tests::cluster::partner::{IMAGE, ensure_image};
use marketplace_tests::cluster::profile::{database, ensure};
use marketplace_tests::cluster::prometheus::{self, Prometheus};
use marketplace_tests::cluster::scene::recording_addon;
use marketplace_tests::cluster::{Profile, Scene, operator, watch};
use marketplace_tests::patience::within;
use marketplace_tests::report::figure;
use marketplace_tests::twilio::{FileOrder, Payload, Sdk};
use serde_json::{Value, json};

const AUDIO_SECONDS: f64 = 60.0;
/// One worker of two at a time would need eight times as long as one takes: the deadline of the last is five times that.
const JOBS: usize = 16;
const CONCURRENCY: u32 = 2;
const MEDIAN_FACTOR: u32 = 3;
const P99_FACTOR: u32 = 5;
/// No wait of this suite is longer: the autoscaler takes a pod away after five minutes, and then one a minute.
const BOUND: Duration = Duration::from_mins(12);

fn deadline(factor: u32) -> Duration {
    Duration::from_secs_f64(AUDIO_SECONDS) * factor
}

fn addon(name: &str, workers: &Value, cutoff_factor: u32) -> Value {
    let mut addon = recording_addon(name);
    addon["spec"]["publicUrl"] = json!(format!("https://addons.example.com/{name}"));
    addon["spec"]["endpoints"][0]["handler"] = json!({"container": {
        "image": IMAGE, "port": 9000,
        "env": [{"name": "WAIT", "value": "audio"}],
    }});
    addon["spec"]["storage"] = json!({"postgres": {"secretName": "jobs", "volume": {"size": "1Gi"}}});
    addon["spec"]["sla"] = json!({"medianFactor": MEDIAN_FACTOR.min(cutoff_factor), "p99Factor": P99_FACTOR.min(cutoff_factor), "cutoffFactor": cutoff_factor});
    addon["spec"]["scaling"] = json!({"workers": workers});
    addon["spec"]["scaling"]["workers"]["concurrency"] = json!(CONCURRENCY);
    addon
}

fn wav() -> Bytes {
    let tone = Sound::Tone {
        hertz: 440.0,
        amplitude: 0.5,
    };
    Recording::new(1, 8000).then(tone, AUDIO_SECONDS).wav()
}

/// What one client has sent, by the name of its callback, and when it was accepted.
struct Caller {
    receiver: CallbackReceiver,
    accepted: BTreeMap<String, Instant>,
}

impl Caller {
    async fn new(scene: &Scene) -> Result<Self> {
        Ok(Self {
            receiver: scene.callbacks(&[]).await?,
            accepted: BTreeMap::new(),
        })
    }

    async fn send(&mut self, scene: &Scene, addon: &str, jobs: usize) -> Result<()> {
        let address = scene.address(addon).await?;
        let mut twilio = scene.twilio(Sdk::Node);
        twilio.public_url = format!("https://addons.example.com/{addon}");
        for _ in 0..jobs {
            let name = format!("{addon}-{}", self.accepted.len());
            let payload = Payload::recording(&self.receiver.url(&name), wav(), FileOrder::Last);
            let sid = format!("XR{:032x}", self.accepted.len());
            let request = twilio.request("/transcription", &sid, payload)?;
            let answer = request.send(address).await?;
            ensure!(answer.status == 202, "{name} was answered {}", answer.status);
            self.accepted.insert(name, Instant::now());
        }
        Ok(())
    }

    /// Of each recording the time to its one callback, the shortest first; nothing when one has none yet.
    fn times(&self) -> Result<Option<Vec<Duration>>> {
        let mut times = Vec::new();
        for (name, accepted) in &self.accepted {
            match self.receiver.deliveries_of(name).as_slice() {
                [] => return Ok(None),
                [one] => times.push(one.at.saturating_duration_since(*accepted)),
                more => anyhow::bail!("{name} was called back {} times", more.len()),
            }
        }
        times.sort();
        Ok(Some(times))
    }

    async fn all(&self, what: &str) -> Result<Vec<Duration>> {
        within(BOUND, what, async || self.times()).await
    }

    fn errors(&self) -> Result<Vec<String>> {
        let told = |delivery: &Delivery| Ok(delivery.json()?["error_code"].as_str().map(str::to_owned));
        let told: Result<Vec<_>> = self.receiver.deliveries().iter().map(told).collect();
        Ok(told?.into_iter().flatten().collect())
    }
}

async fn ready_workers(scene: &Scene, addon: &str) -> Result<i32> {
    let deployment = scene.all::<Deployment>().get(&format!("{addon}-workers")).await?;
    Ok(deployment.status.and_then(|status| status.ready_replicas).unwrap_or(0))
}

async fn wanted_workers(scene: &Scene, addon: &str) -> Result<i32> {
    let deployment = scene.all::<Deployment>().get(&format!("{addon}-workers")).await?;
    deployment.spec.replicas.context("a number is always there")
}

fn scaled_objects(scene: &Scene) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject"));
    Api::namespaced_with(scene.client.clone(), &scene.namespace, &kind)
}

/// Whether KEDA holds what there is because it knows nothing.
async fn falls_back(scene: &Scene, is_so: bool) -> Result<()> {
    let objects = scaled_objects(scene);
    let expected = if is_so { "True" } else { "False" };
    within(BOUND, &format!("Fallback={expected}"), async || {
        let object = objects.get("elastic-workers").await?;
        let conditions = object.data["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let is = conditions
            .iter()
            .any(|condition| condition["type"] == "Fallback" && condition["status"] == expected);
        Ok(is.then_some(()))
    })
    .await
}

async fn more_workers(scene: &Scene, least: i32) -> Result<i32> {
    within(BOUND, &format!("{least} workers at one time"), async || {
        let ready = ready_workers(scene, "elastic").await?;
        Ok((ready >= least).then_some(ready))
    })
    .await
}

/// Prometheus is away in the middle of it: no worker is taken away.
async fn without_prometheus(scene: &Scene, client: Client) -> Result<()> {
    let prometheus = Prometheus::find(client).await?;
    prometheus.scale(0).await?;
    falls_back(scene, true).await?;
    let before = wanted_workers(scene, "elastic").await?;
    ensure!(
        before >= 3,
        "the burst was served by {before} workers when Prometheus went away"
    );
    prometheus.scale(1).await?;
    falls_back(scene, false).await?;
    let after = wanted_workers(scene, "elastic").await?;
    ensure!(
        after >= before,
        "{before} workers became {after} while nobody knew the demand"
    );
    Ok(())
}

/// How often in a row KEDA was not told the demand.
async fn failures(objects: &Api<DynamicObject>) -> Result<i64> {
    let object = objects.get("elastic-workers").await?;
    let health = object.data["status"]["health"].as_object().cloned().unwrap_or_default();
    let counts = health.values().filter_map(|metric| metric["numberOfFailures"].as_i64());
    Ok(counts.max().unwrap_or(0))
}

/// Prometheus is there, and may not ask the pods any more: the series end, and no worker is taken away either.
async fn without_the_series(scene: &Scene, mut addon: Value) -> Result<()> {
    let before = wanted_workers(scene, "elastic").await?;
    let nobody = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "nobody"}}}]);
    addon["spec"]["network"] = json!({"monitoringFrom": nobody});
    scene.run(&addon).await?;
    // a connection that is there already is none of a policy's business: Prometheus begins anew, with new ones
    let prometheus = Prometheus::find(scene.client.clone()).await?;
    prometheus.scale(0).await?;
    prometheus.scale(1).await?;
    let known = prometheus
        .query("marketplace_worker_demand{addon=\"vanished/elastic\"}")
        .await?;
    ensure!(known.is_empty(), "the series goes on: {known:?}");
    let objects = scaled_objects(scene);
    let so_far = failures(&objects).await?;
    within(
        BOUND,
        "KEDA in vain for the series of a Prometheus that answers",
        async || Ok((failures(&objects).await? >= so_far + 2).then_some(())),
    )
    .await?;
    falls_back(scene, true).await?;
    let after = wanted_workers(scene, "elastic").await?;
    ensure!(after >= before, "{before} workers became {after} without a series");
    addon["spec"]
        .as_object_mut()
        .context("a resource has a spec")?
        .remove("network");
    scene.apply::<MarketplaceAddon>(&addon).await?;
    falls_back(scene, false).await
}

fn tell(what: &str, times: &[Duration]) {
    let seconds = |time: Option<&Duration>| time.map_or(0.0, Duration::as_secs_f64);
    figure(&format!(
        "{what}: {} recordings of {AUDIO_SECONDS} s, median after {:.0} s, the last after {:.0} s",
        times.len(),
        seconds(times.get(times.len() / 2)),
        seconds(times.last())
    ));
}

/// One recording after another, so that workers are taken away while some are worked on.
async fn scale_back(scene: &Scene, client: &mut Caller) -> Result<()> {
    let mut fewest = wanted_workers(scene, "elastic").await?;
    let began = Instant::now();
    while fewest > 1 {
        ensure!(began.elapsed() < BOUND, "{fewest} workers stay");
        client.send(scene, "elastic", 1).await?;
        tokio::time::sleep(Duration::from_secs(20)).await;
        fewest = wanted_workers(scene, "elastic").await?;
    }
    client.all("every recording's result, though workers went away").await?;
    Ok(())
}

/// What every test of this suite begins with: a namespace with a database, and an add-on whose workers KEDA looks after.
async fn elastic(name: &str) -> Result<(Scene, Value)> {
    ensure(&[Profile::Prometheus, Profile::Keda]).await?;
    ensure_image().await?;
    let scene = Scene::new(name).await?;
    database(&scene).await?;
    let keda = json!({"keda": {"minReplicas": 1, "maxReplicas": 4, "prometheus": {"serverAddress": prometheus::URL}}});
    let elastic = addon("elastic", &keda, 10);
    scene.run(&elastic).await?;
    Ok((scene, elastic))
}

#[tokio::test]
async fn a_burst_meets_its_deadlines_by_more_workers_and_not_by_one() -> Result<()> {
    let _operator = operator::shared().await?;
    let (scene, _) = elastic("burst").await?;
    let one = json!({"fixed": {"replicas": 1}});
    scene.run(&addon("single", &one, 10)).await?;
    scene.run(&addon("flooded", &one, 2)).await?;
    watch::state(&scene.all(), "elastic", "ScalingActive", "True", None).await?;

    let (mut many, mut few, mut flood) = (
        Caller::new(&scene).await?,
        Caller::new(&scene).await?,
        Caller::new(&scene).await?,
    );
    many.send(&scene, "elastic", JOBS).await?;
    few.send(&scene, "single", JOBS).await?;
    flood.send(&scene, "flooded", JOBS).await?;
    let most = more_workers(&scene, 3).await?;
    figure(&format!("{most} workers at one time"));
    without_prometheus(&scene, scene.client.clone()).await?;

    let times = many.all("a result of each recording of the burst").await?;
    tell("workers by demand", &times);
    ensure!(many.errors()?.is_empty(), "{:?}", many.errors()?);
    ensure!(
        times[JOBS / 2] <= deadline(MEDIAN_FACTOR),
        "the median is late: {times:?}"
    );
    ensure!(times[JOBS - 1] <= deadline(P99_FACTOR), "the last is late: {times:?}");

    let late = few.all("a result of each recording of the one worker").await?;
    tell("one worker", &late);
    ensure!(late[JOBS - 1] > deadline(P99_FACTOR), "one worker was enough: {late:?}");
    let cut = flood.all("a result of each recording of the flood").await?;
    tell("more than can be done until the cut-off", &cut);
    ensure!(
        flood.errors()?.iter().any(|code| code == "timed_out"),
        "{:?}",
        flood.errors()?
    );

    scale_back(&scene, &mut many).await?;
    ensure!(many.errors()?.is_empty(), "{:?}", many.errors()?);
    scene.end_entirely().await
}

#[tokio::test]
async fn workers_stay_when_the_metric_is_gone() -> Result<()> {
    let _operator = operator::shared().await?;
    let (scene, addon) = elastic("vanished").await?;
    watch::state(&scene.all(), "elastic", "ScalingActive", "True", None).await?;
    let mut caller = Caller::new(&scene).await?;
    caller.send(&scene, "elastic", JOBS).await?;
    more_workers(&scene, 3).await?;
    without_the_series(&scene, addon).await?;
    caller.all("a result of each recording all the same").await?;
    ensure!(caller.errors()?.is_empty(), "{:?}", caller.errors()?);
    scene.end_entirely().await
}
