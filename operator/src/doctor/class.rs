//! Pure: whether a class that an object names, or leaves to the cluster, is there. Storage and ingress are chosen alike.

use kube::ResourceExt;

use super::Finding;

/// What is chosen by a class.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    /// What a class of it is called: `storage class`.
    pub kind: &'a str,
    /// The field that names one.
    pub field: &'a str,
    /// The name that the add-on gives; none: the default.
    pub name: Option<&'a str>,
    /// By which annotation a class says that it is the default.
    pub default_annotation: &'a str,
}

pub(super) fn judge<K: ResourceExt>(choice: Choice<'_>, classes: &[K]) -> Finding {
    let Choice {
        kind,
        field,
        name,
        default_annotation,
    } = choice;
    let names: Vec<_> = classes.iter().map(ResourceExt::name_any).collect();
    let there = if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    };
    let is_default = |class: &&K| {
        let said = class.annotations().get(default_annotation);
        said.is_some_and(|value| value == "true")
    };
    match (name, classes.iter().find(is_default)) {
        (Some(name), _) if names.iter().any(|known| known == name) => Finding::fine(format!("{kind} {name}")),
        (Some(name), _) => Finding::lacking(
            format!("{kind} {name}"),
            format!("set {field} to one that exists: {there}"),
        ),
        (None, Some(class)) => Finding::fine(format!("default {kind} {}", class.name_any())),
        (None, None) => Finding::lacking(
            format!("a default {kind}"),
            format!("set {field} to one that exists: {there}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::networking::v1::IngressClass;
    use serde_json::json;

    use super::*;

    fn told(name: Option<&str>, classes: &[IngressClass]) -> String {
        let choice = Choice {
            kind: "ingress class",
            field: "className",
            name,
            default_annotation: "is-default",
        };
        let Finding { verdict, what, fix } = judge(choice, classes);
        format!("{verdict:?} {what}: {fix}")
    }

    #[test]
    fn a_class_is_the_named_one_or_the_default() -> Result<(), serde_json::Error> {
        let classes = [
            serde_json::from_value(json!({"metadata": {"name": "nginx"}}))?,
            serde_json::from_value(json!({"metadata": {"name": "traefik", "annotations": {"is-default": "true"}}}))?,
        ];
        assert_eq!(told(Some("nginx"), &classes), "Fine ingress class nginx: ");
        assert_eq!(told(None, &classes), "Fine default ingress class traefik: ");
        assert_eq!(
            told(Some("quay"), &classes),
            "Lacking ingress class quay: set className to one that exists: nginx, traefik"
        );
        assert_eq!(
            told(None, &classes[..1]),
            "Lacking a default ingress class: set className to one that exists: nginx"
        );
        assert_eq!(
            told(None, &[]),
            "Lacking a default ingress class: set className to one that exists: none"
        );
        Ok(())
    }
}
