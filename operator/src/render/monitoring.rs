//! What tells the Prometheus Operator of an add-on: a PodMonitor, and a PrometheusRule with its alerts.

mod alert;
mod queue;
mod requests;
mod sla;
mod standing;

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{labels, metadata, names, pod};
use crate::dereference::monitoring::Served;
use crate::kind::Kind;
use crate::validate::{Monitors, ValidatedAddon};

/// The component of what concerns all pods.
const COMPONENT: &str = "monitoring";

/// None, unless they are wanted and the cluster has the kinds.
pub(super) fn render(addon: &ValidatedAddon) -> Vec<(Kind, DynamicObject)> {
    let Some(monitors) = &addon.monitors else {
        return Vec::new();
    };
    let Served {
        pod_monitors,
        prometheus_rules,
    } = monitors.served;
    let pod_monitor = pod_monitors.then(|| (Kind::PodMonitor, pod_monitor(addon, monitors)));
    let rules = prometheus_rules.then(|| (Kind::PrometheusRule, groups(addon, monitors)));
    pod_monitor
        .into_iter()
        .chain(rules)
        .map(|(kind, spec)| (kind, object(addon, &monitors.labels, kind, &spec)))
        .collect()
}

fn object(addon: &ValidatedAddon, wanted: &BTreeMap<String, String>, kind: Kind, spec: &Value) -> DynamicObject {
    let name = names::front(&addon.name);
    let mut object = DynamicObject::new(&name, &kind.resource());
    object.metadata = metadata(addon, name, COMPONENT);
    let ours = object.metadata.labels.take().unwrap_or_default();
    object.metadata.labels = Some(wanted.clone().into_iter().chain(ours).collect());
    object.data = json!({ "spec": spec });
    object
}

/// The pods of both parts. The label `endpoint` that the Prometheus Operator gives a target is dropped: it would displace the
/// service's own, which names the endpoint of a request.
fn pod_monitor(addon: &ValidatedAddon, monitors: &Monitors) -> Value {
    json!({
        "selector": {"matchLabels": labels::selector_of_both(&addon.name)},
        "podMetricsEndpoints": [{
            "port": pod::ADMIN,
            "path": "/metrics",
            "interval": format!("{}s", monitors.interval_seconds),
            "relabelings": [{"action": "labeldrop", "regex": "endpoint"}],
        }],
    })
}

/// What cannot happen to the add-on has no alert.
fn groups(addon: &ValidatedAddon, monitors: &Monitors) -> Value {
    let groups = [
        ("standing", standing::alerts(addon)),
        ("requests", requests::alerts(addon)),
        (
            "queue",
            if addon.has_jobs {
                queue::alerts(addon)
            } else {
                Vec::new()
            },
        ),
        ("sla", if addon.has_jobs { sla::alerts(addon) } else { Vec::new() }),
    ];
    let groups = groups.iter().filter(|(_, alerts)| !alerts.is_empty());
    let groups = groups.map(|(part, alerts)| {
        let rules = alerts.iter().map(|alert| alert.rule(&monitors.runbook_url));
        json!({
            "name": format!("marketplace-addon.{part}"),
            "rules": rules.collect::<Vec<_>>(),
        })
    });
    json!({ "groups": groups.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{addon, valid};

    #[test]
    fn the_pods_of_one_addon_are_read_whatever_its_name_is() {
        let mut addon = addon();
        addon.spec.monitoring.enabled = Some(true);
        addon.metadata.name = Some(COMPONENT.to_owned());
        let rendered = render(&valid(&addon));
        let monitor = rendered.iter().find(|(kind, _)| *kind == Kind::PodMonitor);
        let selector = monitor.map(|(_, monitor)| monitor.data["spec"]["selector"]["matchLabels"].clone());
        assert_eq!(
            selector,
            Some(json!({"app.kubernetes.io/name": "marketplace-addon", "app.kubernetes.io/instance": COMPONENT}))
        );
    }
}
