//! The time within which a recording is to be analyzed.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, rule};

/// The time within which a recording is to be analyzed, as multiples of the length of its audio. The defaults are those
/// of the Marketplace: median within 3 times, 99 % within 5 times, and failed by Twilio after 10 times.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "self.medianFactor <= self.p99Factor && self.p99Factor <= self.cutoffFactor",
    "sla must satisfy medianFactor <= p99Factor <= cutoffFactor",
))]
pub struct Sla {
    /// Half of the results are due within this multiple. Work is ordered by this deadline.
    #[serde(default = "median_factor")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "sla.medianFactor"))]
    pub median_factor: i32,

    /// 99 of 100 results are due within this multiple.
    #[serde(default = "p99_factor")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "sla.p99Factor"))]
    pub p99_factor: i32,

    /// Twilio fails the request after this multiple; work on it stops a little earlier, so that an error still arrives.
    #[serde(default = "cutoff_factor")]
    #[schemars(range(min = 1, max = 1000))]
    #[x_kube(validation = between(1, 1000, "sla.cutoffFactor"))]
    pub cutoff_factor: i32,

    /// No deadline is shorter than this, however short the audio.
    #[serde(default = "floor_seconds")]
    #[schemars(range(min = 1, max = 86400))]
    #[x_kube(validation = between(1, 86400, "sla.floorSeconds"))]
    pub floor_seconds: i32,
}

impl Default for Sla {
    fn default() -> Self {
        Self {
            median_factor: median_factor(),
            p99_factor: p99_factor(),
            cutoff_factor: cutoff_factor(),
            floor_seconds: floor_seconds(),
        }
    }
}

fn median_factor() -> i32 {
    3
}

fn p99_factor() -> i32 {
    5
}

fn cutoff_factor() -> i32 {
    10
}

fn floor_seconds() -> i32 {
    30
}
