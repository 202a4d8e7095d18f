//! Pure: whether results come in time, as `sla` has judged it. It says nothing of whether the add-on is Ready, and shows
//! no figures: those are metrics. Called with the outcome of each pass, whatever it was: what runs is measured either way.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use marketplace_crds::MarketplaceAddon;
use marketplace_crds::status::ConditionType;

use super::{FALSE, TRUE, UNKNOWN, Verdict, dated, verdict};
use crate::sla::judge::{Said, Target};

/// The reason when an endpoint is too slow.
pub(crate) const MISSED: &str = "Missed";

/// The endpoints that the SLA is about: those whose results come later.
#[must_use]
pub fn endpoints(addon: &MarketplaceAddon) -> BTreeSet<String> {
    let endpoints = addon.spec.endpoints.iter();
    endpoints
        .filter(|endpoint| endpoint.integration.is_asynchronous())
        .map(|endpoint| endpoint.name.clone())
        .collect()
}

/// The condition; none for an add-on that answers everything at once.
#[must_use]
pub fn of(addon: &MarketplaceAddon, said: &Said, now: Timestamp) -> Option<Condition> {
    if endpoints(addon).is_empty() {
        return None;
    }
    let kind = ConditionType::SlaMet;
    let before = addon.status.as_ref().and_then(|status| status.condition(kind));
    match (told(said), before) {
        (Some(verdict), before) => Some(dated(kind, verdict, before, addon.metadata.generation, now)),
        // an operator that has just started has not forgotten what it said
        (None, Some(before)) if before.status != UNKNOWN => Some(before.clone()),
        (None, before) => {
            let evaluating = verdict(
                UNKNOWN,
                "Evaluating",
                "Prometheus is asked a few times before anything is said",
            );
            Some(dated(kind, evaluating, before, addon.metadata.generation, now))
        }
    }
}

fn told(said: &Said) -> Option<Verdict> {
    Some(match said {
        Said::Undecided => return None,
        Said::Unset => verdict(
            UNKNOWN,
            "PrometheusUnset",
            "the operator has no Prometheus to ask: set the value prometheus.serverAddress of its chart",
        ),
        Said::Unreachable(words) => verdict(
            UNKNOWN,
            "PrometheusUnreachable",
            format!("the operator's Prometheus does not answer (value prometheus.serverAddress of its chart): {words}"),
        ),
        Said::NoData => verdict(
            UNKNOWN,
            "NoData",
            "Prometheus has no marketplace_jobs_finished_total of this add-on: see that it scrapes port 8081 of its pods",
        ),
        Said::Met => verdict(TRUE, "Met", "no endpoint is slower than spec.sla allows"),
        Said::Missed(missed) => {
            let missed: Vec<_> = missed
                .iter()
                .map(|(endpoint, target)| miss(endpoint, *target))
                .collect();
            verdict(
                FALSE,
                MISSED,
                format!(
                    "{}: see marketplace_worker_demand, and scale the workers",
                    missed.join("; ")
                ),
            )
        }
    })
}

fn miss(endpoint: &str, target: Target) -> String {
    match target {
        Target::Median => {
            format!("endpoint {endpoint} delivers fewer than half of its results within sla.medianFactor")
        }
        Target::P99 => format!("endpoint {endpoint} delivers fewer than 99 of 100 results within sla.p99Factor"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{addon, recording_addon};

    fn line(addon: &MarketplaceAddon, said: &Said) -> String {
        let condition = of(addon, said, Timestamp::UNIX_EPOCH).expect("it has an endpoint for recordings");
        format!("{} {}", condition.status, condition.reason)
    }

    #[test]
    fn an_addon_without_recordings_has_no_sla() {
        assert_eq!(of(&addon(), &Said::Met, Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn each_verdict_has_a_reason_and_no_figure() {
        let harbour = recording_addon();
        let missed = Said::Missed(BTreeSet::from([("calls".to_owned(), Target::P99)]));
        for (said, expected) in [
            (Said::Unset, "Unknown PrometheusUnset"),
            (
                Said::Unreachable("failed to connect".to_owned()),
                "Unknown PrometheusUnreachable",
            ),
            (Said::NoData, "Unknown NoData"),
            (Said::Undecided, "Unknown Evaluating"),
            (Said::Met, "True Met"),
            (missed.clone(), "False Missed"),
        ] {
            assert_eq!(line(&harbour, &said), expected);
        }
        let message = of(&harbour, &missed, Timestamp::UNIX_EPOCH).map(|condition| condition.message);
        assert_eq!(
            message.as_deref(),
            Some(
                "endpoint calls delivers fewer than 99 of 100 results within sla.p99Factor: see marketplace_worker_demand, and scale the workers"
            )
        );
    }

    #[test]
    fn an_operator_that_starts_keeps_what_was_said_until_it_knows_better() {
        let mut harbour = recording_addon();
        for (before, expected) in [
            (Said::Met, "True Met"),
            (Said::Missed(BTreeSet::new()), "False Missed"),
            (Said::Unset, "Unknown Evaluating"),
        ] {
            let mut status = marketplace_crds::MarketplaceAddonStatus::default();
            harbour.status = None;
            status.conditions.extend(of(&harbour, &before, Timestamp::UNIX_EPOCH));
            harbour.status = Some(status);
            assert_eq!(line(&harbour, &Said::Undecided), expected);
        }
    }
}
