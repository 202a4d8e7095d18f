//! Pure: whether the declared autoscalers decide on the number of pods, by their own conditions. No figures: how many pods there
//! are is theirs to change.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::ResourceExt;
use kube::api::DynamicObject;
use marketplace_crds::MarketplaceAddon;

use super::{FALSE, TRUE, UNKNOWN, Verdict, verdict};
use crate::dereference::Workload;
use crate::dereference::scalers::{Listed, Scalers, condition};
use crate::role::Role;
use crate::validate::scaling::has_workers;

/// The reason while a scaler has not said anything yet.
pub const STARTING: &str = "ScalerStarting";

const KEDA_MISSING: &str = "the cluster has no ScaledObjects (keda.sh/v1alpha1): install KEDA, which is then noticed, or declare hpa or fixed. Until then the number of pods stays as it is";

/// The verdict on all autoscalers that the add-on declares; none where it declares none. The worst is told.
pub(super) fn scaling_active(addon: &MarketplaceAddon, workload: &Workload) -> Option<Verdict> {
    let name = addon.name_any();
    let verdicts: Vec<_> = Role::ALL
        .into_iter()
        .filter_map(|role| of(role, addon, &name, &workload.scalers))
        .collect();
    let worst = [FALSE, UNKNOWN, TRUE];
    worst
        .iter()
        .find_map(|status| verdicts.iter().find(|verdict| verdict.status == *status))
        .cloned()
}

/// Whether a scaler of this Deployment decides already.
#[must_use]
pub fn is_active(scalers: &Scalers, role: Role, addon: &str) -> bool {
    let hpa = scalers.hpa(role, addon).map(of_hpa);
    let scaled_object = scalers.scaled_object(role, addon).map(of_scaled_object);
    [hpa, scaled_object]
        .into_iter()
        .flatten()
        .any(|verdict| verdict.status == TRUE)
}

fn of(role: Role, addon: &MarketplaceAddon, name: &str, scalers: &Scalers) -> Option<Verdict> {
    let scaling = &addon.spec.scaling;
    let (hpa, keda) = match role {
        Role::Front => (scaling.front.hpa.is_some(), scaling.front.keda.is_some()),
        Role::Workers if has_workers(&addon.spec) => {
            let workers = scaling.workers.as_ref()?;
            (workers.hpa.is_some(), workers.keda.is_some())
        }
        Role::Workers => return None,
    };
    let child = role.child(name);
    match (hpa, keda, &scalers.scaled_objects) {
        (true, ..) => Some(
            scalers
                .hpa(role, name)
                .map_or_else(|| starting("HorizontalPodAutoscaler", &child), of_hpa),
        ),
        (false, false, _) => None,
        (false, true, Listed::Absent) => Some(verdict(FALSE, "KedaMissing", KEDA_MISSING)),
        (false, true, Listed::Unknown(words)) => Some(verdict(
            UNKNOWN,
            "KedaUnreadable",
            format!("the ScaledObjects cannot be listed: {words}"),
        )),
        (false, true, Listed::Found(_)) => Some(
            scalers
                .scaled_object(role, name)
                .map_or_else(|| starting("ScaledObject", &child), of_scaled_object),
        ),
    }
}

fn of_hpa(hpa: &HorizontalPodAutoscaler) -> Verdict {
    let name = hpa.name_any();
    let conditions = hpa.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let of = |kind: &str| conditions.clone().find(|condition| condition.type_ == kind);
    let broken = ["AbleToScale", "ScalingActive"]
        .into_iter()
        .filter_map(of)
        .find(|condition| condition.status == "False");
    match (broken, of("ScalingActive")) {
        (Some(broken), _) => {
            let reason = broken.reason.as_deref().unwrap_or("ScalerFailing");
            let words = broken.message.as_deref().unwrap_or_default();
            let advice = if matches!(reason, "FailedGetResourceMetric" | "FailedGetContainerResourceMetric") {
                ". It needs a metrics-server in the cluster"
            } else {
                ""
            };
            verdict(
                FALSE,
                reason,
                format!("HorizontalPodAutoscaler {name}: {words}{advice}"),
            )
        }
        (None, Some(active)) if active.status == "True" => active_verdict(),
        (None, _) => starting("HorizontalPodAutoscaler", &name),
    }
}

fn of_scaled_object(object: &DynamicObject) -> Verdict {
    let name = object.name_any();
    let conditions = object.data["status"]["conditions"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let is = |kind: &str, status: &str| condition(conditions, kind).filter(|(found, ..)| *found == status);
    if is("Paused", "True").is_some() {
        let words = format!("ScaledObject {name} is paused by an annotation: remove it to go on");
        return verdict(FALSE, "ScalerPaused", words);
    }
    if is("Fallback", "True").is_some() {
        let words = format!(
            "ScaledObject {name} cannot measure: no pod is taken away until it can. See that Prometheus answers and has the series"
        );
        return verdict(FALSE, "ScalerFallback", words);
    }
    match (is("Ready", "False"), is("Ready", "True")) {
        (Some((_, _, words)), _) => verdict(FALSE, "ScalerFailing", format!("ScaledObject {name}: {words}")),
        (None, Some(_)) => active_verdict(),
        (None, None) => starting("ScaledObject", &name),
    }
}

fn active_verdict() -> Verdict {
    verdict(
        TRUE,
        "ScalersActive",
        "every declared autoscaler decides on the number of its pods",
    )
}

fn starting(kind: &str, name: &str) -> Verdict {
    verdict(
        UNKNOWN,
        STARTING,
        format!("{kind} {name} has not decided on a number of pods yet"),
    )
}

#[cfg(test)]
#[path = "scaling_tests.rs"]
mod tests;
