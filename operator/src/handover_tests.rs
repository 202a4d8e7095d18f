//! Every owner of the number of pods, what may stand in the way of it, and what is done about it.

use marketplace_crds::autoscaling::Hpa;

use super::*;
use crate::fixtures::{children, scaled_addon, valid};
use crate::validate::scaling::Keda;

fn hpa() -> Scaler {
    Scaler::Hpa(Hpa {
        min_replicas: 2,
        max_replicas: 9,
        cpu_utilization: 80,
    })
}

fn keda() -> Scaler {
    Scaler::Keda(Keda {
        min_replicas: 2,
        max_replicas: 9,
        threshold: 1,
        cpu_utilization: None,
        server_address: String::new(),
        authentication: None,
    })
}

const NOTHING: Present = Present {
    hpa: false,
    keda_hpa: false,
    scaled_object: false,
};
const HPA: Present = Present { hpa: true, ..NOTHING };
const KEDA_HPA: Present = Present {
    keda_hpa: true,
    ..NOTHING
};
const SCALED_OBJECT: Present = Present {
    scaled_object: true,
    ..KEDA_HPA
};

fn written(count: i32, by_operator: bool, by_holder: bool) -> Replicas {
    Replicas {
        count,
        by_operator,
        by_holder,
    }
}

/// By the holder alone, as at rest.
fn held(count: i32) -> Replicas {
    written(count, false, true)
}

/// By an autoscaler.
fn taken(count: i32) -> Replicas {
    written(count, false, false)
}

/// Whether the scaler is active, and whether the cluster has KEDA.
type Facts = (bool, bool);
const IDLE: Facts = (false, true);
const ACTIVE: Facts = (true, true);
const NO_KEDA: Facts = (false, false);

fn assert_step(declared: &Scaler, live: (Option<Replicas>, Present, Facts), hold: Option<i32>, may_scale: bool) {
    let (replicas, present, facts) = live;
    let step = step(declared, replicas, present, facts);
    assert_eq!((step.hold, step.may_scale), (hold, may_scale), "{declared:?} {live:?}");
}

#[test]
fn a_fixed_number_is_written_when_no_scaler_is_left() {
    let fixed = Scaler::Fixed(3);
    for (live, hold) in [
        ((None, NOTHING, IDLE), None),
        ((Some(held(3)), NOTHING, IDLE), None),
        ((Some(held(5)), NOTHING, IDLE), Some(3)),
        ((Some(taken(3)), NOTHING, IDLE), Some(3)),
        ((Some(written(3, true, false)), NOTHING, NO_KEDA), Some(3)),
        ((Some(taken(7)), HPA, IDLE), None),
        ((Some(taken(7)), KEDA_HPA, IDLE), None),
        ((Some(taken(7)), SCALED_OBJECT, ACTIVE), None),
        ((Some(written(7, true, false)), HPA, ACTIVE), Some(7)),
    ] {
        assert_step(&fixed, live, hold, false);
    }
}

#[test]
fn an_autoscaler_of_ours_waits_for_keda_to_be_gone() {
    for (live, hold, may_scale) in [
        ((None, NOTHING, IDLE), None, true),
        ((Some(held(5)), NOTHING, IDLE), None, true),
        ((Some(held(1)), NOTHING, IDLE), Some(2), true),
        ((Some(held(0)), HPA, IDLE), Some(2), true),
        ((Some(held(1)), HPA, ACTIVE), None, true),
        ((Some(written(5, true, false)), NOTHING, IDLE), Some(5), true),
        ((Some(written(1, true, false)), NOTHING, IDLE), Some(2), true),
        ((Some(taken(5)), SCALED_OBJECT, ACTIVE), None, false),
        ((Some(taken(5)), KEDA_HPA, IDLE), None, false),
        ((Some(written(5, true, false)), SCALED_OBJECT, ACTIVE), Some(5), false),
    ] {
        assert_step(&hpa(), live, hold, may_scale);
    }
}

#[test]
fn keda_waits_for_our_autoscaler_to_be_gone_and_for_itself_to_come() {
    for (live, hold, may_scale) in [
        ((None, NOTHING, IDLE), None, true),
        ((Some(held(5)), NOTHING, IDLE), None, true),
        ((Some(held(1)), NOTHING, IDLE), Some(2), true),
        ((Some(held(1)), NOTHING, NO_KEDA), Some(2), false),
        ((Some(held(4)), NOTHING, NO_KEDA), None, false),
        ((Some(taken(5)), HPA, ACTIVE), None, false),
        ((Some(taken(5)), SCALED_OBJECT, ACTIVE), None, true),
        ((Some(taken(1)), SCALED_OBJECT, IDLE), Some(2), true),
    ] {
        assert_step(&keda(), live, hold, may_scale);
    }
}

#[test]
fn who_has_written_the_number_is_read_from_the_managed_fields() {
    let deployment = |manager: &str, operation: &str, field: &str| {
        let mut deployment = children(&scaled_addon()).deployment;
        deployment.metadata.managed_fields = serde_json::from_value(serde_json::json!([
            {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {field: {}}}},
        ]))
        .ok();
        let Replicas {
            by_operator, by_holder, ..
        } = replicas(&deployment);
        (by_operator, by_holder)
    };
    assert_eq!(deployment(labels::OPERATOR, "Apply", "f:replicas"), (true, false));
    assert_eq!(deployment(HOLDER, "Apply", "f:replicas"), (false, true));
    assert_eq!(deployment(HOLDER, "Apply", "f:template"), (false, false));
    assert_eq!(
        deployment("kube-controller-manager", "Update", "f:replicas"),
        (false, false)
    );
}

#[test]
fn only_a_deployment_that_is_about_to_be_made_is_told_its_number() {
    let valid = valid(&scaled_addon());
    let nothing = Workload::default();
    let steps_before = steps(&valid, &nothing);
    let made = admit(children(&scaled_addon()), &valid.name, &steps_before, &nothing);
    let number = |deployment: &Deployment| deployment.spec.replicas;
    assert_eq!(number(&made.deployment), Some(2));
    assert_eq!(
        made.workers.as_ref().and_then(|workers| number(&workers.deployment)),
        Some(2)
    );
    assert_eq!(
        (made.autoscalers.len(), made.scaled_objects.len()),
        (1, 0),
        "there is no KEDA"
    );

    let mut live = Workload::default();
    live.front.deployment = Some(made.deployment);
    live.workers.deployment = made.workers.map(|workers| workers.deployment);
    live.scalers.scaled_objects = Listed::Found(Vec::new());
    let next = admit(children(&scaled_addon()), &valid.name, &steps(&valid, &live), &live);
    assert_eq!(number(&next.deployment), None);
    assert_eq!((next.autoscalers.len(), next.scaled_objects.len()), (1, 1));
}
