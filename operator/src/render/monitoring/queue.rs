//! Alerts on jobs and callbacks. What a queue says is the same in every pod that shares it, so the greatest is taken.

use super::alert::{Alert, Severity, grown, series, too_many};
use crate::validate::ValidatedAddon;

const JOBS: &str = "marketplace_queue_jobs";
const CALLBACKS: &str = "marketplace_callbacks_total";
/// Twilio fails a recording of this length when the queue is as old as is told; shorter ones earlier.
const SHORT_RECORDING_SECONDS: i32 = 60;

pub(super) fn alerts(addon: &ValidatedAddon) -> Vec<Alert> {
    let mut alerts = work(addon);
    alerts.extend(delivery(addon));
    alerts
}

fn work(addon: &ValidatedAddon) -> Vec<Alert> {
    let seconds = addon
        .sla
        .floor_seconds
        .max(addon.sla.cutoff_factor * SHORT_RECORDING_SECONDS);
    let analyzed = series(addon, "marketplace_job_attempts_total", "outcome=\"analyzed\"");
    let demand = greatest(&series(addon, "marketplace_worker_demand", ""));
    // Shown by the pods that work on recordings alone, once by each.
    let shown = series(addon, "marketplace_queue_oldest_job_seconds", "");
    let oldest = greatest(&shown);
    vec![
        Alert {
            name: "MarketplaceQueueStuck",
            severity: Severity::Critical,
            minutes: 5,
            expression: format!("({oldest} > {seconds}) unless ({} > 0)", grown(&analyzed, "15m")),
            summary: "Recordings wait and none is analyzed",
            description: format!(
                "The oldest recording without a result is {{{{ $value | humanizeDuration }}}} old, where Twilio fails one of {SHORT_RECORDING_SECONDS} s after {seconds} s, and none was analyzed within the last 15 min."
            ),
        },
        Alert {
            name: "MarketplaceWorkersShort",
            severity: Severity::Warning,
            minutes: 15,
            expression: format!("{demand} > count by (addon) ({shown})"),
            summary: "There are fewer workers than the deadlines need",
            description: "{{ $value }} workers are needed to meet every deadline, and fewer run.".to_owned(),
        },
        Alert {
            name: "MarketplaceJobsHeld",
            severity: Severity::Warning,
            minutes: 5,
            expression: format!("{} > 0", in_state(addon, "held")),
            summary: "Jobs wait for a decision",
            description: "{{ $value }} jobs are held since a backup was restored: nothing is done with them until somebody chooses.".to_owned(),
        },
    ]
}

fn delivery(addon: &ValidatedAddon) -> Vec<Alert> {
    let all = grown(&series(addon, CALLBACKS, ""), "15m");
    let failed = grown(&series(addon, CALLBACKS, "outcome!=\"confirmed\""), "15m");
    let ambiguous = grown(&series(addon, CALLBACKS, "reason=\"ambiguous\""), "15m");
    vec![
        Alert {
            name: "MarketplaceCallbacksFail",
            severity: Severity::Warning,
            minutes: 5,
            expression: too_many(&failed, &all, 0.20),
            summary: "Results cannot be delivered",
            description: "{{ $value | humanizePercentage }} of the attempts at callbacks of the last 15 min failed.".to_owned(),
        },
        Alert {
            name: "MarketplaceCallbacksAmbiguous",
            severity: Severity::Warning,
            minutes: 5,
            expression: too_many(&ambiguous, &all, 0.05),
            summary: "Callbacks are cut off before their answer",
            description: "{{ $value | humanizePercentage }} of the attempts at callbacks of the last 15 min were sent and not answered: each is sent again, and may have arrived twice.".to_owned(),
        },
        Alert {
            name: "MarketplaceResultsUndelivered",
            severity: Severity::Warning,
            minutes: 5,
            expression: format!("{} > 0", in_state(addon, "rejected|expired")),
            summary: "Results were given up",
            description: "{{ $value }} results were rejected or could not be told in time; they are kept until retention ends.".to_owned(),
        },
    ]
}

fn greatest(series: &str) -> String {
    format!("max by (addon) ({series})")
}

fn in_state(addon: &ValidatedAddon, states: &str) -> String {
    let jobs = series(addon, JOBS, &format!("state=~\"{states}\""));
    format!("sum by (addon) (max by (addon, state) ({jobs}))")
}
