//! Until when a signed request is good.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::between;

/// Refuses a request that is older than it says it may be. Compares `request.fields.date` and `ttl` with the pod's clock.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// How far Twilio's clock and the pod's may be apart: a request is taken this much before its date, and this much
    /// after its end.
    #[serde(default = "clock_skew_seconds")]
    #[schemars(range(min = 0, max = 3600))]
    #[x_kube(validation = between(0, 3600, "replay.clockSkewSeconds"))]
    pub clock_skew_seconds: i32,

    /// For how long a request is good at most, whatever time to live it carries. Required where `request.fields.ttl` is
    /// not set. Longer than Twilio goes on repeating a request, or the last of its tries is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 604_800))]
    #[x_kube(validation = between(1, 604_800, "replay.maxAgeSeconds"))]
    pub max_age_seconds: Option<i32>,

    /// The unit of the time to live that a request carries.
    #[serde(default)]
    pub ttl_unit: TtlUnit,
}

/// A unit of time.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TtlUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
}

fn clock_skew_seconds() -> i32 {
    300
}
