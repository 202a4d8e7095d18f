//! What is told of the work: its outcomes, its speed, its deadlines, and how full the queue is. Every series carries the
//! add-on; the other labels are endpoints of its resource and words of ours.

use std::collections::HashMap;
use std::time::Duration;

use prometheus::{CounterVec, Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::deadline::Met;
use crate::domain::{AddonKey, EndpointName};
use crate::queue::{DeliveryRecord, Gauges};

/// From a short clip to the longest recording on a slow machine.
const ANALYSIS_BUCKETS_SECONDS: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0];

/// From a short clip that is answered at once to the longest recording of a day that went badly.
const RESULT_BUCKETS_SECONDS: [f64; 10] = [1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0];
/// Around the Marketplace's own bounds: median within 3 times the audio, 99 % within 5, failed after 10.
const RESULT_BUCKETS_FACTOR: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0];

/// How an attempt at a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkOutcome {
    /// With a result.
    Analyzed,
    /// With an error result.
    GaveUp,
    /// To be tried again.
    Failed,
    /// Given back, uncounted.
    Released,
    /// Too late: another has it.
    LeaseLost,
}

impl WorkOutcome {
    fn label(self) -> &'static str {
        match self {
            Self::Analyzed => "analyzed",
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
        let labels = HashMap::from([("addon".to_owned(), addon.as_str().to_owned())]);
        let opts = |name: &str, help: &str| Opts::new(name, help).const_labels(labels.clone());
        let metrics = Self {
            attempts: IntCounterVec::new(
                opts("marketplace_job_attempts_total", "Attempts at jobs by how they ended"),
                &["endpoint", "outcome"],
            )?,
            analysis_seconds: HistogramVec::new(
                HistogramOpts::new("marketplace_analysis_seconds", "Time that an analysis took")
                    .const_labels(labels.clone())
                    .buckets(ANALYSIS_BUCKETS_SECONDS.to_vec()),
                &["endpoint"],
            )?,
            audio_seconds: CounterVec::new(
                opts(
                    "marketplace_analyzed_audio_seconds_total",
                    "Length of the audio that was analysed",
                ),
                &["endpoint"],
            )?,
            callbacks: IntCounterVec::new(
                opts(
                    "marketplace_callbacks_total",
                    "Attempts at callbacks by what followed and why",
                ),
                &["endpoint", "outcome", "reason"],
            )?,
            finished: IntCounterVec::new(
                opts(
                    "marketplace_jobs_finished_total",
                    "Jobs whose callback has ended by the tightest deadline it met",
                ),
                &["endpoint", "deadline"],
            )?,
            result_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "marketplace_result_seconds",
                    "From the acceptance of a recording to its confirmed callback",
                )
                .const_labels(labels.clone())
                .buckets(RESULT_BUCKETS_SECONDS.to_vec()),
                &["endpoint"],
            )?,
            result_audio_factor: HistogramVec::new(
                HistogramOpts::new(
                    "marketplace_result_audio_factor",
                    "From the acceptance of a recording to its confirmed callback, in lengths of its audio",
                )
                .const_labels(labels.clone())
                .buckets(RESULT_BUCKETS_FACTOR.to_vec()),
                &["endpoint"],
            )?,
            queue_jobs: IntGaugeVec::new(opts("marketplace_queue_jobs", "Jobs in the queue by state"), &["state"])?,
            queue_oldest_seconds: Gauge::with_opts(opts(
                "marketplace_queue_oldest_job_seconds",
                "Age of the oldest job that has no result",
            ))?,
        };
        metrics.show_in(registry)?;
        Ok(metrics)
    }

    fn show_in(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let Self {
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
        let (outcome, reason) = match record {
            DeliveryRecord::Confirmed => ("confirmed", "none"),
            DeliveryRecord::Retry { reason, .. } => ("retried", *reason),
            DeliveryRecord::Rejected { reason } => ("rejected", *reason),
            DeliveryRecord::Expired => ("expired", "none"),
        };
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
