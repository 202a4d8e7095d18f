//! Where recordings lie that the pods have accepted, and who writes there.

use marketplace_crds::limits::Limits;
use marketplace_crds::storage::{Storage, Volume};

/// What becomes the volume claim.
#[derive(Clone, Debug, PartialEq)]
pub struct DataVolume {
    /// As declared.
    pub volume: Volume,
    /// Whether several pods use it at the same time; else it is one pod's alone.
    pub is_shared: bool,
}

/// The folder in which a pod has its data.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// On a volume that outlives the pod.
    Claimed(DataVolume),
    /// In the pod: what is kept lies in a bucket, and only what is on its way there or back is here.
    Passing {
        /// The most that it may have.
        bytes: i64,
    },
}

impl Data {
    pub(super) fn of(storage: &Storage, limits: &Limits) -> Option<Self> {
        let Storage { volume, postgres } = storage;
        let claimed = |volume, is_shared| Self::Claimed(DataVolume { volume, is_shared });
        if let Some(volume) = volume {
            return Some(claimed(volume.clone(), false));
        }
        let data = match postgres.as_ref()?.audio_volume() {
            Some(volume) => claimed(volume, true),
            // The service keeps to its budget; a pod is killed only for what it should not be able to write.
            None => Self::Passing {
                bytes: limits.quarantine_bytes.saturating_add(limits.quarantine_bytes / 4),
            },
        };
        Some(data)
    }

    /// The volume that outlives the pods, if there is one.
    #[must_use]
    pub fn claimed(&self) -> Option<&DataVolume> {
        match self {
            Self::Claimed(volume) => Some(volume),
            Self::Passing { .. } => None,
        }
    }
}
