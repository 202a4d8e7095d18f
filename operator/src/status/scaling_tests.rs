//! What the scalers say, and what is said of them.

use serde_json::{Value, json};

use super::*;
use crate::fixtures::{addon, scaled_addon};

fn hpa(conditions: &[(&str, &str, &str, &str)]) -> HorizontalPodAutoscaler {
    let conditions: Vec<_> = conditions
        .iter()
        .map(|(kind, status, reason, message)| json!({"type": kind, "status": status, "reason": reason, "message": message}))
        .collect();
    serde_json::from_value(json!({
        "metadata": {"name": "tram-front"},
        "spec": {"maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "tram-front"}},
        "status": {"desiredReplicas": 2, "conditions": conditions},
    }))
    .expect("the fixture is well-formed")
}

fn scaled_objects(conditions: &[(&str, &str)]) -> Listed {
    let conditions: Vec<_> = conditions
        .iter()
        .map(|(kind, status)| json!({"type": kind, "status": status, "reason": "Told", "message": "by KEDA"}))
        .collect();
    let object: Value = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": "tram-workers"}, "status": {"conditions": conditions},
    });
    Listed::Found(vec![
        serde_json::from_value(object).expect("the fixture is well-formed"),
    ])
}

fn told(autoscalers: Vec<HorizontalPodAutoscaler>, scaled_objects: Listed) -> String {
    let workload = Workload {
        scalers: Scalers {
            autoscalers,
            scaled_objects,
        },
        ..Workload::default()
    };
    let verdict = scaling_active(&scaled_addon(), &workload).expect("two scalers are declared");
    format!("{} {}", verdict.status, verdict.reason)
}

#[test]
fn the_worst_of_the_scalers_is_told() {
    let works = || {
        hpa(&[
            ("AbleToScale", "True", "", ""),
            ("ScalingActive", "True", "ValidMetricFound", ""),
        ])
    };
    let blind = hpa(&[
        ("AbleToScale", "True", "", ""),
        ("ScalingActive", "False", "FailedGetContainerResourceMetric", "no"),
    ]);
    let ready = || scaled_objects(&[("Ready", "True"), ("Fallback", "False"), ("Paused", "Unknown")]);
    for (autoscaler, keda, expected) in [
        (works(), ready(), "True ScalersActive"),
        (works(), Listed::Absent, "False KedaMissing"),
        (
            works(),
            Listed::Unknown("it hangs".to_owned()),
            "Unknown KedaUnreadable",
        ),
        (works(), Listed::Found(Vec::new()), "Unknown ScalerStarting"),
        (
            works(),
            scaled_objects(&[("Ready", "Unknown")]),
            "Unknown ScalerStarting",
        ),
        (works(), scaled_objects(&[("Ready", "False")]), "False ScalerFailing"),
        (
            works(),
            scaled_objects(&[("Ready", "True"), ("Fallback", "True")]),
            "False ScalerFallback",
        ),
        (
            works(),
            scaled_objects(&[("Ready", "True"), ("Paused", "True")]),
            "False ScalerPaused",
        ),
        (hpa(&[]), ready(), "Unknown ScalerStarting"),
        (blind, ready(), "False FailedGetContainerResourceMetric"),
        (
            hpa(&[("AbleToScale", "False", "FailedGetScale", "gone")]),
            ready(),
            "False FailedGetScale",
        ),
    ] {
        assert_eq!(told(vec![autoscaler], keda), expected);
    }
    assert_eq!(told(Vec::new(), ready()), "Unknown ScalerStarting");
}

#[test]
fn an_addon_of_a_fixed_number_of_pods_says_nothing() {
    assert_eq!(scaling_active(&addon(), &Workload::default()), None);
}

#[test]
fn a_scaler_decides_once_it_says_so() {
    let active = |autoscalers, scaled_objects, role| {
        let scalers = Scalers {
            autoscalers,
            scaled_objects,
        };
        is_active(&scalers, role, "tram")
    };
    let works = hpa(&[("ScalingActive", "True", "ValidMetricFound", "")]);
    assert!(active(vec![works], Listed::Absent, Role::Front));
    assert!(!active(vec![hpa(&[])], Listed::Absent, Role::Front));
    assert!(active(Vec::new(), scaled_objects(&[("Ready", "True")]), Role::Workers));
    assert!(!active(Vec::new(), scaled_objects(&[("Ready", "True")]), Role::Front));
}
