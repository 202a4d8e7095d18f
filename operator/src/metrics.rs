//! The operator's own metrics. Labels come from enums only.

use std::time::Duration;

use marketplace_daemon::definition::{Definition, Kind as Metric, Label, Values, table};
use prometheus::{DEFAULT_BUCKETS, Histogram, IntCounterVec, IntGauge, Registry};

use crate::kind::Kind;

const KIND: Label = Label {
    name: "kind",
    values: Values::Of("the kind of a child, as Kubernetes writes it"),
};

const RECONCILES: Definition = Definition {
    name: "marketplace_operator_reconciles_total",
    kind: Metric::Counter,
    unit: "passes",
    help: "Passes over an add-on, by outcome.",
    labels: &[Label {
        name: "outcome",
        values: Values::Of("Applied, Suspended, or the category of what was wrong"),
    }],
};

const RECONCILE_SECONDS: Definition = Definition {
    name: "marketplace_operator_reconcile_seconds",
    kind: Metric::Histogram(DEFAULT_BUCKETS),
    unit: "seconds",
    help: "How long a pass over an add-on takes.",
    labels: &[],
};

const APPLIES: Definition = Definition {
    name: "marketplace_operator_applies_total",
    kind: Metric::Counter,
    unit: "children",
    help: "Children sent to the API server, by kind and by whether that changed them.",
    labels: &[
        KIND,
        Label {
            name: "changed",
            values: Values::Words(|| vec!["true", "false"]),
        },
    ],
};

const PRUNES: Definition = Definition {
    name: "marketplace_operator_prunes_total",
    kind: Metric::Counter,
    unit: "children",
    help: "Children deleted because their add-on no longer names them.",
    labels: &[KIND],
};

const WATCH_ERRORS: Definition = Definition {
    name: "marketplace_operator_watch_errors_total",
    kind: Metric::Counter,
    unit: "failures",
    help: "Failures of a watch; each is tried again with a back-off of its own.",
    labels: &[Label {
        name: "resource",
        values: Values::Of("what is watched"),
    }],
};

const LEADER: Definition = Definition {
    name: "marketplace_operator_leader",
    kind: Metric::Gauge,
    unit: "0 or 1",
    help: "Whether this replica is the one that writes. The sum over all replicas is 1, and for seconds 0 when the leader changes.",
    labels: &[],
};

/// The operator's part of docs/metrics.md.
#[must_use]
pub fn document() -> String {
    let all = [
        &RECONCILES,
        &RECONCILE_SECONDS,
        &APPLIES,
        &PRUNES,
        &WATCH_ERRORS,
        &LEADER,
        &crate::silence::WATCH_SILENCE,
    ];
    format!("\n## The operator\n\n{}", table(&all))
}

/// What the operator counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    reconciles: IntCounterVec,
    reconcile_seconds: Histogram,
    applies: IntCounterVec,
    prunes: IntCounterVec,
    watch_errors: IntCounterVec,
    leader: IntGauge,
}

impl Metrics {
    /// Registers every metric.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |definition: &Definition| {
            let counter = definition.counters(&[])?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let metrics = Self {
            reconciles: counters(&RECONCILES)?,
            reconcile_seconds: RECONCILE_SECONDS.histogram(&[])?,
            applies: counters(&APPLIES)?,
            prunes: counters(&PRUNES)?,
            watch_errors: counters(&WATCH_ERRORS)?,
            leader: LEADER.gauge(&[])?,
        };
        registry.register(Box::new(metrics.leader.clone()))?;
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

    /// Whether this replica writes.
    pub fn set_leader(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }
}
