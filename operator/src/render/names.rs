//! The names of the children. Every one ends in a part of its own, so that two add-ons never want the same.

use sha2::{Digest, Sha256};

/// The Deployment, Service, ServiceAccount, NetworkPolicy and Ingress of the pods that take requests.
#[must_use]
pub fn front(addon: &str) -> String {
    format!("{addon}-front")
}

/// The Deployment, PodDisruptionBudget and NetworkPolicy of the pods that work on recordings.
#[must_use]
pub fn workers(addon: &str) -> String {
    format!("{addon}-workers")
}

/// The derived Secret.
#[must_use]
pub fn credentials(addon: &str) -> String {
    format!("{addon}-credentials")
}

/// The volume claim.
#[must_use]
pub fn data(addon: &str) -> String {
    format!("{addon}-data")
}

/// The ConfigMap: named by its content, because it is immutable and a new one must roll the pods.
#[must_use]
pub fn config(addon: &str, content: &str) -> String {
    format!("{addon}-config-{}", fingerprint(content))
}

/// The HTTPRoute of one of the add-on's hosts: the first is named like everything else in front.
#[must_use]
pub fn route(addon: &str, host: &str, is_first: bool) -> String {
    if is_first {
        front(addon)
    } else {
        format!("{}-{}", front(addon), fingerprint(host))
    }
}

/// The volume of a Secret in a pod: the name of a Secret may be too long, and have dots.
#[must_use]
pub fn secret_volume(secret: &str) -> String {
    format!("secret-{}", fingerprint(secret))
}

fn fingerprint(content: &str) -> String {
    hex::encode(&Sha256::digest(content)[..4])
}
