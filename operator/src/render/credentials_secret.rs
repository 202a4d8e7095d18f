//! The named keys of the credentials, and nothing else that may lie in the Secret of the publisher.

use k8s_openapi::api::core::v1::Secret;

use super::{metadata, names};
use crate::validate::ValidatedAddon;

pub(super) fn render(addon: &ValidatedAddon) -> Secret {
    Secret {
        metadata: metadata(addon, names::credentials(&addon.name), "credentials"),
        type_: Some("Opaque".to_owned()),
        data: Some(addon.credentials.0.clone()),
        ..Secret::default()
    }
}
