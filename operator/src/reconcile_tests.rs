//! Passes against a mock API server: what is written, in what order, and above all what is not.

use std::sync::Arc;
use std::time::Duration;

use kube::core::DeserializeGuard;
use kube_runtime::controller::Action;
use kube_runtime::events::{Recorder, Reporter};
use marketplace_crds::MarketplaceAddon;
use prometheus::Registry;
use serde_json::{Value, json};

use super::*;
use crate::fake_api::FakeApi;
use crate::fixtures::{addon, defaults, recording_addon};

#[path = "reconcile_rotation_tests.rs"]
mod rotation;
#[path = "reconcile_scaling_tests.rs"]
mod scaling;
#[path = "reconcile_sla_tests.rs"]
mod sla;

/// What the cluster is like before a pass.
enum Scenario {
    /// The Secrets are there, nothing else.
    Fresh,
    /// There is no Secret with credentials.
    CredentialsMissing,
    /// Somebody else's Service bears the name of ours.
    NameTaken,
    /// The API server does not take the Deployment.
    DeploymentRefused,
    /// A volume claim of an earlier add-on of this name.
    VolumeLeftBehind,
}

/// The operator between two restarts, and the cluster.
struct World {
    api: FakeApi,
    context: Arc<Context>,
    addon: MarketplaceAddon,
}

impl World {
    fn new(scenario: &Scenario, addon: MarketplaceAddon) -> Self {
        let api = FakeApi::default();
        let data = |pairs: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": pairs});
        api.put("secrets/ledger", data(json!({"DATABASE_URL": "c3FsaXRlOmE="})));
        api.put(
            "secrets/switchboard",
            data(json!({"ACCOUNT_SID": "QUMx", "AUTH_TOKEN": "dG9rZW4="})),
        );
        match scenario {
            Scenario::Fresh => {}
            Scenario::CredentialsMissing => {
                api.kept().objects.remove("secrets/switchboard");
            }
            Scenario::NameTaken => api.put("services/florist-front", json!({"metadata": {"name": "florist-front"}})),
            Scenario::DeploymentRefused => {
                api.kept().refused = Some(("PATCH deployments/florist-front", 422, "image is not allowed"));
            }
            Scenario::VolumeLeftBehind => {
                let mut claim =
                    serde_json::to_value(crate::fixtures::children(&addon).volume_claim).unwrap_or_default();
                claim["metadata"]["annotations"]["marketplace-operator.dev/addon-uid"] = json!("an-earlier-one");
                api.put("persistentvolumeclaims/harbour-data", claim);
            }
        }
        let context = context(&api);
        Self { api, context, addon }
    }

    /// One pass; the status that it wrote is there for the next.
    async fn pass(&mut self) -> Result<Action, ReconcileError> {
        let before = self.api.kept().statuses.len();
        let action = reconcile(
            Arc::new(DeserializeGuard(Ok(self.addon.clone()))),
            Arc::clone(&self.context),
        )
        .await;
        if let Some(status) = self.api.kept().statuses.get(before..).and_then(<[Value]>::last) {
            self.addon.status = serde_json::from_value(status.clone()).ok();
        }
        action
    }

    fn condition(&self, kind: &str) -> (String, String, String) {
        let conditions = self.addon.status.iter().flat_map(|status| &status.conditions);
        let found = conditions.into_iter().find(|condition| condition.type_ == kind);
        let found = found.expect("the condition is always there");
        (found.status.clone(), found.reason.clone(), found.message.clone())
    }

    /// The Deployment's controller does its work; the watch sees it.
    fn roll_out(&self, name: &str, pods: i32) {
        let path = format!("deployments/{name}");
        let mut deployment = self.api.kept().objects.get(&path).cloned().unwrap_or_default();
        let generation = deployment["metadata"]["generation"].clone();
        deployment["status"] = json!({
            "observedGeneration": generation, "replicas": pods, "updatedReplicas": pods, "availableReplicas": pods,
        });
        self.api.kept().objects.insert(path, deployment);
    }
}

fn context(api: &FakeApi) -> Arc<Context> {
    let client = api.client();
    let reporter = Reporter {
        controller: "test".to_owned(),
        instance: None,
    };
    Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter),
        client,
        defaults: defaults(),
        resync: Duration::from_secs(30),
        memory: Memory::default(),
        turns: Turns::new(1),
        failures: Failures::default(),
        metrics: Metrics::register(&Registry::new()).expect("an empty registry takes every metric"),
        pods: crate::fake_page::nobody(),
        sla: Arc::new(Sla::new(None)),
    })
}

fn words(outcome: Result<Action, ReconcileError>) -> String {
    outcome.map_or_else(|error| crate::failure::chain(&error), |_| "done".to_owned())
}

#[tokio::test]
async fn children_are_applied_in_order_and_the_status_last() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, recording_addon());
    world.pass().await?;
    assert_eq!(
        world
            .api
            .take_writes()
            .iter()
            .map(|call| call.split("-config-").next().unwrap_or_default())
            .collect::<Vec<_>>(),
        [
            "PATCH serviceaccounts/harbour-front",
            "PATCH secrets/harbour-credentials",
            "PATCH configmaps/harbour",
            "PATCH networkpolicies/harbour-front",
            "PATCH persistentvolumeclaims/harbour-data",
            "PATCH services/harbour-front",
            "PATCH poddisruptionbudgets/harbour-front",
            "PATCH deployments/harbour-front",
            "PATCH deployments/harbour-front",
            "PATCH marketplaceaddons/harbour/status",
        ]
    );
    assert_eq!(world.condition("Ready").1, "Progressing");
    world.roll_out("harbour-front", 1);
    world.pass().await?;
    assert_eq!(world.condition("Ready").0, "True");
    assert_eq!(world.api.kept().events, ["Progressing", "Ready"]);
    Ok(())
}

#[tokio::test]
async fn nothing_is_written_when_nothing_changed() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, addon());
    world.pass().await?;
    world.roll_out("florist-front", 2);
    world.pass().await?;
    world.api.take_writes();
    for _ in 0..3 {
        world.pass().await?;
    }
    assert_eq!(world.api.take_writes(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_restarted_operator_changes_no_version() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, addon());
    world.pass().await?;
    world.roll_out("florist-front", 2);
    world.pass().await?;
    let before = world.api.kept().objects.clone();
    world.context = context(&world.api);
    world.pass().await?;
    assert_eq!(world.api.kept().objects, before);
    Ok(())
}

#[tokio::test]
async fn a_derived_secret_that_was_deleted_or_changed_is_found_without_a_watch() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, addon());
    world.pass().await?;
    world.pass().await?;
    for change in [None, Some("QUMy")] {
        world.api.take_writes();
        let taken = world.api.kept().objects.remove("secrets/florist-credentials");
        if let (Some(sid), Some(mut secret)) = (change, taken) {
            secret["data"]["ACCOUNT_SID"] = json!(sid);
            secret["metadata"]["resourceVersion"] = json!("1000");
            world
                .api
                .kept()
                .objects
                .insert("secrets/florist-credentials".to_owned(), secret);
        }
        world.pass().await?;
        assert_eq!(
            world.api.take_writes(),
            ["PATCH secrets/florist-credentials"],
            "{change:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_configuration_before_is_pruned_when_the_roll_is_done() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, addon());
    world.pass().await?;
    world.roll_out("florist-front", 2);
    world.pass().await?;
    let maps = |world: &World| {
        world
            .api
            .kept()
            .objects
            .keys()
            .filter(|path| path.starts_with("configmaps/"))
            .cloned()
            .collect::<Vec<_>>()
    };
    let first = maps(&world);
    world.addon.spec.endpoints[0].path = "/roses".to_owned();
    world.pass().await?;
    assert_eq!(maps(&world).len(), 2, "pods of the version before may start again");
    world.roll_out("florist-front", 2);
    world.api.take_writes();
    world.pass().await?;
    assert_eq!(maps(&world).len(), 1);
    assert!(!maps(&world).contains(&first[0]));
    assert_eq!(world.api.take_writes().first(), Some(&format!("DELETE {}", first[0])));
    Ok(())
}

#[tokio::test]
async fn a_volume_that_the_spec_no_longer_names_is_deleted_only_if_it_says_so() -> Result<(), ReconcileError> {
    for (policy, event) in [("Retain", Some("VolumeRetained")), ("Delete", None)] {
        let mut world = World::new(&Scenario::Fresh, recording_addon());
        if let Some(volume) = world
            .addon
            .spec
            .storage
            .as_mut()
            .and_then(|storage| storage.volume.as_mut())
        {
            volume.on_delete = serde_json::from_value(json!(policy)).unwrap_or_default();
        }
        world.pass().await?;
        world.addon.spec = addon().spec;
        world.pass().await?;
        let is_kept = world
            .api
            .kept()
            .objects
            .contains_key("persistentvolumeclaims/harbour-data");
        assert_eq!(is_kept, event.is_some(), "{policy}");
        let told = world.api.kept().events.iter().any(|reason| reason == "VolumeRetained");
        assert_eq!(told, event.is_some(), "{policy}");
    }
    Ok(())
}

#[tokio::test]
async fn a_volume_left_behind_is_adopted_and_told_of_once() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::VolumeLeftBehind, recording_addon());
    world.pass().await?;
    world.context = context(&world.api);
    world.pass().await?;
    let adoptions = world
        .api
        .kept()
        .events
        .iter()
        .filter(|reason| *reason == "VolumeAdopted")
        .count();
    assert_eq!(adoptions, 1);
    Ok(())
}

#[tokio::test]
async fn a_name_that_belongs_to_somebody_else_is_not_touched() {
    let mut world = World::new(&Scenario::NameTaken, addon());
    let before = world.api.kept().objects.get("services/florist-front").cloned();
    let error = words(world.pass().await);
    let why = "failed to take the name of Service florist-front: it was not made by this operator; rename that object or the add-on";
    assert_eq!(error, format!("failed to apply the children of the add-on: {why}"));
    assert_eq!(world.api.kept().objects.get("services/florist-front").cloned(), before);
    assert_eq!(
        world.condition("Ready"),
        ("False".to_owned(), "NameConflict".to_owned(), why.to_owned())
    );
    assert_eq!(world.condition("Stalled").0, "True");
    assert_eq!(
        world.api.take_writes(),
        ["PATCH marketplaceaddons/florist/status"],
        "nothing is half made"
    );
}

#[tokio::test]
async fn a_refused_child_reaches_the_status_in_the_words_of_the_api_server() {
    let mut world = World::new(&Scenario::DeploymentRefused, addon());
    let why = "failed to apply Deployment florist-front: image is not allowed";
    assert!(words(world.pass().await).ends_with(why));
    assert_eq!(
        world.condition("Ready"),
        ("False".to_owned(), "ApplyFailed".to_owned(), why.to_owned())
    );
    assert_eq!(
        world.condition("Stalled").0,
        "True",
        "the API server will not take it as it is"
    );
    world.api.kept().refused = Some(("PATCH deployments/florist-front", 500, "etcd is away"));
    assert!(words(world.pass().await).ends_with("etcd is away"));
    assert_eq!(world.condition("Stalled").0, "False", "that mends itself");
    world.api.kept().refused = None;
    assert_eq!(words(world.pass().await), "done");
    assert_eq!(world.condition("Ready").1, "Progressing");
}

#[tokio::test]
async fn a_missing_secret_keeps_the_last_good_children() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::CredentialsMissing, addon());
    world.pass().await?;
    assert_eq!(world.api.take_writes(), ["PATCH marketplaceaddons/florist/status"]);
    assert_eq!(
        (
            world.condition("Ready").1.as_str(),
            world.condition("Stalled").0.as_str()
        ),
        ("SecretMissing", "True")
    );
    assert_eq!(world.condition("CredentialsValid").0, "False");

    let mut world = World::new(&Scenario::Fresh, addon());
    world.pass().await?;
    world.api.take_writes();
    world.api.kept().objects.remove("secrets/switchboard");
    world.pass().await?;
    assert_eq!(world.api.take_writes(), ["PATCH marketplaceaddons/florist/status"]);
    assert!(
        world
            .condition("Ready")
            .2
            .ends_with("What was applied before keeps running"),
        "{:?}",
        world.condition("Ready")
    );
    Ok(())
}

#[tokio::test]
async fn a_suspended_addon_is_left_as_it_is() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, addon());
    world.addon.spec.suspend = true;
    world.pass().await?;
    assert_eq!(world.api.take_writes(), ["PATCH marketplaceaddons/florist/status"]);
    assert_eq!(world.condition("Ready").1, "Suspended");
    Ok(())
}

#[tokio::test]
async fn a_deleted_addon_is_left_to_the_garbage_collector() -> Result<(), ReconcileError> {
    let mut world = World::new(&Scenario::Fresh, addon());
    world.addon.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).ok();
    assert_eq!(world.pass().await?, Action::await_change());
    assert_eq!(world.api.take_writes(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn an_object_that_cannot_be_read_says_so() -> Result<(), ReconcileError> {
    let world = World::new(&Scenario::Fresh, addon());
    let unreadable = json!({"apiVersion": "marketplace-operator.dev/v1alpha1", "kind": "MarketplaceAddon",
        "metadata": {"name": "florist", "namespace": "shop"}, "spec": {"publicUrl": 7}});
    let guarded: Guarded = serde_json::from_value(unreadable).expect("the guard takes what its content does not");
    reconcile(Arc::new(guarded), Arc::clone(&world.context)).await?;
    let status = world.api.kept().statuses.first().cloned().unwrap_or_default();
    assert_eq!(status["conditions"][0]["reason"], "InvalidSpec");
    assert_eq!(status["conditions"][1]["type"], "Stalled");
    Ok(())
}

#[path = "reconcile_exposure_tests.rs"]
mod exposure;
#[path = "upgrade_tests.rs"]
mod upgrade;
