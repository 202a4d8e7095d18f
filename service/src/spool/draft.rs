//! One file of the quarantine, unlinked when dropped, and what it takes of the budget: an upload, or a copy of what lies in a
//! bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::budget::Budget;
use super::store::Whole;
use super::{QUARANTINE, SpoolError};
use crate::crash;
use crate::domain::{SpoolKey, StoredAudio};

/// The most that waits in memory for the disk, per file: hundreds of uploads at once must stay small.
const WRITE_BUFFER_BYTES: usize = 32 * 1024;

#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    key: SpoolKey,
    file: File,
    hash: Sha256,
    bytes: u64,
    place: Place,
}

/// What the file takes of the budget, given back whichever way the file goes.
#[derive(Debug)]
struct Place {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}

impl Draft {
    pub(super) async fn create(folder: &Path, budget: Arc<Budget>) -> Result<Self, SpoolError> {
        budget.admit_file()?;
        let place = Place { budget, bytes: 0 };
        let key = SpoolKey::random();
        let path = folder.join(QUARANTINE).join(key.as_str());
        let mut file = File::create_new(&path).await.map_err(SpoolError::disk("make a file"))?;
        file.set_max_buf_size(WRITE_BUFFER_BYTES);
        crash::point("quarantined");
        Ok(Self {
            path,
            key,
            file,
            hash: Sha256::new(),
            bytes: 0,
            place,
        })
    }

    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<(), SpoolError> {
        let more = piece.len() as u64;
        self.place.budget.admit_bytes(self.bytes, more)?;
        self.place.bytes += more;
        self.hash.update(piece);
        self.file
            .write_all(piece)
            .await
            .map_err(SpoolError::disk("write a file"))?;
        self.bytes += more;
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where everything that has been written can be read.
    pub(super) async fn path(&mut self) -> Result<&Path, SpoolError> {
        self.file.flush().await.map_err(SpoolError::disk("write a file"))?;
        Ok(&self.path)
    }

    /// The file as it is given to whoever keeps it.
    pub(super) async fn whole(&mut self) -> Result<Whole<'_>, SpoolError> {
        self.path().await?;
        Ok(Whole {
            path: &self.path,
            file: &self.file,
            key: &self.key,
            bytes: self.bytes,
        })
    }

    /// What was kept.
    pub(super) fn stored(mut self) -> StoredAudio {
        StoredAudio {
            key: self.key.clone(),
            bytes: self.bytes,
            sha256_hex: hex::encode(std::mem::take(&mut self.hash).finalize()),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Renamed by who keeps it, or gone already: then there is nothing to unlink. What a failed unlink leaves, the next
        // start empties with the rest of the quarantine.
        drop(std::fs::remove_file(&self.path));
    }
}
