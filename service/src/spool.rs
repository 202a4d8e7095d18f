//! The bytes of strangers: received into a quarantine with a budget of its own, thrown away on a bad verdict, made safe
//! against a crash on a good one. Called by `server` to receive, by `worker` to read, and by the sweeper to tidy.
//!
//! ```text
//! DIR/lock          held by the one process that works here, or by all that share it
//! DIR/quarantine/   uploads nobody has vouched for; emptied at start, or by age where several processes receive
//! DIR/audio/        accepted audio, one file per random key, synced before the 202
//! DIR/results/      results too large for a row
//! ```
//!
//! Where processes share a folder, a file without a row may be another's that is about to be committed. Between the last
//! change of a file's time (`Quarantined::store`) and the commit lie two syncs and one transaction, each of which is given
//! up after seconds; a sweep takes only files that are an hour old. Should a process have been stopped for that hour in
//! between, it finds its file gone after the commit, and does not answer 202 (`handler::analysis`).

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::crash;
use crate::domain::SpoolKey;

mod budget;
mod quarantine;
mod space;

pub use quarantine::Quarantined;

use budget::Budget;
pub use budget::Held;
use space::Space;

/// What a spool takes at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest file.
    pub max_file_bytes: u64,
    /// All bytes in quarantine at one time.
    pub quarantine_bytes: u64,
    /// All files in quarantine at one time.
    pub quarantine_files: usize,
    /// Everything in the folder together. Uploads are refused well before it is reached.
    pub spool_bytes: u64,
}

/// Why the spool did not take, keep or give a file.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process works on the folder.
    #[error("failed to lock {}: another process works on this data folder", folder.display())]
    LockFolder {
        /// The data folder.
        folder: PathBuf,
    },
    /// The file is larger than any file may be: its sender's fault.
    #[error("failed to receive a file: it is larger than {limit_bytes} bytes")]
    ReceiveTooLarge {
        /// The limit it passed.
        limit_bytes: u64,
    },
    /// The spool has no room for uploads; the rest of it is for the work that is there.
    #[error("failed to receive a file: the spool is full")]
    FillSpool,
    /// The quarantine is full: nobody's fault, and over soon.
    #[error("failed to receive a file: the quarantine is full")]
    ExceedBudget,
    /// The disk did not do as told.
    #[error("failed to {action} in the spool")]
    UseDisk {
        /// What was tried.
        action: &'static str,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

impl SpoolError {
    /// The only part of the error that reaches a metric label.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::LockFolder { .. } => "locked",
            Self::ReceiveTooLarge { .. } => "too_large",
            Self::FillSpool => "spool_full",
            Self::ExceedBudget => "over_budget",
            Self::UseDisk { .. } => "disk",
        }
    }

    fn disk(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::UseDisk { action, source }
    }
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
    fn folder_name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Results => "results",
        }
    }
}

/// A data folder, held by this process while the value lives.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    budget: Arc<Budget>,
    space: Space,
    _lock: File,
}

impl Spool {
    /// Locks the folder for this process alone, makes its rooms, and empties the quarantine: what a dead process left there
    /// nobody has vouched for.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, SpoolError> {
        std::fs::create_dir_all(folder).map_err(SpoolError::disk("make the data folder"))?;
        let lock = lock(folder, File::try_lock)?;
        match std::fs::remove_dir_all(folder.join(QUARANTINE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(SpoolError::disk("empty the quarantine")(error));
            }
            _ => {}
        }
        Self::make(folder, limits, lock)
    }

    /// The same folder for several processes, on one machine or on many: the lock keeps out only who wants it alone.
    pub fn share(folder: &Path, limits: Limits) -> Result<Self, SpoolError> {
        std::fs::create_dir_all(folder).map_err(SpoolError::disk("make the data folder"))?;
        let lock = lock(folder, File::try_lock_shared)?;
        Self::make(folder, limits, lock)
    }

    fn make(folder: &Path, limits: Limits, lock: File) -> Result<Self, SpoolError> {
        for room in [QUARANTINE, Area::Audio.folder_name(), Area::Results.folder_name()] {
            std::fs::create_dir_all(folder.join(room)).map_err(SpoolError::disk("make a folder"))?;
        }
        sync_folder(folder).map_err(SpoolError::disk("sync the data folder"))?;
        Ok(Self {
            folder: folder.to_owned(),
            budget: Arc::new(Budget::new(limits)),
            space: Space::new(folder.to_owned(), limits.spool_bytes),
            _lock: lock,
        })
    }

    /// The data folder itself; the database lies there too.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new file for bytes that nobody has vouched for yet.
    pub async fn quarantine(&self) -> Result<Quarantined, SpoolError> {
        self.space.admit().await?;
        self.file().await
    }

    async fn file(&self) -> Result<Quarantined, SpoolError> {
        Quarantined::create(&self.folder, Arc::clone(&self.budget)).await
    }

    /// Where the accepted audio with this key lies.
    #[must_use]
    pub fn path(&self, key: &SpoolKey) -> PathBuf {
        self.path_in(Area::Audio, key)
    }

    fn path_in(&self, area: Area, key: &SpoolKey) -> PathBuf {
        path_of(&self.folder, area, key)
    }

    /// Whether accepted audio with this key is there.
    pub async fn has(&self, key: &SpoolKey) -> Result<bool, SpoolError> {
        tokio::fs::try_exists(self.path(key))
            .await
            .map_err(SpoolError::disk("look for a file"))
    }

    /// What the quarantine holds now.
    #[must_use]
    pub fn quarantined(&self) -> Held {
        self.budget.held()
    }

    /// Keeps a result that is too large for a row; synced when this returns. Also where uploads find no room any more: work
    /// that is finished makes room.
    pub async fn store_result(&self, bytes: &[u8]) -> Result<SpoolKey, SpoolError> {
        let mut file = self.file().await?;
        file.write(bytes).await?;
        let key = file.store_in(Area::Results).await?.key;
        crash::point("result_spooled");
        Ok(key)
    }

    /// Where a result lies that was too large for a row, and how many bytes it has.
    pub async fn find_result(&self, key: &SpoolKey) -> Result<(PathBuf, u64), SpoolError> {
        let path = self.path_in(Area::Results, key);
        let found = tokio::fs::metadata(&path).await;
        let found = found.map_err(SpoolError::disk("read a result"))?;
        Ok((path, found.len()))
    }

    /// Removes a file; one that is gone already is no error, because a sweep may be repeated.
    pub async fn remove(&self, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
        remove_beside(&self.folder, area, key).await
    }

    /// The files of an area that are at least this old. A younger one may be an upload whose row is about to be written.
    pub async fn keys_older_than(&self, area: Area, age: Duration) -> Result<Vec<SpoolKey>, SpoolError> {
        self.older_than(area.folder_name(), age).await
    }

    /// Removes uploads that nobody goes on with: a live one is written to, or given up, long before this age.
    pub async fn empty_quarantine(&self, age: Duration) -> Result<(), SpoolError> {
        for key in self.older_than(QUARANTINE, age).await? {
            let removed = tokio::fs::remove_file(self.folder.join(QUARANTINE).join(key.as_str())).await;
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(SpoolError::disk("remove a file")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn older_than(&self, room: &'static str, age: Duration) -> Result<Vec<SpoolKey>, SpoolError> {
        let folder = self.folder.join(room);
        tokio::task::spawn_blocking(move || list_older_than(&folder, age))
            .await
            .map_err(io::Error::other)
            .and_then(|listed| listed)
            .map_err(SpoolError::disk("list a folder"))
    }
}

fn path_of(folder: &Path, area: Area, key: &SpoolKey) -> PathBuf {
    folder.join(area.folder_name()).join(key.as_str())
}

/// Removes a file of a folder that another process may hold: only for who has just deleted the one row that named it.
pub async fn remove_beside(folder: &Path, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
    match tokio::fs::remove_file(path_of(folder, area, key)).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SpoolError::disk("remove a file")(error)),
        _ => Ok(()),
    }
}

/// The lock file is opened for reading too: a network file system gives a shared lock to readers only.
fn lock(folder: &Path, take: fn(&File) -> Result<(), TryLockError>) -> Result<File, SpoolError> {
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

/// A new name in a folder survives a power loss only when the folder itself is synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn list_older_than(folder: &Path, age: Duration) -> io::Result<Vec<SpoolKey>> {
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Some(key) = entry.file_name().to_str().and_then(|name| SpoolKey::parse(name).ok()) else {
            continue;
        };
        let old = match entry.metadata() {
            Ok(metadata) => clock::age_of(metadata.modified()?) >= age,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if old {
            keys.push(key);
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests;
