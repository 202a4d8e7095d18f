//! A Postgres whose data lies on a disk that may lose its power.

use std::io;
use std::path::Path;

use crate::postgres::Postgres;

// In small pieces, because the disk is memory; with pages that tell whether they were torn. What is made is not synced: it is
// carried onto the disk whole.
const MADE_WITH: [&str; 3] = ["--no-sync", "--wal-segsize=1", "--data-checksums"];
const SETTINGS: [&str; 3] = ["min_wal_size=2MB", "max_wal_size=16MB", "shared_buffers=16MB"];

impl Postgres {
    /// Makes a database in this folder, on which a disk will be mounted, and starts its server.
    pub fn start_on(data: &Path) -> io::Result<Self> {
        Self::start_new(Some(data), &MADE_WITH, &SETTINGS)
    }
}
