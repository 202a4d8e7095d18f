//! Merges what a person wants otherwise into a pod, by Kubernetes' own rules as far as they need no schema: objects member
//! by member, lists of named members by their name, everything else as a whole. Called when a Deployment is about to be sent.

use serde_json::{Map, Value};

/// In a member of a list: removes the member of that name.
const DIRECTIVE: &str = "$patch";
const DELETE: &str = "delete";

/// By what the members of a list of this name are told apart; none: the list is one value.
fn merge_key(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "initContainers" | "volumes" | "env" | "imagePullSecrets" | "resourceClaims" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        "volumeDevices" => Some("devicePath"),
        "ports" => Some("containerPort"),
        "hostAliases" => Some("ip"),
        "topologySpreadConstraints" => Some("topologyKey"),
        _ => None,
    }
}

/// Merges the members of an object into another one.
pub(crate) fn merge(into: &mut Value, overrides: &Map<String, Value>) {
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Some(members) = into.as_object_mut() else { return };
    for (name, wanted) in overrides {
        match (wanted, merge_key(name)) {
            (Value::Null, _) => {
                members.remove(name);
            }
            (Value::Object(wanted), _) => merge(members.entry(name).or_insert(Value::Null), wanted),
            (Value::Array(wanted), Some(key)) if wanted.iter().all(|member| member.get(key).is_some()) => {
                merge_list(members.entry(name).or_insert(Value::Null), wanted, key);
            }
            (other, _) => {
                members.insert(name.clone(), other.clone());
            }
        }
    }
}

/// Members that are there keep their place, new ones follow.
fn merge_list(into: &mut Value, overrides: &[Value], key: &str) {
    if !into.is_array() {
        *into = Value::Array(Vec::new());
    }
    let Some(members) = into.as_array_mut() else { return };
    for wanted in overrides {
        let place = members.iter().position(|member| member.get(key) == wanted.get(key));
        let is_deleted = wanted.get(DIRECTIVE).is_some_and(|directive| directive == DELETE);
        match (wanted.as_object(), place) {
            (_, Some(place)) if is_deleted => drop(members.remove(place)),
            (Some(wanted), Some(place)) => merge(&mut members[place], wanted),
            (Some(wanted), None) if !is_deleted => {
                let mut member = Value::Null;
                merge(&mut member, wanted);
                members.push(member);
            }
            (Some(_) | None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(mut into: Value, overrides: &Value) -> Value {
        merge(&mut into, overrides.as_object().expect("an object"));
        into
    }

    #[test]
    fn objects_are_merged_and_a_null_removes() {
        let into = json!({"spec": {"securityContext": {"runAsUser": 1, "fsGroup": 2}, "hostUsers": true}});
        let overrides = json!({"spec": {"securityContext": {"fsGroup": null, "runAsGroup": 3}, "dnsConfig": {"searches": ["a"], "options": null}}});
        let expected = json!({"spec": {
            "securityContext": {"runAsUser": 1, "runAsGroup": 3}, "hostUsers": true, "dnsConfig": {"searches": ["a"]},
        }});
        assert_eq!(merged(into, &overrides), expected);
    }

    #[test]
    fn named_members_are_merged_added_and_removed_and_other_lists_replaced() {
        let into = json!({
            "containers": [{"name": "service", "args": ["run", "-f"], "volumeMounts": [{"name": "a", "mountPath": "/a"}]}],
            "volumes": [{"name": "a"}, {"name": "b"}],
            "tolerations": [{"key": "old"}],
        });
        let overrides = json!({
            "containers": [
                {"name": "proxy", "image": "p"},
                {"name": "service", "args": ["help"], "volumeMounts": [{"name": "c", "mountPath": "/c"}], "env": [{"name": "A", "value": "1"}]},
            ],
            "volumes": [{"name": "b", "$patch": "delete"}, {"name": "gone", "$patch": "delete"}, {"name": "c", "emptyDir": {}}],
            "tolerations": [{"key": "new"}],
        });
        let expected = json!({
            "containers": [
                {"name": "service", "args": ["help"], "volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "c", "mountPath": "/c"}], "env": [{"name": "A", "value": "1"}]},
                {"name": "proxy", "image": "p"},
            ],
            "volumes": [{"name": "a"}, {"name": "c", "emptyDir": {}}],
            "tolerations": [{"key": "new"}],
        });
        assert_eq!(merged(into, &overrides), expected);
    }

    #[test]
    fn merging_twice_is_merging_once() {
        let overrides = json!({"volumes": [{"name": "c", "emptyDir": {}}], "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["a"]}]});
        let once = merged(json!({"volumes": []}), &overrides);
        assert_eq!(merged(once.clone(), &overrides), once);
    }
}
