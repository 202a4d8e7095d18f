//! Decides whether the quarantine takes one more file or one more piece: a count of files and of bytes, shared by all
//! uploads of the process.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::{Limits, SpoolError};

#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    files: AtomicUsize,
    bytes: AtomicU64,
}

/// What the quarantine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            files: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Takes the place of one file.
    pub(super) fn admit_file(&self) -> Result<(), SpoolError> {
        let limit = self.limits.quarantine_files;
        self.files
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |files| {
                (files < limit).then_some(files + 1)
            })
            .map(|_| ())
            .map_err(|_| SpoolError::ExceedBudget)
    }

    /// Takes the place of a piece of a file that already has `so_far` bytes.
    pub(super) fn admit_bytes(&self, so_far: u64, more: u64) -> Result<(), SpoolError> {
        let limit_bytes = self.limits.max_file_bytes;
        if so_far.saturating_add(more) > limit_bytes {
            return Err(SpoolError::ReceiveTooLarge { limit_bytes });
        }
        let limit = self.limits.quarantine_bytes;
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| {
                bytes.checked_add(more).filter(|sum| *sum <= limit)
            })
            .map(|_| ())
            .map_err(|_| SpoolError::ExceedBudget)
    }

    pub(super) fn held(&self) -> Held {
        Held {
            files: self.files.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    /// Gives back what a file has taken.
    pub(super) fn release(&self, bytes: u64) {
        self.files.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
