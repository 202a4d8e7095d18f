//! How many pods answer, and who decides that.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::autoscaling::{FrontKeda, Hpa, WorkersKeda};
use crate::rules::{between, rule};

/// How many pods answer, and how many work on recordings.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// The pods that take requests. Without `workers` they do all of the work.
    #[serde(default)]
    pub front: Front,

    /// The pods that work on recordings. They exist with `storage.postgres` and an endpoint of integration
    /// `RecordingAnalysis`, so that work on recordings never delays an answer; one of them when this is unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
}

/// The number of pods that take requests. Exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "(has(self.fixed) ? 1 : 0) + (has(self.hpa) ? 1 : 0) + (has(self.keda) ? 1 : 0) == 1",
    "scaling.front must have exactly one member: write front: {fixed: {replicas: 1}}, front: {hpa: {}} or front: {keda: {}}",
))]
pub struct Front {
    /// A fixed number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Fixed>,

    /// By the share of the requested CPU that is used, through a HorizontalPodAutoscaler. Needs a metrics-server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hpa: Option<Hpa>,

    /// By the requests that are being answered, through KEDA and Prometheus. Needs both in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keda: Option<FrontKeda>,
}

/// The number of pods that work on recordings. Exactly one of `fixed`, `hpa` and `keda`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "(has(self.fixed) ? 1 : 0) + (has(self.hpa) ? 1 : 0) + (has(self.keda) ? 1 : 0) == 1",
    "scaling.workers must have exactly one of fixed, hpa and keda: write workers: {fixed: {replicas: 1}}, workers: {hpa: {}} or workers: {keda: {}}",
))]
pub struct Workers {
    /// How many recordings each pod analyzes at one time; as many as it has CPUs when unset. Set it where nodes or limits
    /// differ: how many workers are needed follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "scaling.workers.concurrency"))]
    pub concurrency: Option<i32>,

    /// A fixed number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Fixed>,

    /// By the share of the requested CPU that is used, through a HorizontalPodAutoscaler. It knows nothing of deadlines:
    /// prefer `keda` where there is a Prometheus. Needs a metrics-server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hpa: Option<Hpa>,

    /// By the workers that are needed to meet every deadline of `sla`, through KEDA and Prometheus. Needs both in the
    /// cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keda: Option<WorkersKeda>,
}

impl Default for Front {
    fn default() -> Self {
        Self {
            fixed: Some(Fixed::default()),
            hpa: None,
            keda: None,
        }
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            concurrency: None,
            fixed: Some(Fixed::default()),
            hpa: None,
            keda: None,
        }
    }
}

/// A fixed number of pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Fixed {
    /// The number of pods. 0 stops them; an add-on of 0 pods is Ready with nothing running.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    #[x_kube(validation = between(0, 1000, "fixed.replicas"))]
    pub replicas: i32,
}

impl Default for Fixed {
    fn default() -> Self {
        Self { replicas: one() }
    }
}

fn one() -> i32 {
    1
}
