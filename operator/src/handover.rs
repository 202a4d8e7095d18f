//! Pure: how the number of pods passes from one owner to another, so that at no moment two decide on it, or nobody, which
//! would make it 1. Called by each pass; a pass that is cut short anywhere leaves a state from which the next goes on.
//!
//! Whoever applies `spec.replicas` and then leaves it out takes it away. So the operator's own manager applies it once, when
//! it makes the Deployment; from then on the number belongs to a second manager, [`HOLDER`], or to an autoscaler, which
//! takes it by changing it. The steps, each done only once the one before is seen in the cluster:
//!
//! 1. while the operator's own manager is alone with the number, the second one writes the live count beside it;
//! 2. scalers that are not declared are deleted (by `prune`), and waited for, KEDA's own included;
//! 3. a fixed number is written, or the declared scaler applied; until that is active, no fewer pods than its minimum.

use k8s_openapi::api::apps::v1::Deployment;
use kube::core::ObjectMeta;

use crate::dereference::Workload;
use crate::dereference::rollout::Deployed;
use crate::dereference::scalers::{Listed, Present};
use crate::render::{Children, labels};
use crate::role::Role;
use crate::status;
use crate::validate::ValidatedAddon;
use crate::validate::scaling::Scaler;

/// The field manager of `spec.replicas` and of nothing else.
pub const HOLDER: &str = "marketplace-operator-replicas";

/// What is to be done about one Deployment in this pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of pods with which the Deployment is made, if it is not there.
    pub first: i32,
    /// The number to write under the second manager, before anything else.
    pub hold: Option<i32>,
    /// Whether nothing stands in the way of the declared scaler.
    pub may_scale: bool,
}

/// The steps of both Deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Of the pods that take requests.
    pub front: Step,
    /// Of those that work on recordings, where there are some.
    pub workers: Option<Step>,
}

impl Steps {
    /// The step of the Deployment of this name.
    #[must_use]
    pub fn of(&self, addon: &str, name: &str) -> Option<Step> {
        let Self { front, workers } = self;
        let named = |role: Role| role.child(addon) == name;
        match (named(Role::Front), named(Role::Workers)) {
            (true, _) => Some(*front),
            (false, true) => *workers,
            (false, false) => None,
        }
    }
}

/// Who has written the number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Replicas {
    count: i32,
    by_operator: bool,
    by_holder: bool,
}

/// Decides.
#[must_use]
pub fn steps(addon: &ValidatedAddon, live: &Workload) -> Steps {
    let of = |role: Role, scaler: &Scaler, deployed: &Deployed| {
        let replicas = deployed.deployment.as_ref().map(replicas);
        let present = live.scalers.of(role, &addon.name);
        let is_active = status::scaling::is_active(&live.scalers, role, &addon.name);
        let has_keda = live.scalers.scaled_objects != Listed::Absent;
        step(scaler, replicas, present, (is_active, has_keda))
    };
    Steps {
        front: of(Role::Front, &addon.front, &live.front),
        workers: addon
            .workers
            .as_ref()
            .map(|scaler| of(Role::Workers, scaler, &live.workers)),
    }
}

fn step(declared: &Scaler, replicas: Option<Replicas>, present: Present, (is_active, has_keda): (bool, bool)) -> Step {
    let Present {
        hpa,
        keda_hpa,
        scaled_object,
    } = present;
    let (first, is_free, may_scale) = match declared {
        Scaler::Fixed(pods) => (*pods, !(hpa || keda_hpa || scaled_object), false),
        Scaler::Hpa(declared) => (declared.min_replicas, !(keda_hpa || scaled_object), true),
        Scaler::Keda(declared) => (declared.min_replicas, !hpa, has_keda),
    };
    let hold = replicas.and_then(|replicas| {
        let rescue = (replicas.by_operator && !replicas.by_holder).then_some(replicas.count);
        match declared {
            _ if !is_free => rescue,
            Scaler::Fixed(pods) => (replicas.count != *pods || !replicas.by_holder).then_some(*pods),
            Scaler::Hpa(_) | Scaler::Keda(_) if !is_active && replicas.count < first => Some(first),
            Scaler::Hpa(_) | Scaler::Keda(_) => rescue,
        }
    });
    Step {
        first,
        hold,
        may_scale: may_scale && is_free,
    }
}

fn replicas(deployment: &Deployment) -> Replicas {
    let managers = deployment.metadata.managed_fields.iter().flatten();
    let has_written = |manager: &str| {
        managers.clone().any(|entry| {
            entry.manager.as_deref() == Some(manager)
                && entry.operation.as_deref() == Some("Apply")
                && entry
                    .fields_v1
                    .as_ref()
                    .is_some_and(|fields| fields.0["f:spec"].get("f:replicas").is_some())
        })
    };
    Replicas {
        count: deployment.spec.replicas.unwrap_or(1),
        by_operator: has_written(labels::OPERATOR),
        by_holder: has_written(HOLDER),
    }
}

/// The children of this pass: without the scalers whose turn has not come, and with the number of pods only in a Deployment
/// that is about to be made.
#[must_use]
pub fn admit(mut children: Children, addon: &str, steps: &Steps, live: &Workload) -> Children {
    let may_scale = |made: &ObjectMeta| {
        let step = made.name.as_deref().and_then(|name| steps.of(addon, name));
        step.is_some_and(|step| step.may_scale)
    };
    children.autoscalers.retain(|hpa| may_scale(&hpa.metadata));
    children.scaled_objects.retain(|object| may_scale(&object.metadata));
    let first = |made: &mut Deployment, step: Step, live: &Deployed| {
        if live.deployment.is_none() {
            made.spec.replicas = Some(step.first);
        }
    };
    first(&mut children.deployment, steps.front, &live.front);
    if let (Some(workers), Some(step)) = (&mut children.workers, steps.workers) {
        first(&mut workers.deployment, step, &live.workers);
    }
    children
}

#[cfg(test)]
#[path = "handover_tests.rs"]
mod tests;
