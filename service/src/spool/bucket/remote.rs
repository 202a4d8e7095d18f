//! A bucket as the place where files are kept: what is read of it is read as a copy, in the quarantine and in its budget.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;

use super::super::budget::Budget;
use super::super::draft::Draft;
use super::super::space::{Space, is_full};
use super::super::store::{Opened, Store, Whole};
use super::super::{Area, SpoolError};
use super::{Bucket, Trouble};
use crate::crash;
use crate::domain::SpoolKey;

/// How much of the bucket is looked at to learn whether it answers: one page of a list.
const ONE_PAGE_OBJECTS: usize = 1;

#[derive(Debug)]
pub(in super::super) struct Remote {
    bucket: Bucket,
    folder: PathBuf,
    budget: Arc<Budget>,
    /// What is here of the disk.
    space: Space,
    /// What may be there; none: anything.
    bucket_budget_bytes: Option<u64>,
    /// What was there at the last look, and what was sent there since.
    used_bytes: AtomicU64,
}

impl Remote {
    pub(in super::super) fn new(bucket: Bucket, (folder, budget): (&Path, Arc<Budget>), spool_bytes: u64) -> Self {
        Self {
            bucket,
            folder: folder.to_owned(),
            budget,
            space: Space::new(folder.to_owned(), u64::MAX),
            bucket_budget_bytes: (spool_bytes < u64::MAX).then_some(spool_bytes),
            used_bytes: AtomicU64::new(0),
        }
    }

    async fn copy(&self, area: Area, key: &SpoolKey) -> Result<Draft, SpoolError> {
        let found = self.bucket.get(area, key).await?.ok_or(SpoolError::FindFile)?;
        let broken = |trouble| SpoolError::UseBucket {
            action: "read an object",
            trouble,
        };
        let bytes = found.meta.size;
        let mut copy = Draft::create(&self.folder, Arc::clone(&self.budget)).await?;
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| broken(Trouble::of(&error).unwrap_or(Trouble::Answer(None))))?;
            copy.write(&piece).await?;
        }
        if copy.bytes() == bytes {
            Ok(copy)
        } else {
            Err(broken(Trouble::Compare))
        }
    }
}

#[async_trait]
impl Store for Remote {
    async fn admit(&self) -> Result<(), SpoolError> {
        let used_bytes = self.used_bytes.load(Ordering::Relaxed);
        match self.bucket_budget_bytes {
            Some(budget_bytes) if is_full(used_bytes, budget_bytes, u64::MAX) => Err(SpoolError::FillSpool),
            Some(_) | None => self.space.admit().await,
        }
    }

    async fn keep(&self, whole: Whole<'_>, area: Area) -> Result<(), SpoolError> {
        let Whole {
            path,
            file: _,
            key,
            bytes,
        } = whole;
        self.bucket.put((area, key), path, bytes).await?;
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        crash::point("uploaded");
        Ok(())
    }

    async fn open(&self, area: Area, key: &SpoolKey) -> Result<Opened, SpoolError> {
        Opened::copied(self.copy(area, key).await?).await
    }

    async fn has(&self, area: Area, key: &SpoolKey) -> Result<bool, SpoolError> {
        Ok(self.bucket.size(area, key).await?.is_some())
    }

    async fn remove(&self, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
        self.bucket.remove(area, key).await
    }

    async fn keys_older_than(&self, area: Area, age: Duration) -> Result<Vec<SpoolKey>, SpoolError> {
        self.bucket.keys_older_than(area, age).await
    }

    /// Where there is a budget, everything is looked at: what other processes have sent is known only so.
    async fn look(&self) -> Result<(), SpoolError> {
        if self.bucket_budget_bytes.is_none() {
            return self.bucket.weigh(ONE_PAGE_OBJECTS).await.map(drop);
        }
        let used_bytes = self.bucket.weigh(usize::MAX).await?;
        self.used_bytes.store(used_bytes, Ordering::Relaxed);
        Ok(())
    }
}
