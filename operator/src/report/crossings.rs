//! Pure: the Events for conditions that somebody waits for, or that somebody should look at. Called by `reconcile`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube_runtime::events::{Event, EventType};
use marketplace_crds::MarketplaceAddonStatus;
use marketplace_crds::status::ConditionType;

use super::of_condition;
use crate::status::deletion::AT_STAKE;

/// The Events for what has changed between two statuses.
#[must_use]
pub fn crossings(before: Option<&MarketplaceAddonStatus>, after: &MarketplaceAddonStatus) -> Vec<Event> {
    let of = |kind: ConditionType| (before.and_then(|before| before.condition(kind)), after.condition(kind));
    let propagated = of(ConditionType::TokensPropagated);
    let reached = of(ConditionType::StorageReachable);
    let met = of(ConditionType::SlaMet);
    [
        crossed(propagated, "False", "True").map(|now| of_condition(EventType::Normal, "TokensPropagated", now)),
        crossed(reached, "False", "True").map(|now| of_condition(EventType::Normal, "StorageReachable", now)),
        turned(reached, "False").map(|now| of_condition(EventType::Warning, "StorageOutOfReach", now)),
        at_stake(of(ConditionType::Ready)).map(|now| of_condition(EventType::Warning, "RecordingsAtStake", now)),
        crossed(met, "False", "True").map(|now| of_condition(EventType::Normal, "SlaMet", now)),
        turned(met, "False").map(|now| of_condition(EventType::Warning, "SlaMissed", now)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

type Change<'a> = (Option<&'a Condition>, Option<&'a Condition>);

fn crossed<'a>((before, after): Change<'a>, from: &str, to: &str) -> Option<&'a Condition> {
    after.filter(|now| now.status == to && before.is_some_and(|before| before.status == from))
}

fn turned<'a>((before, after): Change<'a>, to: &str) -> Option<&'a Condition> {
    after.filter(|now| now.status == to && before.is_none_or(|before| before.status != to))
}

/// Recordings would go with the add-on, which has become so.
fn at_stake((before, after): Change<'_>) -> Option<&Condition> {
    let is_so = |said: &Condition| said.message.contains(AT_STAKE);
    after.filter(|now| is_so(now) && !before.is_some_and(is_so))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn status(kind: ConditionType, status: &str) -> MarketplaceAddonStatus {
        let condition = Condition {
            type_: kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: "Told".to_owned(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        };
        MarketplaceAddonStatus {
            conditions: vec![condition],
            ..MarketplaceAddonStatus::default()
        }
    }

    #[test]
    fn a_volume_that_would_go_with_its_addon_is_told_of_once() {
        let said = |message: &str| {
            let mut status = status(ConditionType::Ready, "True");
            message.clone_into(&mut status.conditions[0].message);
            status
        };
        let (kept, at_stake) = (said("it answers"), said(&format!("it answers; {AT_STAKE}")));
        let told = |before, after| {
            crossings(before, after)
                .into_iter()
                .map(|event| event.reason)
                .collect::<Vec<_>>()
        };
        assert_eq!(told(None, &at_stake), ["RecordingsAtStake"]);
        assert_eq!(told(Some(&kept), &at_stake), ["RecordingsAtStake"]);
        assert!(told(Some(&at_stake), &at_stake).is_empty());
        assert!(told(Some(&at_stake), &kept).is_empty());
    }

    #[test]
    fn a_crossing_is_told_once_and_what_begins_well_is_not() {
        for (kind, before, after, expected) in [
            (
                ConditionType::TokensPropagated,
                Some("False"),
                "True",
                &["TokensPropagated"][..],
            ),
            (ConditionType::TokensPropagated, Some("Unknown"), "True", &[]),
            (ConditionType::TokensPropagated, Some("True"), "False", &[]),
            (ConditionType::TokensPropagated, None, "True", &[]),
            (ConditionType::StorageReachable, None, "True", &[]),
            (
                ConditionType::StorageReachable,
                Some("True"),
                "False",
                &["StorageOutOfReach"],
            ),
            (
                ConditionType::StorageReachable,
                Some("False"),
                "True",
                &["StorageReachable"],
            ),
            (ConditionType::SlaMet, None, "True", &[]),
            (ConditionType::SlaMet, Some("True"), "True", &[]),
            (ConditionType::SlaMet, Some("True"), "False", &["SlaMissed"]),
            (ConditionType::SlaMet, Some("Unknown"), "False", &["SlaMissed"]),
            (ConditionType::SlaMet, Some("False"), "False", &[]),
            (ConditionType::SlaMet, Some("False"), "True", &["SlaMet"]),
            (ConditionType::SlaMet, Some("False"), "Unknown", &[]),
        ] {
            let before = before.map(|before| status(kind, before));
            let events = crossings(before.as_ref(), &status(kind, after));
            let reasons: Vec<_> = events.iter().map(|event| event.reason.as_str()).collect();
            assert_eq!(reasons, expected, "{kind:?} {before:?} {after}");
        }
    }
}
