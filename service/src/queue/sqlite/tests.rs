//! The contract on SQLite, and what is SQLite's alone: that a commit is on the disk.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row;
use tempfile::TempDir;

use super::SqliteQueue;
use crate::domain::AddonKey;
use crate::queue::contract::{Bench, LONG, Tested, addon, every_queue, job};
use crate::queue::jobs::Jobs;
use crate::queue::{Queue, Room};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("the machine has a folder for temporary files"))
    }
}

#[async_trait]
impl Bench for Folder {
    async fn open_bounded(
        &self,
        addon: &AddonKey,
        lease: Duration,
        room: Room,
    ) -> Result<Arc<dyn Jobs>, Box<dyn Error>> {
        let queue = SqliteQueue::open(&self.0.path().join("queue.sqlite"), addon.clone(), lease).await?;
        Ok(Arc::new(queue.bounded(room)))
    }
}

every_queue!(Folder::new());

#[tokio::test]
async fn a_commit_is_on_the_disk_before_it_returns() -> Tested {
    let folder = TempDir::new()?;
    let queue = SqliteQueue::open(&folder.path().join("queue.sqlite"), addon(), LONG).await?;
    let journal: String = sqlx::query("PRAGMA journal_mode")
        .fetch_one(&queue.database.writer)
        .await?
        .try_get(0)?;
    let synchronous: i64 = sqlx::query("PRAGMA synchronous")
        .fetch_one(&queue.database.writer)
        .await?
        .try_get(0)?;
    assert_eq!(
        (journal.as_str(), synchronous),
        ("wal", 2),
        "2 is FULL: every commit syncs the log"
    );
    Ok(())
}

#[tokio::test]
async fn a_reader_can_not_write() -> Tested {
    let folder = TempDir::new()?;
    let queue = SqliteQueue::open(&folder.path().join("queue.sqlite"), addon(), LONG).await?;
    assert!(
        sqlx::query("DELETE FROM job")
            .execute(&queue.database.readers)
            .await
            .is_err()
    );
    Ok(())
}

#[tokio::test]
async fn a_forgotten_row_holds_no_capability_and_no_result() -> Tested {
    let folder = TempDir::new()?;
    let queue = SqliteQueue::open(&folder.path().join("queue.sqlite"), addon(), LONG).await?;
    crate::queue::contract::finished(&queue, &job("MR1")?).await?;
    let lease = crate::queue::contract::claim_delivery(&queue).await?;
    queue.record(lease, crate::queue::DeliveryRecord::Confirmed).await?;
    queue
        .retire(&crate::queue::Retention {
            result_seconds: 0.0,
            row_seconds: 1000.0,
        })
        .await?;
    let row = sqlx::query("SELECT details, callback, result, result_key, endpoint, state FROM job")
        .fetch_one(&queue.database.writer)
        .await?;
    for column in ["details", "callback", "result", "result_key"] {
        assert_eq!(row.try_get::<Option<String>, _>(column)?, None, "{column}");
    }
    assert_eq!(row.try_get::<String, _>("state")?, "confirmed");
    Ok(())
}

#[tokio::test]
async fn waiting_work_is_found_by_its_index() -> Tested {
    let folder = TempDir::new()?;
    let queue = SqliteQueue::open(&folder.path().join("queue.sqlite"), addon(), LONG).await?;
    let plan = sqlx::query(
        "EXPLAIN QUERY PLAN SELECT id FROM job WHERE addon = 'a' AND state IN ('queued', 'running')
         AND ((state = 'queued' AND run_at <= 1) OR (state = 'running' AND lease_until <= 1)) ORDER BY due_at LIMIT 1",
    )
    .fetch_all(&queue.database.writer)
    .await?;
    let details = plan
        .iter()
        .map(|row| row.try_get::<String, _>("detail"))
        .collect::<Result<Vec<_>, _>>()?;
    assert!(details.iter().any(|detail| detail.contains("job_work")), "{details:?}");
    assert!(
        !details.iter().any(|detail| detail.contains("TEMP B-TREE")),
        "sorted by the index: {details:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_row_of_the_version_before_is_worked_on() -> Tested {
    let folder = TempDir::new()?;
    let queue = SqliteQueue::open(&folder.path().join("queue.sqlite"), addon(), LONG).await?;
    let accepted = job("MR1")?;
    queue.enqueue(accepted.clone()).await?;
    sqlx::query("UPDATE job SET details = NULL")
        .execute(&queue.database.writer)
        .await?;
    let lease = crate::queue::contract::claim_one(&queue).await?;
    let expected = crate::domain::NewJob {
        details: crate::domain::RequestDetails::default(),
        ..accepted
    };
    assert_eq!(lease.subject.work, expected);
    Ok(())
}
