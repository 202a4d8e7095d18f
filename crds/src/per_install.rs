//! How much of the queue one customer may take.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::rules::between;

/// How much of the queue one installation of the add-on may take. The installation is what the header
/// X-Twilio-AddOnInstallSid of a genuine request says; Twilio does not sign headers, so that this is fairness between
/// customers and no protection. Requests without the header are one installation together.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PerInstall {
    /// How many jobs of one installation may wait or be worked on. Beyond it 503 (`install_queue_full`), and Twilio tries
    /// again. Unset: half of limits.unfinishedJobs, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    #[x_kube(validation = between(1, 10_000_000, "limits.perInstall.unfinishedJobs"))]
    pub unfinished_jobs: Option<i32>,

    /// How many jobs of one installation are worked on at one time, in all pods together; more wait, and jobs of others go
    /// first. Unset: any number, in the order of their deadlines; the workers are never idle while there is work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    #[x_kube(validation = between(1, 10_000, "limits.perInstall.runningJobs"))]
    pub running_jobs: Option<i32>,
}
