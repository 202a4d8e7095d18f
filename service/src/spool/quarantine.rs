//! One upload that nobody has vouched for yet. Dropped, it is gone; stored, it survives a power loss.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::budget::Budget;
use super::{Area, QUARANTINE, SpoolError, sync_folder};
use crate::clock;
use crate::crash;
use crate::domain::{SpoolKey, StoredAudio};

/// The most that waits in memory for the disk, per upload: hundreds of uploads at once must stay small.
const WRITE_BUFFER_BYTES: usize = 32 * 1024;

/// A file in quarantine, unlinked when dropped.
#[derive(Debug)]
pub struct Quarantined {
    folder: PathBuf,
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

impl Quarantined {
    pub(super) async fn create(folder: &Path, budget: Arc<Budget>) -> Result<Self, SpoolError> {
        budget.admit_file()?;
        let place = Place { budget, bytes: 0 };
        let key = SpoolKey::random();
        let path = folder.join(QUARANTINE).join(key.as_str());
        let mut file = File::create_new(&path).await.map_err(SpoolError::disk("make a file"))?;
        file.set_max_buf_size(WRITE_BUFFER_BYTES);
        crash::point("quarantined");
        Ok(Self {
            folder: folder.to_owned(),
            path,
            key,
            file,
            hash: Sha256::new(),
            bytes: 0,
            place,
        })
    }

    /// Adds a piece.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), SpoolError> {
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

    /// How much has come.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where everything that has come can be read.
    pub async fn path(&mut self) -> Result<&Path, SpoolError> {
        self.file.flush().await.map_err(SpoolError::disk("write a file"))?;
        Ok(&self.path)
    }

    /// Makes the audio safe: when this returns, no crash and no power loss takes it away.
    pub async fn store(self) -> Result<StoredAudio, SpoolError> {
        self.store_in(Area::Audio).await
    }

    pub(super) async fn store_in(mut self, area: Area) -> Result<StoredAudio, SpoolError> {
        self.file.flush().await.map_err(SpoolError::disk("write a file"))?;
        // Its age counts from here on, however long the sender took for what came after the file.
        let (path, now) = (self.path.clone(), SystemTime::from(clock::now()));
        let touched = blocking(move || std::fs::File::options().write(true).open(path)?.set_modified(now)).await;
        touched.map_err(SpoolError::disk("touch a file"))?;
        self.file.sync_all().await.map_err(SpoolError::disk("sync a file"))?;
        crash::point("file_synced");
        let room = self.folder.join(area.folder_name());
        tokio::fs::rename(&self.path, room.join(self.key.as_str()))
            .await
            .map_err(SpoolError::disk("rename a file"))?;
        crash::point("file_renamed");
        let synced = blocking(move || sync_folder(&room)).await;
        synced.map_err(SpoolError::disk("sync a folder"))?;
        crash::point("folder_synced");
        let sha256_hex = hex::encode(std::mem::take(&mut self.hash).finalize());
        Ok(StoredAudio {
            key: self.key.clone(),
            bytes: self.bytes,
            sha256_hex,
        })
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other).flatten()
}

impl Drop for Quarantined {
    fn drop(&mut self) {
        // Renamed by `store`, or gone already: then there is nothing to unlink. What a failed unlink leaves, the next
        // start empties with the rest of the quarantine.
        drop(std::fs::remove_file(&self.path));
    }
}
