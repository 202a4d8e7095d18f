//! How long what is kept.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::{between, rule};

/// How long what is kept. Audio is kept no longer than it is needed: until its callback is confirmed or given up, or
/// Twilio's cut-off is past.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "self.resultHours <= self.metadataDays * 24",
    "retention.metadataDays must be at least as long as retention.resultHours: a result belongs to its row",
))]
pub struct Retention {
    /// How many hours a result is kept, and with it the callback URL and the memory that this request was seen: within
    /// this time the same request again is the same job.
    #[serde(default = "result_hours")]
    #[schemars(range(min = 1, max = 8760))]
    #[x_kube(validation = between(1, 8760, "retention.resultHours"))]
    pub result_hours: i32,

    /// How many days the rest of a job is kept: its SIDs, its times, the length of its audio, and how it ended.
    #[serde(default = "metadata_days")]
    #[schemars(range(min = 1, max = 3650))]
    #[x_kube(validation = between(1, 3650, "retention.metadataDays"))]
    pub metadata_days: i32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            result_hours: result_hours(),
            metadata_days: metadata_days(),
        }
    }
}

fn result_hours() -> i32 {
    72
}

fn metadata_days() -> i32 {
    30
}
