//! The identity of the pods. They never speak to the API server, so it has no token.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::{labels, metadata, names};
use crate::validate::ValidatedAddon;

pub(super) fn render(addon: &ValidatedAddon) -> ServiceAccount {
    ServiceAccount {
        metadata: metadata(addon, names::front(&addon.name), labels::FRONT),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
