//! Decides whether there is room for another upload: the spool has a budget, and a disk. Uploads stop at four fifths of
//! either, so that the rest is left to what was accepted: the database's rows, large results, and a person who looks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::{Area, QUARANTINE, SpoolError};

/// Uploads stop here.
const FULL_PERCENT: u128 = 80;
/// How long a look at the folder holds good: in that time less comes than the fifth that is left.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The room of one data folder, whoever else writes there.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    budget_bytes: u64,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Space {
    pub(super) fn new(folder: PathBuf, budget_bytes: u64) -> Self {
        Self {
            folder,
            budget_bytes,
            last: Mutex::new(None),
        }
    }

    /// Lets one more upload in.
    pub(super) async fn admit(&self) -> Result<(), SpoolError> {
        let mut last = self.last.lock().await;
        let known = last.filter(|(at, _)| at.elapsed() < LOOK_EVERY);
        let full = if let Some((_, full)) = known {
            full
        } else {
            let (folder, budget_bytes) = (self.folder.clone(), self.budget_bytes);
            let looked = tokio::task::spawn_blocking(move || look(&folder, budget_bytes)).await;
            let full = looked
                .map_err(io::Error::other)
                .flatten()
                .map_err(SpoolError::disk("measure the spool"))?;
            *last = Some((Instant::now(), full));
            full
        };
        if full { Err(SpoolError::FillSpool) } else { Ok(()) }
    }
}

fn look(folder: &Path, budget_bytes: u64) -> io::Result<bool> {
    let mut used_bytes = 0;
    for room in std::iter::once(QUARANTINE).chain(Area::ALL.map(Area::name)) {
        let entries = match fs::read_dir(folder.join(room)) {
            // In a bucket, and not here.
            Err(error) if error.kind() == io::ErrorKind::NotFound && room != QUARANTINE => continue,
            entries => entries?,
        };
        for entry in entries {
            match entry?.metadata() {
                Ok(metadata) => used_bytes += metadata.len(),
                // Swept in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    let disk = rustix::fs::statvfs(folder)?;
    Ok(is_full(
        used_bytes,
        budget_bytes,
        disk.f_bavail.saturating_mul(disk.f_frsize),
    ))
}

/// The disk is the budget where it has less: what is free, and what the spool has taken of it.
pub(super) fn is_full(used_bytes: u64, budget_bytes: u64, free_bytes: u64) -> bool {
    let room_bytes = budget_bytes.min(free_bytes.saturating_add(used_bytes));
    u128::from(used_bytes) * 100 >= u128::from(room_bytes) * FULL_PERCENT
}

#[cfg(test)]
mod tests {
    use super::is_full;

    #[test]
    fn uploads_stop_at_four_fifths_of_the_budget_or_of_the_disk() {
        const MUCH: u64 = 1 << 40;
        for (used, budget, free, full) in [
            (0, 1000, MUCH, false),
            (799, 1000, MUCH, false),
            (800, 1000, MUCH, true),
            (799, MUCH, 201, false),
            (800, MUCH, 200, true),
            (0, MUCH, 10, false), // a disk that others have filled, and nothing of ours on it
            (0, MUCH, 0, true),
            (0, u64::MAX, u64::MAX, false),
            (u64::MAX, u64::MAX, u64::MAX, true),
        ] {
            assert_eq!(is_full(used, budget, free), full, "{used} of {budget}, {free} free");
        }
    }
}
