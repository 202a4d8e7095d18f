//! What is told of the work: its outcomes, its speed, its deadlines, and how full the queue is. Every series carries the
//! add-on; the other labels are endpoints of its resource and words of ours.

use std::time::Duration;

use prometheus::{CounterVec, Gauge, HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use crate::deadline::Met;
use crate::domain::{AddonKey, EndpointName};
use crate::metrics::catalog;
use crate::queue::{DeliveryRecord, Gauges, Standing};

/// How an attempt at a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkOutcome {
    /// With a result.
    Analyzed,
    /// With an error result.
    GaveUp,
    /// To be tried again.
    Failed,
    /// To be tried again, uncounted: the partner is away.
    Postponed,
    /// Given back, uncounted.
    Released,
    /// Too late: another has it.
    LeaseLost,
}

impl WorkOutcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Analyzed,
        Self::GaveUp,
        Self::Failed,
        Self::Postponed,
        Self::Released,
        Self::LeaseLost,
    ];

    /// The label of the metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Analyzed => "analyzed",
            Self::GaveUp => "gave_up",
            Self::Failed => "failed",
            Self::Postponed => "postponed",
            Self::Released => "released",
            Self::LeaseLost => "lease_lost",
        }
    }
}

/// How an attempt at a fetch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchOutcome {
    /// The audio is there.
    Fetched,
    /// With an error result.
    GaveUp,
    /// To be tried again.
    Failed,
    /// Given back, uncounted.
    Released,
    /// Too late: another has it, or a newer request names another URL.
    LeaseLost,
}

impl FetchOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Fetched,
        Self::GaveUp,
        Self::Failed,
        Self::Released,
        Self::LeaseLost,
    ];

    /// The label of the metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::GaveUp => "gave_up",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::LeaseLost => "lease_lost",
        }
    }
}

/// The series of the worker.
#[derive(Debug, Clone)]
pub struct WorkMetrics {
    fetches: IntCounterVec,
    attempts: IntCounterVec,
    analysis_seconds: HistogramVec,
    audio_seconds: CounterVec,
    callbacks: IntCounterVec,
    finished: IntCounterVec,
    result_seconds: HistogramVec,
    result_audio_factor: HistogramVec,
    queue_jobs: IntGaugeVec,
    queue_oldest_seconds: Gauge,
}

impl WorkMetrics {
    /// Makes the series and shows them in the registry.
    pub fn register(registry: &Registry, addon: &AddonKey) -> Result<Self, prometheus::Error> {
        let addon = &catalog::addon(addon);
        let metrics = Self {
            fetches: catalog::AUDIO_FETCHES.counters(addon)?,
            attempts: catalog::JOB_ATTEMPTS.counters(addon)?,
            analysis_seconds: catalog::ANALYSIS.histograms(addon)?,
            audio_seconds: catalog::ANALYZED_AUDIO.float_counters(addon)?,
            callbacks: catalog::CALLBACKS.counters(addon)?,
            finished: catalog::JOBS_FINISHED.counters(addon)?,
            result_seconds: catalog::RESULT.histograms(addon)?,
            result_audio_factor: catalog::RESULT_AUDIO_FACTOR.histograms(addon)?,
            queue_jobs: catalog::QUEUE_JOBS.gauges(addon)?,
            queue_oldest_seconds: catalog::QUEUE_OLDEST.float_gauge(addon)?,
        };
        metrics.show_in(registry)?;
        // There from the start, as every later one: a series that comes later looks like a change.
        for standing in Standing::GAUGED {
            metrics.queue_jobs.with_label_values(&[standing.label()]).set(0);
        }
        Ok(metrics)
    }

    /// The counters of an endpoint on which alerts are raised are there from the start: of a counter that comes with its first
    /// event nobody sees that it has grown.
    pub fn begin(&self, endpoint: &EndpointName) {
        for met in Met::ALL {
            self.finished.with_label_values(&[endpoint.as_str(), met.label()]);
        }
        for (outcome, reason) in [("confirmed", "none"), ("expired", "none"), ("retried", "ambiguous")] {
            self.callbacks.with_label_values(&[endpoint.as_str(), outcome, reason]);
        }
    }

    fn show_in(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let Self {
            fetches,
            attempts,
            analysis_seconds,
            audio_seconds,
            callbacks,
            finished,
            result_seconds,
            result_audio_factor,
            queue_jobs,
            queue_oldest_seconds,
        } = self.clone();
        registry.register(Box::new(fetches))?;
        registry.register(Box::new(attempts))?;
        registry.register(Box::new(analysis_seconds))?;
        registry.register(Box::new(audio_seconds))?;
        registry.register(Box::new(callbacks))?;
        registry.register(Box::new(finished))?;
        registry.register(Box::new(result_seconds))?;
        registry.register(Box::new(result_audio_factor))?;
        registry.register(Box::new(queue_jobs))?;
        registry.register(Box::new(queue_oldest_seconds))
    }

    pub(super) fn fetched(&self, endpoint: &EndpointName, outcome: FetchOutcome, reason: &'static str) {
        self.fetches
            .with_label_values(&[endpoint.as_str(), outcome.label(), reason])
            .inc();
    }

    pub(super) fn worked(&self, endpoint: &EndpointName, outcome: WorkOutcome) {
        self.attempts
            .with_label_values(&[endpoint.as_str(), outcome.label()])
            .inc();
    }

    pub(super) fn analyzed(&self, endpoint: &EndpointName, took: Duration, audio_seconds: f64) {
        self.analysis_seconds
            .with_label_values(&[endpoint.as_str()])
            .observe(took.as_secs_f64());
        self.audio_seconds
            .with_label_values(&[endpoint.as_str()])
            .inc_by(audio_seconds.max(0.0));
    }

    pub(super) fn called_back(&self, endpoint: &EndpointName, record: &DeliveryRecord) {
        let (outcome, reason) = outcome_and_reason(record);
        self.callbacks
            .with_label_values(&[endpoint.as_str(), outcome, reason])
            .inc();
    }

    pub(super) fn finished(&self, endpoint: &EndpointName, met: Met) {
        self.finished.with_label_values(&[endpoint.as_str(), met.label()]).inc();
    }

    /// Audio without a length has no factor.
    pub(super) fn answered(&self, endpoint: &EndpointName, took_seconds: f64, audio_seconds: f64) {
        self.result_seconds
            .with_label_values(&[endpoint.as_str()])
            .observe(took_seconds);
        if audio_seconds > 0.0 {
            self.result_audio_factor
                .with_label_values(&[endpoint.as_str()])
                .observe(took_seconds / audio_seconds);
        }
    }

    pub(super) fn show(&self, gauges: &Gauges) {
        for (state, jobs) in &gauges.jobs {
            let jobs = i64::try_from(*jobs).unwrap_or(i64::MAX);
            self.queue_jobs.with_label_values(&[state.label()]).set(jobs);
        }
        self.queue_oldest_seconds.set(gauges.oldest_seconds);
    }
}

/// What followed an attempt at a callback, and why.
pub(super) fn outcome_and_reason(record: &DeliveryRecord) -> (&'static str, &'static str) {
    match record {
        DeliveryRecord::Confirmed => ("confirmed", "none"),
        DeliveryRecord::Retry { reason, .. } => ("retried", reason),
        DeliveryRecord::Rejected { reason } => ("rejected", reason),
        DeliveryRecord::Expired => ("expired", "none"),
    }
}
