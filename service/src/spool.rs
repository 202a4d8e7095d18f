//! The bytes of strangers: received into a quarantine with a budget of its own, thrown away on a bad verdict, made safe
//! against a crash on a good one. Called by `server` to receive, by `worker` to read, and by the sweeper to tidy.
//!
//! ```text
//! DIR/lock          held by the one process that works here, or by all that share it
//! DIR/quarantine/   uploads nobody has vouched for; emptied at start, or by age where several processes receive
//! DIR/audio/        accepted audio, one file per random key, safe before the 202
//! DIR/results/      results too large for a row
//! ```
//!
//! The last two may lie in a bucket instead (`Store`). Then what is local is one process's alone, and holds no more than the
//! quarantine may: uploads on their way there, and copies on their way back.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::crash;
use crate::domain::SpoolKey;

pub mod bucket;
mod budget;
#[cfg(test)]
mod contract;
mod draft;
mod error;
mod folder;
mod quarantine;
mod space;
mod store;

pub use bucket::Bucket;
pub use budget::Held;
pub use error::SpoolError;
pub use folder::remove_beside;
pub use quarantine::Quarantined;
pub use store::Opened;

use budget::Budget;
use draft::Draft;
use folder::Folder;
use store::Store;

/// What a spool takes at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest file.
    pub max_file_bytes: u64,
    /// All bytes in quarantine at one time.
    pub quarantine_bytes: u64,
    /// All files in quarantine at one time.
    pub quarantine_files: usize,
    /// Everything that is kept together. Uploads are refused well before it is reached.
    pub spool_bytes: u64,
}

/// Where uploads lie that nobody has vouched for.
const QUARANTINE: &str = "quarantine";

/// The kinds of file that outlive a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Accepted audio.
    Audio,
    /// Results too large for a row.
    Results,
}

impl Area {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Audio, Self::Results];

    fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Results => "results",
        }
    }
}

/// A data folder, held by this process while the value lives, and what is kept there or elsewhere.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    budget: Arc<Budget>,
    store: Arc<dyn Store>,
    _lock: File,
}

impl Spool {
    /// Locks the folder for this process alone, makes its rooms, and empties the quarantine: what a dead process left there
    /// nobody has vouched for.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, SpoolError> {
        let lock = hold(folder, File::try_lock)?;
        empty(folder)?;
        Self::in_folder(folder, limits, lock)
    }

    /// The same folder for several processes, on one machine or on many: the lock keeps out only who wants it alone.
    pub fn share(folder: &Path, limits: Limits) -> Result<Self, SpoolError> {
        let lock = hold(folder, File::try_lock_shared)?;
        Self::in_folder(folder, limits, lock)
    }

    /// A folder of this process alone for what is on its way, and a bucket for what is kept.
    pub fn over(folder: &Path, limits: Limits, bucket: Bucket) -> Result<Self, SpoolError> {
        let lock = hold(folder, File::try_lock)?;
        empty(folder)?;
        let budget = Arc::new(Budget::new(limits));
        let store = bucket::Remote::new(bucket, (folder, Arc::clone(&budget)), limits.spool_bytes);
        Self::make(folder, budget, Arc::new(store), lock)
    }

    fn in_folder(folder: &Path, limits: Limits, lock: File) -> Result<Self, SpoolError> {
        let store = Folder::make(folder, limits.spool_bytes)?;
        Self::make(folder, Arc::new(Budget::new(limits)), Arc::new(store), lock)
    }

    fn make(folder: &Path, budget: Arc<Budget>, store: Arc<dyn Store>, lock: File) -> Result<Self, SpoolError> {
        std::fs::create_dir_all(folder.join(QUARANTINE)).map_err(SpoolError::disk("make a folder"))?;
        folder::sync_folder(folder).map_err(SpoolError::disk("sync the data folder"))?;
        Ok(Self {
            folder: folder.to_owned(),
            budget,
            store,
            _lock: lock,
        })
    }

    /// The data folder itself; the database may lie there too.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new file for bytes that nobody has vouched for yet.
    pub async fn quarantine(&self) -> Result<Quarantined, SpoolError> {
        self.store.admit().await?;
        self.file().await
    }

    async fn file(&self) -> Result<Quarantined, SpoolError> {
        let draft = Draft::create(&self.folder, Arc::clone(&self.budget)).await?;
        Ok(Quarantined::new(draft, Arc::clone(&self.store)))
    }

    /// Where accepted audio with this key lies, if it lies in the folder.
    #[cfg(test)]
    pub(crate) fn path(&self, key: &SpoolKey) -> PathBuf {
        folder::path_of(&self.folder, Area::Audio, key)
    }

    /// Whether accepted audio with this key is there.
    pub async fn has(&self, key: &SpoolKey) -> Result<bool, SpoolError> {
        self.store.has(Area::Audio, key).await
    }

    /// Brings a file to where it can be read by a path.
    pub async fn read(&self, area: Area, key: &SpoolKey) -> Result<Opened, SpoolError> {
        self.store.open(area, key).await
    }

    /// Whether what is kept can be reached at all.
    pub async fn look(&self) -> Result<(), SpoolError> {
        self.store.look().await
    }

    /// What the quarantine holds now.
    #[must_use]
    pub fn quarantined(&self) -> Held {
        self.budget.held()
    }

    /// Keeps a result that is too large for a row; safe when this returns. Also where uploads find no room any more: work
    /// that is finished makes room.
    pub async fn store_result(&self, bytes: &[u8]) -> Result<SpoolKey, SpoolError> {
        let mut file = self.file().await?;
        file.write(bytes).await?;
        let key = file.store_in(Area::Results).await?.key;
        crash::point("result_spooled");
        Ok(key)
    }

    /// Removes a file; one that is gone already is no error, because a sweep may be repeated.
    pub async fn remove(&self, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
        self.store.remove(area, key).await
    }

    /// The files of an area that are at least this old. A younger one may be an upload whose row is about to be written.
    pub async fn keys_older_than(&self, area: Area, age: Duration) -> Result<Vec<SpoolKey>, SpoolError> {
        self.store.keys_older_than(area, age).await
    }

    /// Removes uploads that nobody goes on with: a live one is written to, or given up, long before this age.
    pub async fn empty_quarantine(&self, age: Duration) -> Result<(), SpoolError> {
        let quarantine = self.folder.join(QUARANTINE);
        for key in folder::older_than(quarantine.clone(), age).await? {
            folder::remove_file(&quarantine.join(key.as_str())).await?;
        }
        Ok(())
    }
}

/// Takes the folder. The lock file is opened for reading too: a network file system gives a shared lock to readers only.
fn hold(folder: &Path, take: fn(&File) -> Result<(), TryLockError>) -> Result<File, SpoolError> {
    std::fs::create_dir_all(folder).map_err(SpoolError::disk("make the data folder"))?;
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false);
    let file = file
        .open(folder.join("lock"))
        .map_err(SpoolError::disk("make the lock file"))?;
    match take(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::LockFolder {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(SpoolError::disk("lock the data folder")(error)),
    }
}

fn empty(folder: &Path) -> Result<(), SpoolError> {
    match std::fs::remove_dir_all(folder.join(QUARANTINE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SpoolError::disk("empty the quarantine")(error)),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other).flatten()
}

#[cfg(test)]
mod tests;
