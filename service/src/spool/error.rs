//! Why the spool does not do as told.

use std::io;
use std::path::PathBuf;

use super::bucket::Trouble;

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
    /// There is no such file any more.
    #[error("failed to find a file in the spool")]
    FindFile,
    /// The disk did not do as told.
    #[error("failed to {action} in the spool")]
    UseDisk {
        /// What was tried.
        action: &'static str,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The bucket cannot be described to the client.
    #[error("failed to make the client of the bucket")]
    BuildClient,
    /// The bucket did not do as told.
    #[error("failed to {action} in the bucket: {trouble}")]
    UseBucket {
        /// What was tried.
        action: &'static str,
        /// What the store said.
        trouble: Trouble,
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
            Self::FindFile => "missing",
            Self::UseDisk { .. } => "disk",
            Self::BuildClient | Self::UseBucket { .. } => "bucket",
        }
    }

    /// Whether waiting may help, and nothing is known of the file itself.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::ExceedBudget | Self::UseBucket { .. } => true,
            Self::LockFolder { .. }
            | Self::ReceiveTooLarge { .. }
            | Self::FillSpool
            | Self::FindFile
            | Self::UseDisk { .. }
            | Self::BuildClient => false,
        }
    }

    pub(super) fn disk(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::UseDisk { action, source }
    }
}
