//! Pure: what the deletion of the add-on would take with it, said while there is time. Once it is deleted it can bear neither
//! a condition nor an Event.

use marketplace_crds::MarketplaceAddon;
use marketplace_crds::storage::{OnDelete, Postgres};

use super::{TRUE, Verdict, verdict};

/// How the note begins, by which it is found again.
pub(crate) const AT_STAKE: &str = "the volume has onDelete: Delete";

/// The verdict, with a warning where accepted recordings would go with the add-on.
pub(super) fn noted(addon: &MarketplaceAddon, said: Verdict) -> Verdict {
    if said.status != TRUE || on_delete(addon) != Some(OnDelete::Delete) {
        return said;
    }
    let words = format!(
        "{}; {AT_STAKE}, so deleting this add-on deletes the recordings that have no result yet: set Retain to keep them",
        said.message
    );
    verdict(said.status, &said.reason, words)
}

/// None without a volume.
fn on_delete(addon: &MarketplaceAddon) -> Option<OnDelete> {
    let storage = addon.spec.storage.as_ref()?;
    let shared = storage.postgres.as_ref().and_then(Postgres::audio_volume);
    let volume = storage.volume.clone().or(shared)?;
    Some(volume.on_delete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{addon, bucket_addon, recording_addon};

    #[test]
    fn a_volume_that_goes_with_the_addon_is_said_to() {
        let fine = || verdict(TRUE, "Ready", "it answers");
        let mut deleted = recording_addon();
        if let Some(volume) = deleted
            .spec
            .storage
            .as_mut()
            .and_then(|storage| storage.volume.as_mut())
        {
            volume.on_delete = OnDelete::Delete;
        }
        assert!(noted(&deleted, fine()).message.contains(AT_STAKE));
        for kept in [recording_addon(), addon(), bucket_addon()] {
            assert_eq!(noted(&kept, fine()), fine());
        }
    }
}
