//! One alert, and the words in which expressions speak of an add-on's series. By our own label alone, whatever else a scrape
//! adds; summed over everything else, so that an alert is one and not one for each pod.

use serde_json::{Value, json};

use crate::validate::ValidatedAddon;

/// How soon a person is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Now: customers are refused or deadlines are missed.
    Critical,
    /// In working hours.
    Warning,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// An alert.
#[derive(Clone, Debug)]
pub(super) struct Alert {
    /// Also the section of the runbook.
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    /// For how long the expression must hold.
    pub(super) minutes: u32,
    pub(super) expression: String,
    /// What is wrong; the name of the add-on follows.
    pub(super) summary: &'static str,
    /// What that means, with figures where the expression has one.
    pub(super) description: String,
}

impl Alert {
    /// As a PrometheusRule has it.
    pub(super) fn rule(&self, runbook_url: &str) -> Value {
        json!({
            "alert": self.name,
            "expr": self.expression,
            "for": format!("{}m", self.minutes),
            "labels": {"severity": self.severity.as_str()},
            "annotations": {
                "summary": format!("{}: {{{{ $labels.addon }}}}", self.summary),
                "description": self.description,
                "runbook_url": format!("{runbook_url}#{}", self.name.to_lowercase()),
            },
        })
    }
}

/// The series of a metric that are the add-on's, with more matchers behind a comma.
pub(super) fn series(addon: &ValidatedAddon, metric: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!("{metric}{{addon=\"{}/{}\"{comma}{more}}}", addon.namespace, addon.name)
}

/// How much a counter has grown within a time.
pub(super) fn grown(series: &str, within: &str) -> String {
    format!("sum by (addon) (increase({series}[{within}]))")
}

/// Whether more than this share of all is of one kind, and more than three are: of few, one is a large share.
pub(super) fn too_many(some: &str, all: &str, share: f64) -> String {
    format!("({some} / {all} > {share:.2}) and ({some} > 3)")
}
