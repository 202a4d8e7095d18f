//! The volume that an add-on declares, and who writes to it.

use marketplace_crds::storage::{Storage, Volume};

/// What becomes the volume claim.
#[derive(Clone, Debug, PartialEq)]
pub struct DataVolume {
    /// As declared.
    pub volume: Volume,
    /// Whether several pods use it at the same time; else it is one pod's alone.
    pub is_shared: bool,
}

pub(super) fn of(storage: &Storage) -> Option<DataVolume> {
    let Storage { volume, postgres } = storage;
    let own = volume.iter().map(|volume| (volume, false));
    let shared = postgres.iter().map(|postgres| (&postgres.volume, true));
    own.chain(shared).next().map(|(volume, is_shared)| DataVolume {
        volume: volume.clone(),
        is_shared,
    })
}
