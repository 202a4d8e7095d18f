//! Where accepted recordings lie until their result is delivered. Unless it is declared otherwise the claim outlives the
//! add-on: it has no owner, and an add-on of the same name adopts it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements};
use kube::core::ObjectMeta;
use marketplace_crds::storage::OnDelete;

use super::{metadata, names};
use crate::validate::{DataVolume, ValidatedAddon};

/// The uid of the add-on that a claim serves: another uid there means that a new add-on adopts it.
pub const SERVES: &str = "marketplace-operator.dev/addon-uid";
/// The add-on that a claim serves, for a person who finds the claim alone.
const ADDON: &str = "marketplace-operator.dev/addon";

pub(super) fn render(addon: &ValidatedAddon, data: &DataVolume) -> PersistentVolumeClaim {
    let DataVolume { volume, is_shared } = data;
    let metadata = metadata(addon, names::data(&addon.name), "data");
    let annotations = [
        (ADDON.to_owned(), format!("{}/{}", addon.namespace, addon.name)),
        (SERVES.to_owned(), addon.owner.uid.clone()),
    ];
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            annotations: Some(annotations.into()),
            owner_references: match volume.on_delete {
                OnDelete::Retain => None,
                OnDelete::Delete => metadata.owner_references,
            },
            ..metadata
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec![access_mode(*is_shared).to_owned()]),
            storage_class_name: volume.storage_class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), volume.size.clone())])),
                ..VolumeResourceRequirements::default()
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

fn access_mode(is_shared: bool) -> &'static str {
    if is_shared {
        // What one pod accepts another works on.
        "ReadWriteMany"
    } else {
        // One pod at a time, on any node: two writers would share a queue that is made for one.
        "ReadWriteOncePod"
    }
}
