//! Step 5, pure: the conditions that follow from the outcome of a pass, be it success or failure. No figures that slide and
//! no clocks; `lastTransitionTime` is kept while a condition's status stays.

pub(crate) mod deletion;
pub mod in_time;
mod monitoring;
mod overrides;
pub(crate) mod propagated;
mod reachable;
mod routed;
pub mod scaling;
pub(crate) mod sources;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::core::ObjectMeta;
use marketplace_crds::status::ConditionType;
use marketplace_crds::{MarketplaceAddon, MarketplaceAddonStatus};

use crate::apply::ApplyError;
use crate::dereference::rollout::Rollout;
use crate::dereference::{DereferenceError, Workload};
use crate::failure;
use crate::turns::Turn;
use crate::validate::Refusal;
use crate::validate::scaling::has_workers;

/// How a pass over an add-on ended.
#[derive(Debug)]
pub enum Outcome {
    /// The children are as rendered; this is the workload after that.
    Applied(Workload),
    /// The operator was told to keep its hands off.
    Suspended(Workload),
    /// A person has to mend something; what ran before runs on.
    Refused(Vec<Refusal>, Workload),
    /// The facts could not be had.
    Unread(DereferenceError),
    /// The children could not be applied.
    Unapplied(ApplyError, Workload),
}

impl Outcome {
    /// A word for metrics.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::Applied(_) => "Applied",
            Self::Suspended(_) => "Suspended",
            Self::Refused(refusals, _) => refusals.first().map_or("InvalidSpec", Refusal::category),
            Self::Unread(error) => error.category(),
            Self::Unapplied(error, _) => error.category(),
        }
    }

    /// The workload, as far as it is known.
    fn workload(&self) -> Option<&Workload> {
        match self {
            Self::Applied(workload)
            | Self::Suspended(workload)
            | Self::Refused(_, workload)
            | Self::Unapplied(_, workload) => Some(workload),
            Self::Unread(_) => None,
        }
    }
}

/// A condition without its times.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Verdict {
    status: &'static str,
    reason: String,
    message: String,
}

const TRUE: &str = "True";
const FALSE: &str = "False";
const UNKNOWN: &str = "Unknown";

/// The longest message; what is quoted from elsewhere has no limit of its own.
const MESSAGE_CHARACTERS: usize = 1024;

fn verdict(status: &'static str, reason: &str, message: impl Into<String>) -> Verdict {
    let message: String = message.into();
    Verdict {
        status,
        reason: reason.to_owned(),
        message: message.chars().take(MESSAGE_CHARACTERS).collect(),
    }
}

/// The status that the outcome leads to.
#[must_use]
pub fn of(addon: &MarketplaceAddon, outcome: &Outcome, now: Timestamp) -> MarketplaceAddonStatus {
    let workload = outcome.workload();
    let available = workload.map(|workload| overrides::noted(addon, available(workload)));
    let scaling = workload.and_then(|workload| scaling::scaling_active(addon, workload));
    let routed = workload.and_then(|workload| routed::of(addon, &workload.routing));
    let sources = sources::of(&addon.spec, outcome);
    let verdicts = [
        (
            ConditionType::Ready,
            Some(deletion::noted(
                addon,
                overrides::noted(addon, ready(outcome, [scaling.as_ref(), routed.as_ref()])),
            )),
        ),
        (ConditionType::Stalled, Some(stalled(outcome))),
        (ConditionType::CredentialsValid, credentials_valid(outcome)),
        (ConditionType::TokensPropagated, propagated::of(outcome)),
        (ConditionType::Available, available),
        (ConditionType::ScalingActive, scaling),
        (ConditionType::Routed, routed),
        (ConditionType::SourcesEnforced, sources),
        (ConditionType::MonitoringActive, monitoring::of(addon, outcome)),
        (ConditionType::StorageReachable, reachable::of(outcome)),
    ];
    let generation = addon.metadata.generation;
    let conditions = verdicts.into_iter().filter_map(|(kind, verdict)| {
        let before = addon.status.as_ref().and_then(|status| status.condition(kind));
        match verdict {
            Some(verdict) => Some(dated(kind, verdict, before, generation, now)),
            // Nothing new is known: what was said stays, unless it is about a part that is gone.
            None => before.filter(|_| is_lasting(kind, outcome, addon)).cloned(),
        }
    });
    MarketplaceAddonStatus {
        observed_generation: generation,
        url: Some(addon.spec.public_url.clone()),
        conditions: conditions.collect(),
    }
}

/// The condition of an add-on whose pods are, or are to be, replaced because the operator is another.
#[must_use]
pub fn upgrading(addon: &MarketplaceAddon, turn: Turn, now: Timestamp) -> Condition {
    let words = match turn {
        Turn::Rolling => {
            "the pods are being replaced, because this operator runs another image or renders them differently"
        }
        Turn::Waiting => {
            "waits for its turn: as many add-ons as may (value rollsAtOnce of the operator's chart) are being replaced; see the condition Upgrading of the others. What runs keeps running"
        }
    };
    let kind = ConditionType::Upgrading;
    let before = addon.status.as_ref().and_then(|status| status.condition(kind));
    dated(
        kind,
        verdict(TRUE, turn.reason(), words),
        before,
        addon.metadata.generation,
        now,
    )
}

/// Whether a condition still has something to speak of.
fn is_lasting(kind: ConditionType, outcome: &Outcome, addon: &MarketplaceAddon) -> bool {
    match kind {
        ConditionType::Ready
        | ConditionType::Stalled
        | ConditionType::CredentialsValid
        | ConditionType::TokensPropagated
        | ConditionType::Available => true,
        ConditionType::ScalingActive => outcome.workload().is_none(),
        ConditionType::Routed => addon.spec.exposure.cluster_ip.is_none(),
        ConditionType::SourcesEnforced => addon.spec.allow_list.is_some(),
        ConditionType::StorageReachable => has_workers(&addon.spec),
        ConditionType::MonitoringActive => addon.spec.monitoring.enabled == Some(true),
        // Said anew by each pass for as long as it is so.
        ConditionType::SlaMet | ConditionType::Upgrading => false,
    }
}

/// The status of an object that cannot be read as a MarketplaceAddon. Dated to its creation, because the conditions that
/// it had before cannot be read either, and a date that moved would be a write each time.
#[must_use]
pub fn of_unreadable(refusal: &Refusal, metadata: &ObjectMeta) -> MarketplaceAddonStatus {
    let created = metadata
        .creation_timestamp
        .as_ref()
        .map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let told = |kind, status| {
        let verdict = verdict(status, refusal.category(), refusal.to_string());
        dated(kind, verdict, None, metadata.generation, created)
    };
    MarketplaceAddonStatus {
        observed_generation: metadata.generation,
        url: None,
        conditions: vec![told(ConditionType::Ready, FALSE), told(ConditionType::Stalled, TRUE)],
    }
}

fn dated(
    kind: ConditionType,
    verdict: Verdict,
    before: Option<&Condition>,
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    let unchanged = before.filter(|before| before.status == verdict.status);
    Condition {
        type_: kind.as_str().to_owned(),
        status: verdict.status.to_owned(),
        reason: verdict.reason,
        message: verdict.message,
        observed_generation: generation,
        last_transition_time: unchanged.map_or(Time(now), |before| before.last_transition_time.clone()),
    }
}

/// Pods that do not run are the nearer reason than what scales them, or a way to them that is not open.
fn ready(outcome: &Outcome, others: [Option<&Verdict>; 2]) -> Verdict {
    match outcome {
        Outcome::Applied(workload) => {
            let available = available(workload);
            let mut missing = others.into_iter().flatten().filter(|other| other.status != TRUE);
            let first = missing.next().filter(|_| available.status == TRUE);
            first.cloned().unwrap_or(available)
        }
        Outcome::Suspended(_) => suspended(),
        Outcome::Refused(refusals, workload) => {
            let kept = if workload.front.deployment.is_some() {
                ". What was applied before keeps running"
            } else {
                ""
            };
            verdict(FALSE, outcome.category(), format!("{}{kept}", joined(refusals)))
        }
        Outcome::Unread(error) => verdict(UNKNOWN, error.category(), failure::chain(error)),
        Outcome::Unapplied(error, _) => verdict(FALSE, error.category(), failure::chain(error)),
    }
}

fn suspended() -> Verdict {
    verdict(
        UNKNOWN,
        "Suspended",
        "spec.suspend is true: the operator changes nothing, and what runs keeps running",
    )
}

fn stalled(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Refused(refusals, _) => verdict(TRUE, outcome.category(), joined(refusals)),
        Outcome::Unapplied(error, _) if error.is_for_a_person() => {
            verdict(TRUE, error.category(), failure::chain(error))
        }
        Outcome::Suspended(_) => verdict(FALSE, "Suspended", "set spec.suspend to false to go on"),
        Outcome::Applied(_) | Outcome::Unread(_) | Outcome::Unapplied(..) => {
            verdict(FALSE, "Reconciling", "nothing waits for a change of the resource")
        }
    }
}

fn credentials_valid(outcome: &Outcome) -> Option<Verdict> {
    let valid = || {
        verdict(
            TRUE,
            "Found",
            "every Secret that the add-on names has the keys that it needs",
        )
    };
    match outcome {
        Outcome::Applied(_) | Outcome::Unapplied(..) => Some(valid()),
        Outcome::Suspended(_) | Outcome::Unread(_) => None,
        Outcome::Refused(refusals, _) => {
            let secrets: Vec<_> = refusals
                .iter()
                .filter(|refusal| refusal.concerns_secret())
                .cloned()
                .collect();
            Some(
                secrets
                    .first()
                    .map_or_else(valid, |first| verdict(FALSE, first.category(), joined(&secrets))),
            )
        }
    }
}

fn available(workload: &Workload) -> Verdict {
    match workload.rollout() {
        Rollout::Complete(0) => verdict(TRUE, "ScaledToZero", "0 pods are declared, and none runs"),
        Rollout::Complete(pods) => verdict(
            TRUE,
            "PodsReady",
            format!("{pods} of {pods} pods are up to date and ready"),
        ),
        Rollout::Scaled => verdict(
            TRUE,
            "PodsReady",
            "every pod is up to date, and as many are ready as the autoscaler must leave",
        ),
        rollout => {
            let trouble = workload.trouble.as_deref().or_else(|| workload.replica_failure());
            match (trouble, rollout) {
                (Some(words), _) => verdict(FALSE, "PodsFailing", format!("{words}{}", advice(words))),
                (None, Rollout::Progressing(ready, desired)) => verdict(
                    FALSE,
                    "Progressing",
                    format!("{ready} of {desired} pods are up to date and ready"),
                ),
                (None, _) if workload.front.deployment.is_none() => verdict(FALSE, "NoPods", "no pods were made yet"),
                (None, _) => verdict(FALSE, "Progressing", "the pods are being made"),
            }
        }
    }
}

fn advice(words: &str) -> &'static str {
    if words.contains("ImagePull") || words.contains("InvalidImageName") || words.contains("ErrImageNeverPull") {
        ". Check spec.workload.image, or the operator's default image, and that the nodes may pull it"
    } else {
        ""
    }
}

fn joined(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
