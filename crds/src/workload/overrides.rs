//! `workload.podOverrides`: the one free object of the resource. Its form is that of a pod's template; `conflicts` says what
//! of it cannot be merged, because no rule of the resource can look inside.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RESERVED_LABELS;

/// An object in the form of a pod's, to be merged into one.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(transparent)]
pub struct PodOverrides(pub Map<String, Value>);

impl JsonSchema for PodOverrides {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PodOverrides".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
    }
}

impl PodOverrides {
    /// The first thing that cannot be merged whatever Kubernetes says, as the end of a sentence about podOverrides.
    #[must_use]
    pub fn conflict(&self) -> Option<String> {
        let Self(template) = self;
        let strange = template
            .keys()
            .find(|key| !["metadata", "spec"].contains(&key.as_str()));
        if let Some(key) = strange {
            return Some(format!(
                "has the member {key}: it takes metadata and spec, as in a Pod, and what belongs to the pods is below spec"
            ));
        }
        if let Some(name) = template
            .iter()
            .find_map(|(name, part)| (!part.is_object()).then_some(name))
        {
            return Some(format!(
                "has something else than an object under {name}: write an object"
            ));
        }
        let metadata = template.get("metadata").and_then(Value::as_object)?;
        if let Some(key) = metadata
            .keys()
            .find(|key| !["labels", "annotations"].contains(&key.as_str()))
        {
            return Some(format!(
                "has metadata.{key}: of the metadata only labels and annotations are merged"
            ));
        }
        let labels = metadata.get("labels").and_then(Value::as_object);
        let reserved = labels.and_then(|labels| RESERVED_LABELS.iter().find(|label| labels.contains_key(**label)));
        let removed = metadata.get("labels").is_some_and(Value::is_null);
        match reserved {
            Some(label) => Some(format!(
                "has the label {label}, by which the operator finds the pods: remove it"
            )),
            None if removed => Some("removes all labels, by which the operator finds the pods: leave them".to_owned()),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PodOverrides;

    #[test]
    fn only_what_is_a_pods_and_not_the_operators_is_merged() {
        for (overrides, expected) in [
            (json!({}), None),
            (
                json!({"spec": {"hostUsers": false}, "metadata": {"labels": {"team": "a"}}}),
                None,
            ),
            (json!({"containers": []}), Some("has the member containers")),
            (json!({"spec": null}), Some("under spec")),
            (json!({"metadata": {"name": "x"}}), Some("has metadata.name")),
            (json!({"metadata": {"labels": null}}), Some("removes all labels")),
            (
                json!({"metadata": {"labels": {"app.kubernetes.io/instance": "x"}}}),
                Some("has the label app.kubernetes.io/instance"),
            ),
        ] {
            let read: PodOverrides = serde_json::from_value(overrides.clone()).expect("it is an object");
            let said = read.conflict();
            match expected {
                None => assert_eq!(said, None, "{overrides}"),
                Some(words) => assert!(said.is_some_and(|said| said.contains(words)), "{overrides}"),
            }
        }
    }
}
