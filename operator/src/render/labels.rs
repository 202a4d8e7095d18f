//! The labels of the children: by them the watches, the pruning and the selectors find what belongs to an add-on.

use std::collections::BTreeMap;

/// The add-on that a child belongs to.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

const ADDON: &str = "marketplace-addon";
/// The pods that take requests.
pub const FRONT: &str = "front";
/// The pods that work on recordings.
pub const WORKERS: &str = "workers";
/// Who made the child; also the field manager of every write.
pub const OPERATOR: &str = "marketplace-operator";

/// All labels of a child.
#[must_use]
pub fn of(addon: &str, component: &str) -> BTreeMap<String, String> {
    let mut labels = selector(addon, component);
    labels.insert(MANAGED_BY.to_owned(), OPERATOR.to_owned());
    labels
}

/// The labels by which pods are selected. They never change: a Deployment's selector cannot.
#[must_use]
pub fn selector(addon: &str, component: &str) -> BTreeMap<String, String> {
    let mut labels = selector_of_both(addon);
    labels.insert(COMPONENT.to_owned(), component.to_owned());
    labels
}

/// The labels by which the pods of both parts are selected.
#[must_use]
pub fn selector_of_both(addon: &str) -> BTreeMap<String, String> {
    let pairs = [(NAME, ADDON), (INSTANCE, addon)];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Everything that the operator made.
#[must_use]
pub fn selector_of_all() -> String {
    format!("{MANAGED_BY}={OPERATOR},{NAME}={ADDON}")
}

/// Everything that the operator made for one add-on.
#[must_use]
pub fn selector_of(addon: &str) -> String {
    format!("{},{INSTANCE}={addon}", selector_of_all())
}

/// Whether these are the labels of a child of the add-on.
#[must_use]
pub fn mark(labels: &BTreeMap<String, String>, addon: &str) -> bool {
    [(MANAGED_BY, OPERATOR), (NAME, ADDON), (INSTANCE, addon)]
        .iter()
        .all(|(key, value)| labels.get(*key).is_some_and(|found| found == value))
}
