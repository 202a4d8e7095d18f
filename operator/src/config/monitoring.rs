//! The flags that say what the Prometheus Operator is told of add-ons that do not say it themselves.

use std::collections::BTreeMap;

use clap::Args;

use crate::validate::MonitoringDefaults;
use crate::validate::monitoring::{INTERVAL_SECONDS, RUNBOOK_URL};

/// What the Prometheus Operator is told of every add-on that does not say it itself.
#[derive(Clone, Debug, Args)]
pub struct MonitoringOptions {
    /// Make a PodMonitor and a PrometheusRule for every add-on that does not say whether it wants them
    /// (spec.monitoring.enabled). Where the cluster does not know them, none is made.
    #[arg(long = "monitoring", env = "MONITORING")]
    pub enabled: bool,
    /// A label of each of them, by which a Prometheus selects them, NAME=VALUE; more by repeating it or with commas.
    #[arg(long = "monitoring-label", env = "MONITORING_LABELS", value_name = "NAME=VALUE", value_delimiter = ',', value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// How often the metrics are read, in seconds.
    #[arg(long = "monitoring-interval", env = "MONITORING_INTERVAL_SECONDS", default_value_t = INTERVAL_SECONDS, value_parser = clap::value_parser!(i32).range(5..=120))]
    pub interval_seconds: i32,
    /// Where the runbook is read that alerts point to; `#` and the name of the alert are added.
    #[arg(long, env = "RUNBOOK_URL", default_value = RUNBOOK_URL)]
    pub runbook_url: String,
}

impl Default for MonitoringOptions {
    fn default() -> Self {
        Self {
            enabled: false,
            labels: Vec::new(),
            interval_seconds: INTERVAL_SECONDS,
            runbook_url: RUNBOOK_URL.to_owned(),
        }
    }
}

/// Labels of ours are refused: by them the operator finds its objects.
fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() || marketplace_crds::workload::RESERVED_LABELS.contains(&name) {
        return Err(format!("{name:?} cannot be set: choose another name"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

impl MonitoringOptions {
    /// What add-ons are told where they do not say it.
    #[must_use]
    pub fn defaults(&self) -> MonitoringDefaults {
        let Self {
            enabled,
            labels,
            interval_seconds,
            runbook_url,
        } = self.clone();
        MonitoringDefaults {
            enabled,
            labels: labels.into_iter().collect::<BTreeMap<_, _>>(),
            interval_seconds,
            runbook_url,
        }
    }
}
