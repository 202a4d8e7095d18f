//! The add-on as the service reads it. Immutable and named by its content, so that pods of two versions each keep theirs
//! during a roll; the older one is pruned when the roll is done.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::{metadata, names};
use crate::validate::ValidatedAddon;

/// The key, and so the name of the file in the pod.
pub(super) const FILE: &str = "addon.yaml";

pub(super) fn render(addon: &ValidatedAddon) -> ConfigMap {
    ConfigMap {
        metadata: metadata(addon, names::config(&addon.name, &addon.manifest), "config"),
        immutable: Some(true),
        data: Some(BTreeMap::from([(FILE.to_owned(), addon.manifest.clone())])),
        ..ConfigMap::default()
    }
}
