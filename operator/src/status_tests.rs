//! Tables: what came of a pass, and the conditions that follow.

use k8s_openapi::api::apps::v1::Deployment;
use marketplace_crds::exposure::AllowListMode;
use serde_json::json;

use super::*;
use crate::dereference::rollout::Deployed;
use crate::fixtures::{addon, recording_addon};
use crate::kind::Kind;

fn workload(ready: i32, trouble: Option<&str>) -> Workload {
    let deployment: Deployment = serde_json::from_value(json!({
        "metadata": {"generation": 1},
        "spec": {"replicas": 2, "selector": {}, "template": {}},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": ready},
    }))
    .expect("the fixture is well-formed");
    Workload {
        front: Deployed {
            deployment: Some(deployment),
            least: None,
        },
        trouble: trouble.map(ToOwned::to_owned),
        ..Workload::default()
    }
}

fn shown(status: &MarketplaceAddonStatus) -> Vec<String> {
    let line = |condition: &Condition| format!("{}={} {}", condition.type_, condition.status, condition.reason);
    status.conditions.iter().map(line).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

fn missing() -> Refusal {
    Refusal::FindSecret("switchboard".to_owned(), "the keys A and B".to_owned())
}

/// The conditions are Ready, Stalled, CredentialsValid and Available, as far as they are known.
fn assert_conditions(outcome: &Outcome, expected: &str) {
    assert_eq!(shown(&of(&addon(), outcome, at(1))).join(", "), expected, "{outcome:?}");
}

#[test]
fn an_applied_addon_is_as_ready_as_its_pods() {
    for (pods, ready) in [
        (Some((2, None)), "True PodsReady"),
        (Some((1, None)), "False Progressing"),
        (Some((1, Some("it waits"))), "False PodsFailing"),
        (None, "False NoPods"),
    ] {
        let workload = pods.map_or_else(Workload::default, |(ready, trouble)| workload(ready, trouble));
        let expected =
            format!("Ready={ready}, Stalled=False Reconciling, CredentialsValid=True Found, Available={ready}");
        assert_conditions(&Outcome::Applied(workload), &expected);
    }
}

#[test]
fn a_suspended_addon_says_so_and_still_tells_of_its_pods() {
    let outcome = Outcome::Suspended(workload(2, None));
    assert_conditions(
        &outcome,
        "Ready=Unknown Suspended, Stalled=False Suspended, TokensPropagated=Unknown Suspended, Available=True PodsReady",
    );
}

#[test]
fn what_a_person_must_mend_stalls_the_addon() {
    let pods = || workload(2, None);
    let taken = ApplyError::TakeName(Kind::Service, "florist-front".to_owned(), "taken".to_owned());
    let unreadable = Refusal::ParseResource("bad".to_owned());
    for (outcome, reason, credentials) in [
        (
            Outcome::Refused(vec![missing()], pods()),
            "SecretMissing",
            "False SecretMissing",
        ),
        (Outcome::Refused(vec![unreadable], pods()), "InvalidSpec", "True Found"),
        (Outcome::Unapplied(taken, pods()), "NameConflict", "True Found"),
    ] {
        let expected = format!(
            "Ready=False {reason}, Stalled=True {reason}, CredentialsValid={credentials}, TokensPropagated=Unknown NotApplied, Available=True PodsReady"
        );
        assert_conditions(&outcome, &expected);
    }
}

#[test]
fn what_mends_itself_does_not_stall_the_addon() {
    let failure = || kube::Error::LinesCodecMaxLineLengthExceeded;
    let unread = Outcome::Unread(DereferenceError::GetSecret("ledger".to_owned(), failure()));
    assert_conditions(&unread, "Ready=Unknown SecretUnreadable, Stalled=False Reconciling");
    let unapplied = ApplyError::ApplyChild(Kind::Service, "florist-front".to_owned(), failure());
    assert_conditions(
        &Outcome::Unapplied(unapplied, workload(2, None)),
        "Ready=False ApplyFailed, Stalled=False Reconciling, CredentialsValid=True Found, TokensPropagated=Unknown NotApplied, Available=True PodsReady",
    );
}

#[test]
fn no_pods_are_ready_when_none_is_declared() {
    let mut none = workload(0, None);
    if let Some(deployment) = &mut none.front.deployment {
        deployment.spec.replicas = Some(0);
        deployment.status = serde_json::from_value(json!({"observedGeneration": 1})).ok();
    }
    let status = of(&addon(), &Outcome::Applied(none), at(1));
    assert_eq!(shown(&status)[0], "Ready=True ScaledToZero");
}

#[test]
fn an_allow_list_has_a_condition_that_does_not_count_for_ready() {
    let status = of(&recording_addon(), &Outcome::Applied(workload(2, None)), at(1));
    assert_eq!(shown(&status)[0], "Ready=True PodsReady");
    assert_eq!(shown(&status)[4], "SourcesEnforced=Unknown NetworkPolicyApplied");
}

#[test]
fn an_audited_allow_list_is_said_to_enforce_nothing() {
    let mut addon = recording_addon();
    if let Some(list) = &mut addon.spec.allow_list {
        list.mode = AllowListMode::Audit;
    }
    let status = of(&addon, &Outcome::Applied(workload(2, None)), at(1));
    assert_eq!(shown(&status)[4], "SourcesEnforced=False Audited");
}

#[test]
fn a_condition_keeps_its_date_until_its_status_changes() {
    let mut addon = addon();
    let dates = |status: &MarketplaceAddonStatus| {
        status
            .conditions
            .iter()
            .map(|condition| condition.last_transition_time.0.as_second())
            .collect::<Vec<_>>()
    };
    let first = of(&addon, &Outcome::Applied(workload(1, None)), at(100));
    addon.status = Some(first.clone());
    let same = of(&addon, &Outcome::Applied(workload(1, None)), at(200));
    assert_eq!(same, first, "so that it is not written again");
    let after = of(&addon, &Outcome::Applied(workload(2, None)), at(300));
    assert_eq!(dates(&after), [300, 100, 100, 300]);
}

#[test]
fn what_is_not_known_anew_stays_said() {
    let mut addon = addon();
    addon.status = Some(of(&addon, &Outcome::Applied(workload(2, None)), at(100)));
    let unread = DereferenceError::ListPods("florist-front".to_owned(), kube::Error::LinesCodecMaxLineLengthExceeded);
    let status = of(&addon, &Outcome::Unread(unread), at(200));
    assert_eq!(
        shown(&status)[2..],
        ["CredentialsValid=True Found", "Available=True PodsReady"]
    );
}

#[test]
fn the_status_speaks_of_a_generation_and_a_url() {
    let status = of(&addon(), &Outcome::Applied(workload(2, None)), at(1));
    assert_eq!(status.observed_generation, Some(3));
    assert!(
        status
            .conditions
            .iter()
            .all(|condition| condition.observed_generation == Some(3))
    );
    assert_eq!(status.url.as_deref(), Some("https://tulips.example.com/calls"));
}

#[test]
fn a_message_names_what_to_do_and_has_an_end() {
    let message = |outcome| of(&addon(), &outcome, at(1)).conditions[0].message.clone();
    let pull = message(Outcome::Applied(workload(
        1,
        Some("container service waits: ErrImagePull: no"),
    )));
    assert!(pull.contains("Check spec.workload.image"), "{pull}");
    let refused = message(Outcome::Refused(vec![missing()], workload(2, None)));
    assert_eq!(
        refused,
        "Secret switchboard does not exist: create it in the namespace of the add-on with the keys A and B. What was applied before keeps running"
    );
    assert_eq!(
        message(Outcome::Applied(workload(1, Some(&"x".repeat(5000))))).len(),
        MESSAGE_CHARACTERS
    );
}
