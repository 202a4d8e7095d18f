//! The number of pods passes from every owner to every other, with passes cut short after each write: it never falls on the
//! way, and no two decide on it.

use marketplace_crds::scaling::{Front, Scaling};

use futures::StreamExt;
use futures::channel::mpsc;
use kube_runtime::reflector::{self, ObjectRef};
use kube_runtime::watcher;

use super::*;
use crate::kind::Kind;
use crate::watch::Watch;

const FRONT: &str = "deployments/florist-front";
const HPA: &str = "horizontalpodautoscalers/florist-front";
const KEDA_HPA: &str = "horizontalpodautoscalers/keda-hpa-florist-front";
const SCALED_OBJECT: &str = "scaledobjects/florist-front";
const WAYS: [&str; 3] = ["fixed", "hpa", "keda"];

/// The number that an autoscaler has come to.
const SCALED: i64 = 5;

impl World {
    fn declare(&mut self, way: &str) {
        let front: Front = serde_json::from_value(match way {
            "fixed" => json!({"fixed": {"replicas": 3}}),
            "hpa" => json!({"hpa": {"minReplicas": 3, "maxReplicas": 9}}),
            _ => json!({"keda": {"minReplicas": 3, "maxReplicas": 9}}),
        })
        .expect("a way to scale");
        self.addon.spec.scaling = Scaling { front, workers: None };
    }

    /// What the other controllers of a cluster do: KEDA makes an autoscaler of a ScaledObject and takes it away with it, and whatever
    /// scales says that it does, and scales.
    fn others(&self) {
        let mut kept = self.api.kept();
        let owner = json!([{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "florist-front", "uid": "s", "controller": true}]);
        let target = json!({"scaleTargetRef": {"kind": "Deployment", "name": "florist-front"}, "maxReplicas": 9});
        if kept.objects.contains_key(SCALED_OBJECT) {
            let made =
                json!({"metadata": {"name": "keda-hpa-florist-front", "ownerReferences": owner}, "spec": target});
            kept.objects.entry(KEDA_HPA.to_owned()).or_insert(made);
        } else {
            kept.objects.remove(KEDA_HPA);
        }
        for (path, condition) in [(HPA, "ScalingActive"), (SCALED_OBJECT, "Ready")] {
            if let Some(scaler) = kept.objects.get_mut(path) {
                scaler["status"] =
                    json!({"conditions": [{"type": condition, "status": "True", "reason": "Told", "message": ""}]});
            }
        }
        if kept.objects.contains_key(HPA) || kept.objects.contains_key(KEDA_HPA) {
            kept.scale("florist-front", SCALED);
        }
        assert!(
            !(kept.objects.contains_key(HPA) && kept.objects.contains_key(KEDA_HPA)),
            "two autoscalers decide"
        );
    }

    /// Starts the watch of a kind. Returns whom it tells.
    fn watch(&self, kind: Kind) -> mpsc::Receiver<ObjectRef<Guarded>> {
        let (queue, told) = mpsc::channel(8);
        let (addons, mut store) = reflector::store();
        store.apply_watcher_event(&watcher::Event::Apply(DeserializeGuard(Ok(self.addon.clone()))));
        let watch = Watch {
            context: Arc::clone(&self.context),
            namespace: self.addon.namespace(),
            queue,
            addons,
        };
        tokio::spawn(watch.children(kind));
        told
    }

    /// Until nothing is written any more.
    async fn settle(&mut self) -> Result<(), ReconcileError> {
        for _ in 0..10 {
            self.others();
            self.pass().await?;
            let writes = self.api.take_writes();
            if writes.iter().all(|call| call.ends_with("/status")) && !writes.is_empty() {
                continue;
            }
            if writes.is_empty() {
                return Ok(());
            }
        }
        unreachable!("the add-on does not come to rest")
    }

    fn number(&self) -> i64 {
        self.api.kept().objects[FRONT]["spec"]["replicas"]
            .as_i64()
            .unwrap_or_default()
    }

    fn scalers(&self) -> Vec<String> {
        let kept = self.api.kept();
        let paths = kept
            .objects
            .keys()
            .filter(|path| [HPA, KEDA_HPA, SCALED_OBJECT].contains(&path.as_str()));
        paths.cloned().collect()
    }

    /// The smallest number of pods since the last time.
    fn least(&self) -> i64 {
        let numbers = std::mem::take(&mut self.api.kept().replicas);
        let numbers = numbers.iter().filter_map(|line| line.rsplit_once(' ')?.1.parse().ok());
        numbers.min().unwrap_or(i64::MAX)
    }
}

async fn settled(way: &str) -> Result<World, ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, addon());
    world.api.kept().has_keda = true;
    world.declare(way);
    world.settle().await?;
    Ok(world)
}

fn assert_owned(world: &World, way: &str, what: &str) {
    let (number, scalers): (i64, &[&str]) = match way {
        "fixed" => (3, &[]),
        "hpa" => (SCALED, &[HPA]),
        _ => (SCALED, &[KEDA_HPA, SCALED_OBJECT]),
    };
    assert_eq!(
        (world.number(), world.scalers()),
        (number, scalers.iter().map(|path| (*path).to_owned()).collect()),
        "{what}"
    );
}

#[tokio::test]
async fn every_owner_hands_the_number_to_every_other_wherever_a_pass_is_cut_short() -> Result<(), ReconcileError> {
    let ways = WAYS.into_iter().flat_map(|from| WAYS.map(|to| (from, to)));
    for (from, to) in ways.filter(|(from, to)| from != to) {
        // Three writes at the most, and the status.
        for cut in 0..4 {
            let what = format!("from {from} to {to}, cut after {cut} writes");
            let mut world = settled(from).await?;
            assert_owned(&world, from, &what);
            let before = world.number();
            world.least();
            world.declare(to);
            world.api.kept().writes_left = Some(cut);
            let _cut_short = world.pass().await;
            world.api.kept().writes_left = None;
            // The operator comes back and remembers nothing.
            world.context = context(&world.api);
            world.settle().await?;
            assert_owned(&world, to, &what);
            assert!(world.least() >= before.min(3), "{what}: it fell");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_creation_that_is_cut_short_anywhere_is_finished() -> Result<(), ReconcileError> {
    for way in WAYS {
        // Around the Deployment: before it are only children that know nothing of the number.
        for cut in 6..10 {
            let mut world = World::new(&Scenario::Fresh, addon());
            world.api.kept().has_keda = true;
            world.declare(way);
            world.api.kept().writes_left = Some(cut);
            let _cut_short = world.pass().await;
            world.api.kept().writes_left = None;
            world.context = context(&world.api);
            world.settle().await?;
            assert_owned(&world, way, &format!("{way}, cut after {cut} writes"));
            assert!(world.least() >= 3, "{way}, cut after {cut} writes");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_number_that_somebody_else_writes_is_put_back_only_where_it_is_declared() -> Result<(), ReconcileError> {
    for (way, expected) in [("fixed", 3), ("hpa", SCALED)] {
        let mut world = settled(way).await?;
        world.api.kept().scale("florist-front", 4);
        world.settle().await?;
        assert_eq!(world.number(), expected, "{way}: {:?}", world.api.kept().replicas);
    }
    Ok(())
}

#[tokio::test]
async fn keda_that_is_missing_is_said_and_keda_that_comes_is_used() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, addon());
    world.declare("keda");
    world.settle().await?;
    let (status, reason, message) = world.condition("ScalingActive");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "KedaMissing"));
    assert!(message.contains("install KEDA"), "{message}");
    assert_eq!(world.number(), 3, "no fewer than the minimum");
    world.roll_out("florist-front", 3);
    world.pass().await?;
    assert_eq!(world.condition("Ready").1, "KedaMissing");

    let mut told = world.watch(Kind::ScaledObject);
    world.api.kept().has_keda = true;
    let addon = told.next().await.map(|addon| addon.name);
    assert_eq!(addon.as_deref(), Some("florist"), "its watch tells that it has come");
    world.settle().await?;
    assert_owned(&world, "keda", "KEDA has come");
    assert_eq!(world.condition("ScalingActive").0, "True");
    Ok(())
}

#[tokio::test]
async fn an_api_that_does_not_answer_is_not_taken_for_absent() -> Result<(), ReconcileError> {
    let mut world = settled("keda").await?;
    world.api.kept().refused = Some(("GET scaledobjects", 503, "etcd is away"));
    world.pass().await?;
    assert_eq!(world.condition("ScalingActive").1, "KedaUnreadable");
    assert!(world.scalers().contains(&SCALED_OBJECT.to_owned()), "nothing is pruned");
    world.declare("fixed");
    world.pass().await?;
    assert!(
        world.scalers().contains(&SCALED_OBJECT.to_owned()),
        "what could not be listed cannot be judged"
    );
    world.api.kept().refused = None;
    world.settle().await?;
    assert_owned(&world, "fixed", "the API answers again");
    assert!(world.addon.status.iter().all(|status| {
        status
            .conditions
            .iter()
            .all(|condition| condition.type_ != "ScalingActive")
    }));
    Ok(())
}
