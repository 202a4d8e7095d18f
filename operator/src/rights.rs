//! What the operator must be allowed to do. The chart grants exactly this, which a test below holds; `doctor` asks the API
//! server for each.

/// A right: a group, a resource of it, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The group; empty for the core.
    pub group: &'static str,
    /// The resource, with `/status` for that part of it.
    pub resource: &'static str,
    /// What is done with it.
    pub verbs: &'static [&'static str],
}

const fn right(group: &'static str, resource: &'static str, verbs: &'static [&'static str]) -> Right {
    Right { group, resource, verbs }
}

const CHILD: &[&str] = &["get", "list", "watch", "create", "patch"];
const PRUNABLE: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// Everything, in the namespaces that are watched.
pub const RIGHTS: &[Right] = &[
    right("marketplace-operator.dev", "marketplaceaddons", &["list", "watch"]),
    right("marketplace-operator.dev", "marketplaceaddons/status", &["patch"]),
    right("", "secrets", &["get", "patch"]),
    right("", "secrets", &["create"]),
    right("", "configmaps", PRUNABLE),
    right("", "persistentvolumeclaims", PRUNABLE),
    right("", "serviceaccounts", CHILD),
    right("", "services", CHILD),
    right("apps", "deployments", PRUNABLE),
    right("networking.k8s.io", "networkpolicies", PRUNABLE),
    right("policy", "poddisruptionbudgets", PRUNABLE),
    right("autoscaling", "horizontalpodautoscalers", PRUNABLE),
    right("keda.sh", "scaledobjects", PRUNABLE),
    right("monitoring.coreos.com", "podmonitors", PRUNABLE),
    right("monitoring.coreos.com", "prometheusrules", PRUNABLE),
    right("networking.k8s.io", "ingresses", PRUNABLE),
    right("gateway.networking.k8s.io", "httproutes", PRUNABLE),
    right("", "pods", &["list", "watch"]),
    right("events.k8s.io", "events", &["create", "patch"]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    type Row = (String, String, String);

    fn words(value: &Value) -> Vec<String> {
        let words = value.as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The rules of the chart, which are YAML but for the lines that limit the names.
    fn granted() -> BTreeSet<Row> {
        let template = include_str!("../../charts/marketplace-operator/templates/_helpers.tpl");
        let (_, rules) = template
            .split_once(r#"{{- define "operator.rules" -}}"#)
            .expect("the chart has rules");
        let (rules, _) = rules.split_once("{{- end -}}").expect("the definition ends");
        let lines = rules.lines().filter(|line| !line.contains("{{"));
        let rules: Value = serde_yaml::from_str(&lines.collect::<Vec<_>>().join("\n")).expect("the rest is YAML");
        let mut rows = BTreeSet::new();
        for rule in rules.as_array().into_iter().flatten() {
            for group in words(&rule["apiGroups"]) {
                for resource in words(&rule["resources"]) {
                    for verb in words(&rule["verbs"]) {
                        rows.insert((group.clone(), resource.clone(), verb));
                    }
                }
            }
        }
        rows
    }

    #[test]
    fn the_chart_grants_what_the_operator_needs_and_nothing_else() {
        let needed: BTreeSet<Row> = RIGHTS
            .iter()
            .flat_map(|right| {
                right
                    .verbs
                    .iter()
                    .map(|verb| (right.group.to_owned(), right.resource.to_owned(), (*verb).to_owned()))
            })
            .collect();
        assert_eq!(granted(), needed);
    }
}
