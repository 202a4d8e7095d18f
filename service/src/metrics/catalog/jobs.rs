//! The metrics of recordings after their acceptance: fetched, analysed, called back, waiting.

use marketplace_daemon::definition::{Definition, Kind, Label, Values};

use super::ENDPOINT;
use crate::deadline::Met;
use crate::queue::Standing;
use crate::worker::{FetchOutcome, WorkOutcome};

/// From a short clip to the longest recording on a slow machine.
pub(super) const ANALYSIS_BOUNDS_SECONDS: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0];

/// From a short clip that is answered at once to the longest recording of a day that went badly.
const RESULT_BOUNDS_SECONDS: &[f64] = &[1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0];

/// Around the Marketplace's own bounds: median within 3 times the audio, 99 % within 5, failed after 10.
const RESULT_BOUNDS_FACTOR: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0];

const REASON: Label = Label {
    name: "reason",
    values: Values::Of("one word of the service's own for the cause"),
};

/// Attempts at fetches.
pub const AUDIO_FETCHES: Definition = Definition {
    name: "marketplace_audio_fetches_total",
    kind: Kind::Counter,
    unit: "attempts",
    help: "Attempts at fetching audio from its URL by how they ended and why. Only with `audioUrl`.",
    labels: &[
        ENDPOINT,
        Label {
            name: "outcome",
            values: Values::Words(|| FetchOutcome::ALL.into_iter().map(FetchOutcome::label).collect()),
        },
        REASON,
    ],
};

/// Attempts at jobs.
pub const JOB_ATTEMPTS: Definition = Definition {
    name: "marketplace_job_attempts_total",
    kind: Kind::Counter,
    unit: "attempts",
    help: "Attempts at jobs by how they ended.",
    labels: &[
        ENDPOINT,
        Label {
            name: "outcome",
            values: Values::Words(|| WorkOutcome::ALL.into_iter().map(WorkOutcome::label).collect()),
        },
    ],
};

/// How long analyses take.
pub const ANALYSIS: Definition = Definition {
    name: "marketplace_analysis_seconds",
    kind: Kind::Histogram(ANALYSIS_BOUNDS_SECONDS),
    unit: "seconds",
    help: "Time that an analysis took.",
    labels: &[ENDPOINT],
};

/// How much was analyzed.
pub const ANALYZED_AUDIO: Definition = Definition {
    name: "marketplace_analyzed_audio_seconds_total",
    kind: Kind::Counter,
    unit: "seconds",
    help: "Length of the audio that was analysed.",
    labels: &[ENDPOINT],
};

/// Callbacks.
pub const CALLBACKS: Definition = Definition {
    name: "marketplace_callbacks_total",
    kind: Kind::Counter,
    unit: "attempts",
    help: "Attempts at callbacks by what followed and why.",
    labels: &[
        ENDPOINT,
        Label {
            name: "outcome",
            values: Values::Words(|| vec!["confirmed", "retried", "rejected", "expired"]),
        },
        REASON,
    ],
};

/// Finished jobs.
pub const JOBS_FINISHED: Definition = Definition {
    name: "marketplace_jobs_finished_total",
    kind: Kind::Counter,
    unit: "jobs",
    help: "Jobs whose callback has ended by the tightest deadline it met.",
    labels: &[
        ENDPOINT,
        Label {
            name: "deadline",
            values: Values::Words(|| Met::ALL.into_iter().map(Met::label).collect()),
        },
    ],
};

/// How long results take.
pub const RESULT: Definition = Definition {
    name: "marketplace_result_seconds",
    kind: Kind::Histogram(RESULT_BOUNDS_SECONDS),
    unit: "seconds",
    help: "From the acceptance of a recording to its confirmed callback.",
    labels: &[ENDPOINT],
};

/// How long results take for their audio.
pub const RESULT_AUDIO_FACTOR: Definition = Definition {
    name: "marketplace_result_audio_factor",
    kind: Kind::Histogram(RESULT_BOUNDS_FACTOR),
    unit: "lengths of the audio",
    help: "From the acceptance of a recording to its confirmed callback, in lengths of its audio.",
    labels: &[ENDPOINT],
};

/// The queue.
pub const QUEUE_JOBS: Definition = Definition {
    name: "marketplace_queue_jobs",
    kind: Kind::Gauge,
    unit: "jobs",
    help: "Jobs in the queue by state.",
    labels: &[Label {
        name: "state",
        values: Values::Words(|| Standing::GAUGED.into_iter().map(Standing::label).collect()),
    }],
};

/// How far the work is behind.
pub const QUEUE_OLDEST: Definition = Definition {
    name: "marketplace_queue_oldest_job_seconds",
    kind: Kind::Gauge,
    unit: "seconds",
    help: "Age of the oldest job that has no result.",
    labels: &[],
};
