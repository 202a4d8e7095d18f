//! The metrics of the work that waits: what an autoscaler of workers goes by. Filled by `gauging`.

use marketplace_daemon::definition::{Definition, Kind};

use super::ENDPOINT;

/// What an autoscaler goes by.
pub const WORKER_DEMAND: Definition = Definition {
    name: "marketplace_worker_demand",
    kind: Kind::Gauge,
    unit: "workers",
    help: "Workers that are needed to meet every deadline, however many there are. The same in every pod that shares the \
           database; not there while the database is out of reach.",
    labels: &[],
};

/// What one worker does at a time.
pub const WORKER_PERMITS: Definition = Definition {
    name: "marketplace_worker_permits",
    kind: Kind::Gauge,
    unit: "jobs",
    help: "Recordings that one worker analyzes at one time, see `--analyses`.",
    labels: &[],
};

/// What waits.
pub const QUEUE_WORK: Definition = Definition {
    name: "marketplace_queue_work_seconds",
    kind: Kind::Gauge,
    unit: "seconds",
    help: "Work on the jobs that may still be in time, by the measured factor and less what is done: what one worker with \
           one permit would need.",
    labels: &[],
};

/// How fast work goes.
pub const WORK_AUDIO_FACTOR: Definition = Definition {
    name: "marketplace_work_audio_factor",
    kind: Kind::Gauge,
    unit: "seconds of work for a second of audio",
    help: "The real-time factor, measured on the last 200 results in the database.",
    labels: &[ENDPOINT],
};
