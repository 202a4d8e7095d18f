//! A HorizontalPodAutoscaler on the CPU of the service's container alone: what a mesh or a partner adds to the pod says nothing
//! of the load.

use k8s_openapi::api::autoscaling::v2::{
    ContainerResourceMetricSource, CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules,
    HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget,
};
use marketplace_crds::autoscaling::Hpa;

use super::{metadata, pod};
use crate::role::Role;
use crate::validate::ValidatedAddon;

/// Pods go only when for so long fewer were enough: load comes in waves.
const SETTLED_SECONDS: i32 = 300;

pub(super) fn render(addon: &ValidatedAddon, role: Role, hpa: &Hpa) -> HorizontalPodAutoscaler {
    let Hpa {
        min_replicas,
        max_replicas,
        cpu_utilization,
    } = hpa;
    let name = role.child(&addon.name);
    HorizontalPodAutoscaler {
        metadata: metadata(addon, name.clone(), role.component()),
        spec: HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name,
            },
            min_replicas: Some(*min_replicas),
            max_replicas: *max_replicas,
            metrics: Some(vec![MetricSpec {
                type_: "ContainerResource".to_owned(),
                container_resource: Some(ContainerResourceMetricSource {
                    container: pod::CONTAINER.to_owned(),
                    name: "cpu".to_owned(),
                    target: MetricTarget {
                        type_: "Utilization".to_owned(),
                        average_utilization: Some(*cpu_utilization),
                        ..MetricTarget::default()
                    },
                }),
                ..MetricSpec::default()
            }]),
            behavior: Some(behavior()),
        },
        status: None,
    }
}

/// Up at once, down slowly: too few pods miss deadlines, too many only cost. Each of KEDA's scalers behaves so too.
pub(super) fn behavior() -> HorizontalPodAutoscalerBehavior {
    let policy = |kind: &str, value, period_seconds| HPAScalingPolicy {
        type_: kind.to_owned(),
        value,
        period_seconds,
    };
    HorizontalPodAutoscalerBehavior {
        scale_up: Some(HPAScalingRules {
            stabilization_window_seconds: Some(0),
            select_policy: Some("Max".to_owned()),
            policies: Some(vec![policy("Percent", 100, 15), policy("Pods", 4, 15)]),
            ..HPAScalingRules::default()
        }),
        scale_down: Some(HPAScalingRules {
            stabilization_window_seconds: Some(SETTLED_SECONDS),
            select_policy: Some("Max".to_owned()),
            policies: Some(vec![policy("Percent", 20, 60), policy("Pods", 1, 60)]),
            ..HPAScalingRules::default()
        }),
    }
}
