//! The environment of the service's container and of partners': what is declared, and nothing of ours.

use k8s_openapi::api::core::v1::{ConfigMapKeySelector, EnvVar, EnvVarSource, SecretKeySelector};
use marketplace_crds::workload::{EnvironmentVariable, KeyReference, ValueFrom};

use crate::validate::ValidatedAddon;

pub(super) fn render(addon: &ValidatedAddon) -> Option<Vec<EnvVar>> {
    variables(&addon.pods.env)
}

/// None where there are none: an empty list would be another declaration than no list.
pub(super) fn variables(declared: &[EnvironmentVariable]) -> Option<Vec<EnvVar>> {
    let variables: Vec<_> = declared.iter().map(variable).collect();
    (!variables.is_empty()).then_some(variables)
}

fn variable(declared: &EnvironmentVariable) -> EnvVar {
    let EnvironmentVariable {
        name,
        value,
        value_from,
    } = declared.clone();
    EnvVar {
        name,
        value,
        value_from: value_from.map(source),
    }
}

fn source(declared: ValueFrom) -> EnvVarSource {
    let ValueFrom {
        secret_key_ref,
        config_map_key_ref,
    } = declared;
    EnvVarSource {
        secret_key_ref: secret_key_ref.map(|KeyReference { name, key }| SecretKeySelector {
            name,
            key,
            optional: None,
        }),
        config_map_key_ref: config_map_key_ref.map(|KeyReference { name, key }| ConfigMapKeySelector {
            name,
            key,
            optional: None,
        }),
        ..EnvVarSource::default()
    }
}
