//! What the Prometheus Operator is to be told of an add-on: what the resource says, completed by what the operator is told,
//! as far as the cluster knows the kinds.

use std::collections::BTreeMap;

use marketplace_crds::monitoring::Monitoring;

use crate::dereference::monitoring::Served;

/// Where the sections of docs/runbook.md are read, unless the operator is told otherwise.
pub const RUNBOOK_URL: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/runbook.md");
/// How often metrics are read, unless somebody says otherwise.
pub const INTERVAL_SECONDS: i32 = 30;

/// What the operator decides where a resource is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoringDefaults {
    /// Whether the objects are made.
    pub enabled: bool,
    /// Labels of every one of them.
    pub labels: BTreeMap<String, String>,
    /// How often metrics are read.
    pub interval_seconds: i32,
    /// Where the runbook is read, without the section.
    pub runbook_url: String,
}

impl Default for MonitoringDefaults {
    fn default() -> Self {
        Self {
            enabled: false,
            labels: BTreeMap::new(),
            interval_seconds: INTERVAL_SECONDS,
            runbook_url: RUNBOOK_URL.to_owned(),
        }
    }
}

impl MonitoringDefaults {
    /// Whether an add-on with this section is to be told of.
    #[must_use]
    pub fn wants(&self, declared: &Monitoring) -> bool {
        declared.enabled.unwrap_or(self.enabled)
    }
}

/// What is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Monitors {
    /// The kinds that the cluster knows.
    pub served: Served,
    /// The labels by which a Prometheus selects them.
    pub labels: BTreeMap<String, String>,
    /// How often metrics are read.
    pub interval_seconds: i32,
    /// Where the runbook is read, without the section.
    pub runbook_url: String,
}

impl Monitors {
    /// None where nothing is wanted.
    pub(super) fn of(declared: &Monitoring, defaults: &MonitoringDefaults, served: Served) -> Option<Self> {
        let Monitoring {
            enabled: _,
            labels,
            interval_seconds,
        } = declared;
        defaults.wants(declared).then(|| {
            let mut all = defaults.labels.clone();
            all.extend(labels.clone());
            Self {
                served,
                labels: all,
                interval_seconds: interval_seconds.unwrap_or(defaults.interval_seconds),
                runbook_url: defaults.runbook_url.clone(),
            }
        })
    }
}
