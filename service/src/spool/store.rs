//! Where files lie that outlive a request: what a folder and a bucket have in common. Everything else of the spool is the
//! same for both, and so is the contract that both are tested against.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use tokio::fs::File;

use super::draft::Draft;
use super::{Area, SpoolError};
use crate::domain::SpoolKey;

/// A file of the quarantine of which everything has come and been written.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    pub(super) path: &'a Path,
    pub(super) file: &'a File,
    pub(super) key: &'a SpoolKey,
    pub(super) bytes: u64,
}

#[async_trait]
pub(super) trait Store: fmt::Debug + Send + Sync {
    /// Lets one more upload in, if there is room for it.
    async fn admit(&self) -> Result<(), SpoolError>;

    /// When this returns, no crash and no power loss takes the bytes away.
    async fn keep(&self, whole: Whole<'_>, area: Area) -> Result<(), SpoolError>;

    /// Brings a file to where it can be read by a path.
    async fn open(&self, area: Area, key: &SpoolKey) -> Result<Opened, SpoolError>;

    /// Whether it is there.
    async fn has(&self, area: Area, key: &SpoolKey) -> Result<bool, SpoolError>;

    /// Removes a file; one that is gone already is no error.
    async fn remove(&self, area: Area, key: &SpoolKey) -> Result<(), SpoolError>;

    /// The files that are at least this old.
    async fn keys_older_than(&self, area: Area, age: Duration) -> Result<Vec<SpoolKey>, SpoolError>;

    /// Whether it can be reached at all.
    async fn look(&self) -> Result<(), SpoolError>;
}

/// A file that can be read by its path for as long as this lives.
#[derive(Debug)]
pub struct Opened {
    path: PathBuf,
    bytes: u64,
    /// What lies elsewhere is read as a copy, which goes when nobody reads it any more.
    _copy: Option<Box<Draft>>,
}

impl Opened {
    /// A file that lies there itself.
    pub(super) fn here(path: PathBuf, bytes: u64) -> Self {
        Self {
            path,
            bytes,
            _copy: None,
        }
    }

    /// A copy, all of it written.
    pub(super) async fn copied(mut copy: Draft) -> Result<Self, SpoolError> {
        Ok(Self {
            path: copy.path().await?.to_owned(),
            bytes: copy.bytes(),
            _copy: Some(Box::new(copy)),
        })
    }

    /// Where it is read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
