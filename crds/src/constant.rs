//! A parameter with a fixed value, written in the resource or kept in a Secret. Part of `crate::request`.

use std::collections::{BTreeMap, BTreeSet};

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::addon::MarketplaceAddon;
use crate::rules::{object_name, rule, source};

/// A parameter whose value never changes. Beside its name exactly one of `value` and `valueFrom`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.value) != has(self.valueFrom)",
    "each of request.constants must have exactly one of value and valueFrom: write value: TEXT, or valueFrom: {secretName: NAME, key: KEY}",
))]
pub struct Constant {
    /// Where it is, written as in `request.fields`: `query:apikey` for a parameter in the URL of a POST.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = source("the name of each of request.constants"))]
    pub name: String,

    /// What it must be, to the letter. Whoever may read this resource may read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub value: Option<String>,

    /// The Secret that holds what it must be, for a value that not everybody who may read this resource should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
}

/// One key of a Secret in the add-on's namespace. Its value is one line of text; a line end after it is passed over. A
/// change of it reaches running pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ValueFrom {
    /// The name of the Secret. Not that of spec.credentials: keep what every pod may read apart from the tokens.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = object_name("valueFrom.secretName"))]
    pub secret_name: String,

    /// The key in it.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rule(
        "self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')",
        "valueFrom.key must be a key of a Secret: letters, digits, '-', '_' and '.', and not '..' at its start",
    ))]
    pub key: String,
}

/// The Secrets that hold constants, each with the keys that are named of it.
#[must_use]
pub fn secrets(addon: &MarketplaceAddon) -> BTreeMap<String, BTreeSet<String>> {
    let requests = addon.spec.endpoints.iter().map(|endpoint| &endpoint.request);
    let constants = requests.flat_map(|request| request.constants.iter().flatten());
    let mut secrets = BTreeMap::<_, BTreeSet<_>>::new();
    for ValueFrom { secret_name, key } in constants.filter_map(|constant| constant.value_from.as_ref()) {
        secrets.entry(secret_name.clone()).or_default().insert(key.clone());
    }
    secrets
}
