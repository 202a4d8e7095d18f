//! Files kept in the data folder itself: on a volume of one pod, or on one that pods share.
//!
//! Where processes share a folder, a file without a row may be another's that is about to be committed. Between the last
//! change of a file's time (`keep`) and the commit lie two syncs and one transaction, each of which is given up after
//! seconds; a sweep takes only files that are an hour old. Should a process have been stopped for that hour in between, it
//! finds its file gone after the commit, and does not answer 202 (`handler::analysis`).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::space::Space;
use super::store::{Opened, Store, Whole};
use super::{Area, SpoolError, blocking};
use crate::clock;
use crate::crash;
use crate::domain::SpoolKey;

#[derive(Debug)]
pub(super) struct Folder {
    folder: PathBuf,
    space: Space,
}

impl Folder {
    /// Makes the rooms of the folder.
    pub(super) fn make(folder: &Path, budget_bytes: u64) -> Result<Self, SpoolError> {
        for area in Area::ALL {
            std::fs::create_dir_all(folder.join(area.name())).map_err(SpoolError::disk("make a folder"))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            space: Space::new(folder.to_owned(), budget_bytes),
        })
    }

    fn path(&self, area: Area, key: &SpoolKey) -> PathBuf {
        path_of(&self.folder, area, key)
    }
}

#[async_trait]
impl Store for Folder {
    async fn admit(&self) -> Result<(), SpoolError> {
        self.space.admit().await
    }

    async fn keep(&self, whole: Whole<'_>, area: Area) -> Result<(), SpoolError> {
        // Its age counts from here on, however long the sender took for what came after the file.
        let (path, now) = (whole.path.to_owned(), SystemTime::from(clock::now()));
        let touched = blocking(move || File::options().write(true).open(path)?.set_modified(now)).await;
        touched.map_err(SpoolError::disk("touch a file"))?;
        whole.file.sync_all().await.map_err(SpoolError::disk("sync a file"))?;
        crash::point("file_synced");
        tokio::fs::rename(whole.path, self.path(area, whole.key))
            .await
            .map_err(SpoolError::disk("rename a file"))?;
        crash::point("file_renamed");
        let room = self.folder.join(area.name());
        let synced = blocking(move || sync_folder(&room)).await;
        synced.map_err(SpoolError::disk("sync a folder"))?;
        crash::point("folder_synced");
        Ok(())
    }

    async fn open(&self, area: Area, key: &SpoolKey) -> Result<Opened, SpoolError> {
        let path = self.path(area, key);
        match tokio::fs::metadata(&path).await {
            Ok(found) => Ok(Opened::here(path, found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SpoolError::FindFile),
            Err(error) => Err(SpoolError::disk("look for a file")(error)),
        }
    }

    async fn has(&self, area: Area, key: &SpoolKey) -> Result<bool, SpoolError> {
        tokio::fs::try_exists(self.path(area, key))
            .await
            .map_err(SpoolError::disk("look for a file"))
    }

    async fn remove(&self, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
        remove_beside(&self.folder, area, key).await
    }

    async fn keys_older_than(&self, area: Area, age: Duration) -> Result<Vec<SpoolKey>, SpoolError> {
        older_than(self.folder.join(area.name()), age).await
    }

    /// Whatever is wrong with it is told by who uses it.
    async fn look(&self) -> Result<(), SpoolError> {
        Ok(())
    }
}

/// Removes a file of a folder that another process may hold: only for who has just deleted the one row that named it.
pub async fn remove_beside(folder: &Path, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
    remove_file(&path_of(folder, area, key)).await
}

/// One that is gone already is no error.
pub(super) async fn remove_file(path: &Path) -> Result<(), SpoolError> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SpoolError::disk("remove a file")(error)),
        _ => Ok(()),
    }
}

pub(super) fn path_of(folder: &Path, area: Area, key: &SpoolKey) -> PathBuf {
    folder.join(area.name()).join(key.as_str())
}

/// A new name in a folder survives a power loss only when the folder itself is synced.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The files of a folder that have a name of ours and this age.
pub(super) async fn older_than(folder: PathBuf, age: Duration) -> Result<Vec<SpoolKey>, SpoolError> {
    let listed = blocking(move || list_older_than(&folder, age)).await;
    listed.map_err(SpoolError::disk("list a folder"))
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
