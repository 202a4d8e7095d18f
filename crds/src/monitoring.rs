//! The objects of the Prometheus Operator that are made for an add-on. Read by the operator alone.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::rules::{between, rule};

/// What the Prometheus Operator is told of the add-on: a PodMonitor, by which Prometheus finds the metrics of its pods, and a
/// PrometheusRule with alerts, among them on the SLA; what each means and what to do is in docs/runbook.md. What is unset here
/// is as the operator is told (values `monitoring` of its chart).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// Make both objects. Needs the definitions of monitoring.coreos.com/v1 in the cluster; where they are missing and this
    /// is true, the condition MonitoringActive says so, and the add-on runs all the same. Unset: as the operator is told, by
    /// default not. False: neither, and those that are there go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Labels of both objects, by which a Prometheus selects them (its podMonitorSelector and ruleSelector), for example
    /// `{release: kube-prometheus-stack}`. They are added to those that the operator is told of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels")]
    #[x_kube(validation = rule(
        "!('app.kubernetes.io/name' in self || 'app.kubernetes.io/instance' in self || 'app.kubernetes.io/component' in self || 'app.kubernetes.io/managed-by' in self)",
        "monitoring.labels must not set app.kubernetes.io/name, instance, component or managed-by, by which the operator finds its objects: choose other keys",
    ))]
    pub labels: BTreeMap<String, String>,

    /// How often the metrics are read. Unset: as the operator is told, by default every 30 seconds. The alerts look at five
    /// minutes and more, in which several readings must lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 120))]
    #[x_kube(validation = between(5, 120, "monitoring.intervalSeconds"))]
    pub interval_seconds: Option<i32>,
}

impl Monitoring {
    /// Whether nothing is declared: what the service reads has no such section, so that a manifest stays as it was.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": { "type": "string", "maxLength": 63 },
    })
}
