//! One upload that nobody has vouched for yet. Dropped, it is gone; stored, it survives a power loss.

use std::path::Path;
use std::sync::Arc;

use super::draft::Draft;
use super::store::Store;
use super::{Area, SpoolError};
use crate::domain::StoredAudio;

/// A file in quarantine, unlinked when dropped.
#[derive(Debug)]
pub struct Quarantined {
    draft: Draft,
    store: Arc<dyn Store>,
}

impl Quarantined {
    pub(super) fn new(draft: Draft, store: Arc<dyn Store>) -> Self {
        Self { draft, store }
    }

    /// Adds a piece.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), SpoolError> {
        self.draft.write(piece).await
    }

    /// How much has come.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.draft.bytes()
    }

    /// Where everything that has come can be read.
    pub async fn path(&mut self) -> Result<&Path, SpoolError> {
        self.draft.path().await
    }

    /// Makes the audio safe: when this returns, no crash and no power loss takes it away.
    pub async fn store(self) -> Result<StoredAudio, SpoolError> {
        self.store_in(Area::Audio).await
    }

    pub(super) async fn store_in(self, area: Area) -> Result<StoredAudio, SpoolError> {
        let Self { mut draft, store } = self;
        store.keep(draft.whole().await?, area).await?;
        Ok(draft.stored())
    }
}
