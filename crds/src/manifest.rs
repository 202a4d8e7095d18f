//! Reads a manifest as a person writes it: the file that one would `kubectl apply`. Called by every program that takes
//! `-f addon.yaml`, and by the service in its pod.

use std::sync::LazyLock;

use kube::core::cel::{CompiledSchema, ErrorKind, ValidationErrors, compile_schema, validate_compiled};
use serde::Deserialize;
use serde_json::Value;

use crate::MarketplaceAddon;

mod unevaluated;

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadManifest {
    /// The text is not YAML.
    #[error("the manifest is not valid YAML: {0}")]
    ParseYaml(#[source] serde_yaml::Error),
    /// There is nothing in it for us.
    #[error("the manifest holds no MarketplaceAddon of apiVersion marketplace-operator.dev/v1alpha1")]
    FindAddon,
    /// A service runs one add-on.
    #[error("the manifest holds {0} MarketplaceAddons; give each a file of its own")]
    ChooseAddon(usize),
    /// A field has the wrong type, or a required one is missing.
    #[error("{path}: {problem}")]
    ParseField {
        /// Where, as a dotted path.
        path: String,
        /// What serde says of it.
        problem: String,
    },
    /// A field that the resource does not have: most often misspelt.
    #[error("unknown field: {}", .0.join(", "))]
    KnowField(Vec<String>),
    /// A rule of the resource is not kept.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    KeepRules(Vec<Violation>),
}

/// A rule of the resource that is not kept, in the words that the API server would use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a dotted path such as `spec.endpoints[0].path`.
    pub path: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() {
            write!(formatter, "{}", self.message)
        } else {
            write!(formatter, "{}: {}", self.path, self.message)
        }
    }
}

/// Reads the one `MarketplaceAddon` of a manifest; documents of other kinds are passed over.
///
/// # Errors
/// Names the field and what to write instead. Unknown fields are refused by path: the API server would prune them, and
/// a misspelt setting must not be lost in silence.
pub fn read(text: &str) -> Result<MarketplaceAddon, ReadManifest> {
    let mut addons = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let document = Value::deserialize(document).map_err(ReadManifest::ParseYaml)?;
        if document["kind"] == "MarketplaceAddon" && document["apiVersion"] == "marketplace-operator.dev/v1alpha1" {
            addons.push(document);
        }
    }
    let addon = match addons.len() {
        1 => parse(addons.swap_remove(0))?,
        0 => return Err(ReadManifest::FindAddon),
        many => return Err(ReadManifest::ChooseAddon(many)),
    };
    let violations = violations(&addon);
    if violations.is_empty() {
        Ok(addon)
    } else {
        Err(ReadManifest::KeepRules(violations))
    }
}

fn parse(mut document: Value) -> Result<MarketplaceAddon, ReadManifest> {
    let mut unknown = Vec::new();
    if let Some(root) = document.as_object_mut() {
        // what they say was checked by `read`; the derived type has no field for them
        root.remove("apiVersion");
        root.remove("kind");
    }
    let mut track = serde_path_to_error::Track::new();
    let located = serde_path_to_error::Deserializer::new(document, &mut track);
    let addon = serde_ignored::deserialize(located, |path| unknown.push(dotted(&path)));
    let addon = addon.map_err(|problem| ReadManifest::ParseField {
        path: track.path().to_string(),
        problem: problem.to_string(),
    })?;
    if unknown.is_empty() {
        Ok(addon)
    } else {
        Err(ReadManifest::KnowField(unknown))
    }
}

/// `serde_ignored` writes list positions and options as segments of their own (`endpoints.0.?.pathh`).
fn dotted(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", dotted(parent)),
        Path::Map { parent, key } => match dotted(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => dotted(parent),
    }
}

/// Evaluates the resource's own rules, as the API server does at admission.
pub fn violations(addon: &MarketplaceAddon) -> Vec<Violation> {
    evaluated(addon, None)
}

/// Evaluates the resource's own rules for a change, those about what may not change included.
pub fn violations_of_update(addon: &MarketplaceAddon, before: &MarketplaceAddon) -> Vec<Violation> {
    evaluated(addon, Some(before))
}

/// What `validate_cel` of the resource does, but that the rules are compiled once and not each time: that takes a hundred
/// times as long as their evaluation, and the operator evaluates them in each pass.
fn evaluated(addon: &MarketplaceAddon, before: Option<&MarketplaceAddon>) -> Vec<Violation> {
    static RULES: LazyLock<CompiledSchema> = LazyLock::new(|| {
        let mut versions = crate::definition().spec.versions.into_iter();
        let schema = versions.find_map(|version| version.schema?.open_api_v3_schema);
        let schema = schema.expect("the definition is derived with its schema");
        compile_schema(&serde_json::to_value(schema).expect("a schema is JSON"))
    });
    let value = |addon: &MarketplaceAddon| serde_json::to_value(addon).expect("the resource is JSON");
    let before = before.map(value);
    to_violations(validate_compiled(&RULES, &value(addon), before.as_ref()))
}

fn to_violations(verdict: Result<(), ValidationErrors>) -> Vec<Violation> {
    let Err(errors) = verdict else { return Vec::new() };
    let mut violations: Vec<_> = errors
        .into_vec()
        .into_iter()
        .map(|error| Violation {
            message: match error.kind {
                ErrorKind::ValidationFailure => error.message,
                ErrorKind::EvaluationError => {
                    format!(
                        "{} evaluating rule: {}",
                        error.message,
                        unevaluated::sentence(&error.rule)
                    )
                }
                _ => format!("failed to evaluate {}: {}", error.rule, error.message),
            },
            path: error.field_path,
        })
        .collect();
    // They come in the order of a hash map: a condition that quotes them would change each time.
    violations.sort_by(|one, other| (&one.path, &one.message).cmp(&(&other.path, &other.message)));
    violations
}

#[cfg(test)]
mod tests {
    use super::{ReadManifest, read, to_violations, violations};

    const GOOD: &str = include_str!("../fixtures/call-insights.yaml");

    fn refusal(text: &str) -> String {
        read(text).map_or_else(|refusal| refusal.to_string(), |_| "accepted".to_owned())
    }

    #[test]
    fn reads_the_addon_and_passes_over_other_kinds() {
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: twilio}}\n---\n{GOOD}");
        let addon = read(&text).expect("the fixture is good");
        assert_eq!(addon.metadata.name.as_deref(), Some("call-insights"));
        assert_eq!(addon.spec.sla.cutoff_factor, 10);
        assert_eq!(addon.spec.callbacks.allowed_hosts, ["*.twilio.com"]);
    }

    #[test]
    fn names_a_misspelt_field_by_its_path() {
        assert_eq!(
            refusal(&GOOD.replace("path: /incoming-sms", "path: /incoming-sms\n    paths: x")),
            "unknown field: spec.endpoints[1].paths"
        );
    }

    #[test]
    fn names_a_field_of_the_wrong_type_by_its_path() {
        let refusal = refusal(&GOOD.replace("floorSeconds: 20", "floorSeconds: soon"));
        assert!(refusal.starts_with("spec.sla.floorSeconds: invalid type"), "{refusal}");
    }

    #[test]
    fn says_what_to_write_instead_when_a_rule_is_not_kept() {
        let refusal = refusal(&GOOD.replace("floorSeconds: 20", "floorSeconds: 0"));
        assert_eq!(
            refusal,
            "spec.sla.floorSeconds: sla.floorSeconds must be between 1 and 86400"
        );
    }

    #[test]
    fn says_what_the_derived_rules_say() {
        let mut addon = read(GOOD).expect("the fixture is good");
        addon.spec.sla.floor_seconds = 0;
        addon.spec.public_url = "gopher://addons".to_owned();
        let derived = to_violations(addon.validate_cel());
        assert!(derived.len() >= 2, "{derived:?}");
        assert_eq!(violations(&addon), derived);
    }

    #[test]
    fn refuses_a_manifest_without_an_addon_and_one_with_two() {
        assert!(matches!(read("kind: Pod"), Err(ReadManifest::FindAddon)));
        assert!(matches!(
            read(&format!("{GOOD}\n---\n{GOOD}")),
            Err(ReadManifest::ChooseAddon(2))
        ));
        assert!(matches!(read("a: [b"), Err(ReadManifest::ParseYaml(_))));
    }
}
