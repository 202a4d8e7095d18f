//! One pass over one add-on: the five steps on one screen. Called by the controller whenever something of the add-on has
//! changed, and from time to time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::core::{DeserializeGuard, ObjectMeta};
use kube::{Client, Resource, ResourceExt};
use kube_runtime::controller::Action;
use kube_runtime::events::Recorder;
use marketplace_crds::{MarketplaceAddon, MarketplaceAddonStatus};

use crate::apply::{Applied, Applier, ApplyError};
use crate::backoff::Failures;
use crate::clock;
use crate::dereference::{DereferenceError, dereference};
use crate::handover;
use crate::memory::{Addon, Memory};
use crate::metrics::Metrics;
use crate::reach;
use crate::render::render;
use crate::report::{self, ReportError};
use crate::sla::Sla;
use crate::status::{self, Outcome, in_time};
use crate::tokens::Pods;
use crate::turns::{Turn, Turns};
use crate::validate::{Defaults, Refusal, validate};

/// An add-on, or what is left of an object that cannot be read as one.
pub type Guarded = DeserializeGuard<MarketplaceAddon>;

/// What every pass works with.
pub struct Context {
    /// The way to the API server.
    pub client: Client,
    /// What the operator decides where a resource is silent.
    pub defaults: Defaults,
    /// After how long an add-on is looked at again without a cause; also how often its Secrets are.
    pub resync: Duration,
    /// What was applied, and still stands.
    pub memory: Memory,
    /// Whose pods may be replaced because of the operator.
    pub turns: Turns,
    /// Failures in a row of each add-on.
    pub failures: Failures<Addon>,
    /// Writes Events.
    pub recorder: Recorder,
    /// Counts.
    pub metrics: Metrics,
    /// Asks the pods for their tokens.
    pub pods: Pods,
    /// Knows whether results come in time.
    pub sla: Arc<Sla>,
}

/// Why a pass has to be repeated soon. All are the world's fault; a person's faults are conditions.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Step 1.
    #[error("failed to read what the add-on refers to")]
    Dereference(#[source] DereferenceError),
    /// Step 4.
    #[error("failed to apply the children of the add-on")]
    Apply(#[source] ApplyError),
    /// Step 5.
    #[error("failed to report on the add-on")]
    Report(#[source] ReportError),
    /// A fault of ours.
    #[error("failed to join the pass over the add-on")]
    JoinPass(#[source] tokio::task::JoinError),
}

impl ReconcileError {
    /// A word for metrics.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::Dereference(error) => error.category(),
            Self::Apply(error) => error.category(),
            Self::Report(_) => "StatusUnwritten",
            Self::JoinPass(_) => "Panicked",
        }
    }
}

/// Brings the cluster to what the add-on declares, and the status to what came of it.
pub async fn reconcile(addon: Arc<Guarded>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    if addon.meta().deletion_timestamp.is_some() {
        return Ok(Action::await_change()); // its children go by their owner reference
    }
    let began = Instant::now();
    let (category, verdict) = match &addon.0 {
        Ok(addon) => {
            let addon = &context.defaults.complete(addon.clone());
            let (outcome, applied) = Box::pin(pass(addon, &context)).await;
            let turn = turn(addon, &outcome, &applied, &context.turns);
            let mut status = status::of(addon, &outcome, clock::now());
            let said = context.sla.said(&name_of(addon), &in_time::endpoints(addon));
            status.conditions.extend(in_time::of(addon, &said, clock::now()));
            status
                .conditions
                .extend(turn.map(|turn| status::upgrading(addon, turn, clock::now())));
            announce(addon, &context, &applied, &status).await;
            let reported = match addon.status.as_ref() {
                Some(before) if *before == status => Ok(()),
                _ => report(&context, addon.meta(), &status).await,
            };
            (
                outcome.category(),
                reported.and_then(|()| next(outcome, context.resync)),
            )
        }
        Err(invalid) => {
            let refusal = Refusal::ParseResource(invalid.error.clone());
            let status = status::of_unreadable(&refusal, &invalid.metadata);
            let reported = report(&context, addon.meta(), &status).await;
            (refusal.category(), reported.map(|()| Action::await_change()))
        }
    };
    let category = verdict.as_ref().err().map_or(category, ReconcileError::category);
    context.metrics.count_reconcile(category, began.elapsed());
    verdict
}

/// Steps 1 to 4.
async fn pass(addon: &MarketplaceAddon, context: &Context) -> (Outcome, Applied) {
    let facts = match Box::pin(dereference(&context.client, addon, &context.defaults)).await {
        Ok(facts) => facts,
        Err(error) => return (Outcome::Unread(error), Applied::default()),
    };
    if addon.spec.suspend {
        return (Outcome::Suspended(facts.workload), Applied::default());
    }
    let valid = match validate(addon, &facts, &context.defaults) {
        Ok(valid) => valid,
        Err(refusals) => return (Outcome::Refused(refusals, facts.workload), Applied::default()),
    };
    let workload = &facts.workload;
    let steps = handover::steps(&valid, workload);
    let children = handover::admit(render(&valid), &valid.name, &steps, workload);
    let Context {
        client,
        memory,
        metrics,
        turns,
        ..
    } = context;
    let told_of = addon.status.as_ref().and_then(|status| status.observed_generation);
    let step = Applier {
        client,
        memory,
        metrics,
        addon: &valid,
        // what a person has just changed waits for nobody
        turns: Some(turns).filter(|_| told_of == addon.metadata.generation),
    };
    match Box::pin(step.apply(children, &steps, &facts.workload)).await {
        Ok(applied) => {
            let mut workload = applied.workload(&facts.workload, &valid.name);
            workload.tokens = Some(context.pods.tokens(client, &valid, &workload, facts.now).await);
            if valid.workers.is_some() {
                let reached = Box::pin(reach::ask(&context.pods, client, &name_of(addon))).await;
                workload.reached = Some(Box::new(reached));
            }
            (Outcome::Applied(workload), applied)
        }
        Err(error) => (Outcome::Unapplied(error, facts.workload), Applied::default()),
    }
}

/// Where the add-on stands after the pass: its turn ends when its pods are as they are to be, or nobody works on them.
fn turn(addon: &MarketplaceAddon, outcome: &Outcome, applied: &Applied, turns: &Turns) -> Option<Turn> {
    let addon = name_of(addon);
    let is_over = match outcome {
        Outcome::Applied(workload) => !applied.waits && workload.rollout().is_complete(),
        Outcome::Suspended(_) => true,
        Outcome::Refused(..) | Outcome::Unread(_) | Outcome::Unapplied(..) => false,
    };
    if is_over {
        turns.done(&addon);
    }
    turns.of(&addon)
}

fn name_of(addon: &MarketplaceAddon) -> Addon {
    (addon.namespace().unwrap_or_default(), addon.name_any())
}

fn next(outcome: Outcome, resync: Duration) -> Result<Action, ReconcileError> {
    match outcome {
        Outcome::Unread(error) => Err(ReconcileError::Dereference(error)),
        Outcome::Unapplied(error, _) => Err(ReconcileError::Apply(error)),
        Outcome::Applied(workload) => {
            let again = workload.tokens.and_then(|tokens| tokens.again);
            Ok(Action::requeue(again.map_or(resync, |again| again.min(resync))))
        }
        Outcome::Suspended(_) | Outcome::Refused(..) => Ok(Action::requeue(resync)),
    }
}

async fn report(
    context: &Context,
    metadata: &ObjectMeta,
    status: &MarketplaceAddonStatus,
) -> Result<(), ReconcileError> {
    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
    report::patch_status(
        &context.client,
        namespace.unwrap_or_default(),
        name.unwrap_or_default(),
        status,
    )
    .await
    .map_err(ReconcileError::Report)
}

async fn announce(addon: &MarketplaceAddon, context: &Context, applied: &Applied, status: &MarketplaceAddonStatus) {
    let about = addon.object_ref(&());
    let name = addon.name_any();
    let adopted = applied.adopted.as_deref().map(report::volume_adopted);
    let retained = applied
        .retained
        .as_deref()
        .map(|claim| report::volume_retained(claim, &name));
    let changed = report::readiness_changed(addon.status.as_ref(), status);
    let unfenced = report::sources_unenforced(addon.status.as_ref(), status);
    let crossings = report::crossings::crossings(addon.status.as_ref(), status);
    for event in [adopted, retained, changed, unfenced]
        .into_iter()
        .flatten()
        .chain(crossings)
    {
        report::publish(&context.recorder, &event, &about).await;
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
