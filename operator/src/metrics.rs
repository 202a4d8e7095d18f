//! The operator's own metrics. Labels come from enums only.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

use crate::kind::Kind;

/// What the operator counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    reconciles: IntCounterVec,
    reconcile_seconds: Histogram,
    applies: IntCounterVec,
    prunes: IntCounterVec,
    watch_errors: IntCounterVec,
}

impl Metrics {
    /// Registers every metric.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let metrics = Self {
            reconciles: counters(
                "marketplace_operator_reconciles_total",
                "Passes over an add-on, by outcome: Applied, Suspended, or the category of what was wrong.",
                &["outcome"],
            )?,
            reconcile_seconds: Histogram::with_opts(HistogramOpts::new(
                "marketplace_operator_reconcile_seconds",
                "How long a pass over an add-on takes.",
            ))?,
            applies: counters(
                "marketplace_operator_applies_total",
                "Children sent to the API server, by kind and by whether that changed them.",
                &["kind", "changed"],
            )?,
            prunes: counters(
                "marketplace_operator_prunes_total",
                "Children deleted because their add-on no longer names them.",
                &["kind"],
            )?,
            watch_errors: counters(
                "marketplace_operator_watch_errors_total",
                "Failures of a watch; each is tried again with a back-off of its own.",
                &["resource"],
            )?,
        };
        registry.register(Box::new(metrics.reconcile_seconds.clone()))?;
        Ok(metrics)
    }

    /// A pass is over.
    pub fn count_reconcile(&self, outcome: &str, took: Duration) {
        self.reconciles.with_label_values(&[outcome]).inc();
        self.reconcile_seconds.observe(took.as_secs_f64());
    }

    /// A child was sent.
    pub fn count_apply(&self, kind: Kind, changed: bool) {
        self.applies
            .with_label_values(&[kind.as_str(), if changed { "true" } else { "false" }])
            .inc();
    }

    /// A child was deleted.
    pub fn count_prune(&self, kind: Kind) {
        self.prunes.with_label_values(&[kind.as_str()]).inc();
    }

    /// A watch failed.
    pub fn count_watch_error(&self, resource: &str) {
        self.watch_errors.with_label_values(&[resource]).inc();
    }
}
