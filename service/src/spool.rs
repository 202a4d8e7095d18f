//! The bytes of strangers: received into a quarantine with a budget of its own, thrown away on a bad verdict, made safe
//! against a crash on a good one. Called by `server` to receive, by `worker` to read, and by the sweeper to tidy.
//!
//! ```text
//! DIR/lock          held by the one process that works here
//! DIR/quarantine/   uploads nobody has vouched for; emptied at start
//! DIR/audio/        accepted audio, one file per random key, synced before the 202
//! DIR/results/      results too large for a row
//! ```

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::domain::SpoolKey;

mod budget;
mod quarantine;

pub use quarantine::Quarantined;

use budget::Budget;

/// What a spool takes at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest file.
    pub max_file_bytes: u64,
    /// All bytes in quarantine at one time.
    pub quarantine_bytes: u64,
    /// All files in quarantine at one time.
    pub quarantine_files: usize,
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
            Self::ExceedBudget => "over_budget",
            Self::UseDisk { .. } => "disk",
        }
    }

    fn disk(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::UseDisk { action, source }
    }
}

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

/// A data folder, held by this process alone while the value lives.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    budget: Arc<Budget>,
    _lock: File,
}

impl Spool {
    /// Locks the folder, makes its rooms, and empties the quarantine: what a dead process left there nobody has vouched for.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, SpoolError> {
        std::fs::create_dir_all(folder).map_err(SpoolError::disk("make the data folder"))?;
        let lock = lock(folder)?;
        let quarantine = folder.join("quarantine");
        match std::fs::remove_dir_all(&quarantine) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(SpoolError::disk("empty the quarantine")(error));
            }
            _ => {}
        }
        for room in [
            quarantine,
            folder.join(Area::Audio.folder_name()),
            folder.join(Area::Results.folder_name()),
        ] {
            std::fs::create_dir_all(&room).map_err(SpoolError::disk("make a folder"))?;
        }
        sync_folder(folder).map_err(SpoolError::disk("sync the data folder"))?;
        Ok(Self {
            folder: folder.to_owned(),
            budget: Arc::new(Budget::new(limits)),
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
        Quarantined::create(&self.folder, Arc::clone(&self.budget)).await
    }

    /// Where the accepted audio with this key lies.
    #[must_use]
    pub fn path(&self, key: &SpoolKey) -> PathBuf {
        self.path_in(Area::Audio, key)
    }

    fn path_in(&self, area: Area, key: &SpoolKey) -> PathBuf {
        self.folder.join(area.folder_name()).join(key.as_str())
    }

    /// Keeps a result that is too large for a row; synced when this returns.
    pub async fn store_result(&self, bytes: &[u8]) -> Result<SpoolKey, SpoolError> {
        let mut file = self.quarantine().await?;
        file.write(bytes).await?;
        Ok(file.store_in(Area::Results).await?.key)
    }

    /// A result that was too large for a row.
    pub async fn read_result(&self, key: &SpoolKey) -> Result<Vec<u8>, SpoolError> {
        tokio::fs::read(self.path_in(Area::Results, key))
            .await
            .map_err(SpoolError::disk("read a result"))
    }

    /// Removes a file; one that is gone already is no error, because a sweep may be repeated.
    pub async fn remove(&self, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
        match tokio::fs::remove_file(self.path_in(area, key)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SpoolError::disk("remove a file")(error)),
            _ => Ok(()),
        }
    }

    /// The files of an area that are at least this old. A younger one may be an upload whose row is about to be written.
    pub async fn keys_older_than(&self, area: Area, age: Duration) -> Result<Vec<SpoolKey>, SpoolError> {
        let folder = self.folder.join(area.folder_name());
        tokio::task::spawn_blocking(move || list_older_than(&folder, age))
            .await
            .map_err(io::Error::other)
            .and_then(|listed| listed)
            .map_err(SpoolError::disk("list a folder"))
    }
}

fn lock(folder: &Path) -> Result<File, SpoolError> {
    let file = File::create(folder.join("lock")).map_err(SpoolError::disk("make the lock file"))?;
    match file.try_lock() {
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
