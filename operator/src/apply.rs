//! Step 4, I/O out: the children are applied in the order of [`Kind::IN_ORDER`], each by server-side apply under one field
//! manager, forced on the fields that we own. A child that stands (see `memory`) is left alone. What is no longer named is
//! then pruned.

mod blame;
mod desired;
mod hold;
mod same;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::ObjectMeta;
use kube::{Api, Client, ResourceExt};

use self::desired::Desired;
pub(crate) use self::desired::in_order;
use crate::claim::{self, Claim};
use crate::dereference::Workload;
use crate::failure;
use crate::handover::Steps;
use crate::kind::Kind;
use crate::memory::{Kept, Key, Memory};
use crate::metrics::Metrics;
use crate::prune;
use crate::render::{Children, labels};
use crate::role::Role;
use crate::turns::Turns;
use crate::validate::ValidatedAddon;

/// Why the cluster is not yet as it was rendered.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The API server did not say whether the child exists.
    #[error("failed to get {0} {1}")]
    GetChild(Kind, String, #[source] kube::Error),
    /// The name belongs to somebody else. The object is not touched.
    #[error("failed to take the name of {0} {1}: {2}; rename that object or the add-on")]
    TakeName(Kind, String, String),
    /// An add-on of the same name was deleted a moment ago.
    #[error(
        "failed to take the name of {0} {1} yet: it belongs to a deleted add-on of the same name and is being collected"
    )]
    AwaitCollection(Kind, String),
    /// The API server refused the child.
    #[error("failed to apply {0} {1}")]
    ApplyChild(Kind, String, #[source] kube::Error),
    /// The API server refused the child because of what was merged into it.
    #[error(
        "failed to apply Deployment {0} with spec.workload.podOverrides merged into its pods; without them it is taken: mend or remove them"
    )]
    MergeOverrides(String, #[source] kube::Error),
    /// The API server did not take the number of pods.
    #[error("failed to set the number of pods of Deployment {0}")]
    HoldReplicas(String, #[source] kube::Error),
    /// The API server did not list what may have to be pruned.
    #[error("failed to list the children of kind {0}")]
    ListChildren(Kind, #[source] kube::Error),
    /// The API server did not delete what nobody names.
    #[error("failed to delete {0} {1}")]
    DeleteChild(Kind, String, #[source] kube::Error),
}

impl ApplyError {
    /// A word for metrics, Events and conditions.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::TakeName(..) => "NameConflict",
            Self::AwaitCollection(..) => "AwaitingCollection",
            Self::MergeOverrides(..) => "PodOverridesRefused",
            Self::GetChild(..) | Self::ApplyChild(..) | Self::HoldReplicas(..) => "ApplyFailed",
            Self::ListChildren(..) | Self::DeleteChild(..) => "PruneFailed",
        }
    }

    /// Whether nothing more will happen until somebody does something.
    #[must_use]
    pub fn is_for_a_person(&self) -> bool {
        match self {
            Self::TakeName(..) | Self::MergeOverrides(..) => true,
            Self::ApplyChild(_, _, error) => failure::is_invalid(error),
            Self::GetChild(..)
            | Self::AwaitCollection(..)
            | Self::HoldReplicas(..)
            | Self::ListChildren(..)
            | Self::DeleteChild(..) => false,
        }
    }
}

/// What apply did, as far as the status or a person cares.
#[derive(Debug, Default)]
pub struct Applied {
    /// The Deployments as the API server answered last, those that were written in this pass.
    pub deployments: Vec<Deployment>,
    /// The volume claim of an earlier add-on, where this one took it over.
    pub adopted: Option<String>,
    /// The volume claim that the spec no longer names and that is kept.
    pub retained: Option<String>,
    /// Whether the pods are left as they are because other add-ons roll.
    pub waits: bool,
}

impl Applied {
    fn note(&mut self, written: Deployment) {
        self.deployments
            .retain(|known| known.metadata.name != written.metadata.name);
        self.deployments.push(written);
    }

    /// The Deployment of this name, if this pass has written it.
    fn written(&self, name: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|written| written.name_any() == name)
    }

    /// The workload as it is now: where a Deployment was written, what was fetched before speaks of another version.
    #[must_use]
    pub fn workload(&self, before: &Workload, addon: &str) -> Workload {
        let mut after = before.clone();
        for (role, deployed) in [(Role::Front, &mut after.front), (Role::Workers, &mut after.workers)] {
            if let Some(written) = self.written(&role.child(addon)) {
                if deployed.generation() != written.metadata.generation {
                    after.trouble = None;
                }
                deployed.deployment = Some(written.clone());
            }
        }
        after
    }
}

/// A child that has to be written.
#[derive(Debug)]
struct Due {
    desired: Desired,
    /// The version that is there, if one is.
    live_version: Option<String>,
}

/// Where and with what apply works.
pub struct Applier<'a> {
    /// The way to the API server.
    pub client: &'a Client,
    /// What was applied before.
    pub memory: &'a Memory,
    /// Counts the writes.
    pub metrics: &'a Metrics,
    /// Whose children they are.
    pub addon: &'a ValidatedAddon,
    /// Whose turn it is to roll; none: a person wants it so, now.
    pub turns: Option<&'a Turns>,
}

impl Applier<'_> {
    /// Applies all children, then prunes. All names are looked at before the first is written, so that a name that is
    /// somebody else's leaves nothing half made.
    pub async fn apply(&self, children: Children, steps: &Steps, before: &Workload) -> Result<Applied, ApplyError> {
        let mut applied = Applied::default();
        let mut kept = Kept::new();
        let mut due = Vec::new();
        for desired in in_order(children) {
            kept.insert((desired.kind, desired.name.clone()));
            due.extend(self.survey(desired, &mut applied).await?);
        }
        applied.waits = self.must_wait(&due).await?;
        for (live, replicas) in held(steps, before) {
            applied.note(hold::hold(self, live, replicas).await?);
        }
        for mut child in due {
            if child.desired.kind == Kind::Deployment {
                if applied.waits {
                    continue;
                }
                // What was surveyed is older than what was just written of the same Deployment.
                if let Some(held) = applied.written(&child.desired.name) {
                    child.live_version = held.resource_version();
                }
            }
            let written = self.write(&child).await?;
            if let (Kind::Deployment, Ok(written)) = (child.desired.kind, written.try_parse::<Deployment>()) {
                let first = steps.of(&self.addon.name, &child.desired.name).map(|step| step.first);
                let written = match (child.live_version, first) {
                    (None, Some(first)) => hold::hold(self, &written, first).await?,
                    (Some(_), _) | (None, None) => written,
                };
                applied.note(written);
            }
        }
        // Pods that wait still read what is not named any more.
        if !applied.waits {
            applied.retained = prune::prune(self, kept, &applied.workload(before, &self.addon.name)).await?;
        }
        Ok(applied)
    }

    /// Whether the pods would be replaced, and it is not the add-on's turn.
    async fn must_wait(&self, due: &[Due]) -> Result<bool, ApplyError> {
        let Some(turns) = self.turns.filter(|turns| turns.is_limited()) else {
            return Ok(false);
        };
        let pods = due.iter().map(|child| &child.desired);
        for desired in pods.filter(|desired| desired.kind == Kind::Deployment) {
            // what this operator has applied itself is not news of another release
            let key = self.key(desired.kind, desired.name.clone());
            if !self.memory.was_applied(&key, &desired.hash) && self.would_roll(desired).await? {
                return Ok(!turns.take(&(self.addon.namespace.clone(), self.addon.name.clone())));
            }
        }
        Ok(false)
    }

    /// Whether the API server would give what is there another template of its pods. What is not there rolls nothing.
    async fn would_roll(&self, desired: &Desired) -> Result<bool, ApplyError> {
        let Desired { kind, name, .. } = desired;
        let template = |object: &DynamicObject| object.data["spec"]["template"].clone();
        let live = self.api(*kind).get_opt(name).await;
        let live = live.map_err(|error| ApplyError::GetChild(*kind, name.clone(), error))?;
        let Some(live) = live else { return Ok(false) };
        let tried = self.send(desired, &forced().dry_run()).await?;
        Ok(template(&tried) != template(&live))
    }

    /// Sends the child, to be written or only tried.
    async fn send(&self, desired: &Desired, parameters: &PatchParams) -> Result<DynamicObject, ApplyError> {
        let Desired { kind, name, body, .. } = desired;
        match self.api(*kind).patch(name, parameters, &Patch::Apply(body)).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.blame(desired, error).await),
        }
    }

    /// The child as it has to be written, or nothing if it stands.
    async fn survey(&self, desired: Desired, applied: &mut Applied) -> Result<Option<Due>, ApplyError> {
        let Desired { kind, name, hash, .. } = &desired;
        let key = self.key(*kind, name.clone());
        if kind.is_watched() && !kind.is_compared() && self.memory.stands(&key, hash) {
            return Ok(None);
        }
        let (live, stands) = self.look(&desired).await?;
        match &live {
            Some(live) => self.memory.saw(&key, live.resource_version.as_deref()),
            None => self.memory.gone(&key),
        }
        match claim::of(*kind, live.as_ref(), &self.addon.name, &self.addon.owner) {
            Claim::Free | Claim::Ours => {}
            Claim::Adopted => applied.adopted = Some(name.clone()),
            Claim::Leaving => return Err(ApplyError::AwaitCollection(*kind, name.clone())),
            Claim::Taken(why) => return Err(ApplyError::TakeName(*kind, name.clone(), why)),
        }
        if stands || (!kind.is_compared() && self.memory.stands(&key, hash)) {
            return Ok(None);
        }
        let live_version = live.and_then(|live| live.resource_version);
        Ok(Some(Due { desired, live_version }))
    }

    /// What is there under the name, and whether it has everything that is wanted; that is known of compared kinds alone.
    async fn look(&self, Desired { kind, name, body, .. }: &Desired) -> Result<(Option<ObjectMeta>, bool), ApplyError> {
        let failed = |error| ApplyError::GetChild(*kind, name.clone(), error);
        if !kind.is_compared() {
            let live = self.api(*kind).get_metadata_opt(name).await.map_err(failed)?;
            return Ok((live.map(|live| live.metadata), false));
        }
        let live = self.api(*kind).get_opt(name).await.map_err(failed)?;
        let stands = live.as_ref().is_some_and(|live| {
            let live = serde_json::to_value(live).expect("an object of Kubernetes can be written as JSON");
            same::has_all(&live, body)
        });
        Ok((live.map(|live| live.metadata), stands))
    }

    async fn write(&self, Due { desired, live_version }: &Due) -> Result<DynamicObject, ApplyError> {
        let Desired { kind, name, hash, .. } = desired;
        let key = self.key(*kind, name.clone());
        self.memory.begin(key.clone(), &self.addon.name);
        let written = self.send(desired, &forced()).await?;
        self.memory
            .applied(&key, *hash, written.metadata.resource_version.as_deref());
        self.metrics
            .count_apply(*kind, *live_version != written.resource_version());
        Ok(written)
    }

    /// The objects of a kind in the add-on's namespace.
    pub(crate) fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.addon.namespace, &kind.resource())
    }

    pub(crate) fn key(&self, kind: Kind, name: String) -> Key {
        Key {
            kind,
            namespace: self.addon.namespace.clone(),
            name,
        }
    }
}

/// By our one field manager, whoever has written our fields before.
fn forced() -> PatchParams {
    PatchParams::apply(labels::OPERATOR).force()
}

/// The Deployments whose number of pods has to be written before anything else.
fn held<'a>(steps: &Steps, before: &'a Workload) -> Vec<(&'a Deployment, i32)> {
    let Steps { front, workers } = steps;
    let front = before.front.deployment.as_ref().zip(front.hold);
    let workers = before
        .workers
        .deployment
        .as_ref()
        .zip(workers.and_then(|step| step.hold));
    front.into_iter().chain(workers).collect()
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
