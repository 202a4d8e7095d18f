//! The contract on Postgres, and what is Postgres's alone: which servers are refused, and how processes start together.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::try_join_all;
use secrecy::SecretString;
use tokio::sync::watch;

use super::PostgresQueue;
use super::server::RefuseServer;
use crate::domain::AddonKey;
use crate::harness::postgres::Postgres;
use crate::queue::contract::{Bench, LONG, Tested, addon, every_queue, finished, job};
use crate::queue::jobs::Jobs;
use crate::queue::{Enqueued, Queue, QueueError, Room};

/// A schema of its own on the server of all.
struct Schema(OnceLock<Result<String, String>>);

impl Schema {
    const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn url(&self) -> Result<String, Box<dyn Error>> {
        let made = || Postgres::shared().and_then(Postgres::schema);
        let url = self.0.get_or_init(|| made().map_err(|error| error.to_string()));
        Ok(url.clone()?)
    }
}

fn queue(url: &str, addon: AddonKey, lease: Duration) -> PostgresQueue {
    let (_, url) = watch::channel(Some(SecretString::from(url)));
    PostgresQueue::new_lazy(url, addon, lease)
}

#[async_trait]
impl Bench for Schema {
    async fn open_bounded(
        &self,
        addon: &AddonKey,
        lease: Duration,
        room: Room,
    ) -> Result<Arc<dyn Jobs>, Box<dyn Error>> {
        Ok(Arc::new(queue(&self.url()?, addon.clone(), lease).bounded(room)))
    }
}

every_queue!(Schema::new());

/// The whole contract on the schema of a version that does not exist yet: the previous version still serves.
mod on_a_newer_schema {
    use super::*;

    struct Newer(Schema);

    const EXPANSION: &str = "ALTER TABLE job ADD COLUMN IF NOT EXISTS of_a_later_version TEXT;
        CREATE TABLE IF NOT EXISTS of_a_later_version (id BIGINT);
        INSERT INTO job_schema (version, applied_at) VALUES (9999, now()) ON CONFLICT DO NOTHING";

    #[async_trait]
    impl Bench for Newer {
        async fn open_bounded(
            &self,
            addon: &AddonKey,
            lease: Duration,
            room: Room,
        ) -> Result<Arc<dyn Jobs>, Box<dyn Error>> {
            let queue = queue(&self.0.url()?, addon.clone(), lease).bounded(room);
            queue.open().await?;
            sqlx::raw_sql(EXPANSION).execute(&queue.database.pool().await?).await?;
            Ok(Arc::new(queue))
        }
    }

    every_queue!(Newer(Schema::new()));
}

async fn refusal(url: &str) -> Option<RefuseServer> {
    match queue(url, addon(), LONG).open().await {
        Err(QueueError::RefuseServer(refusal)) => Some(refusal),
        Err(error) => unreachable!("refused for another reason: {error:?}"),
        Ok(()) => None,
    }
}

#[tokio::test]
async fn processes_that_start_together_all_come_up() -> Tested {
    let schema = Schema::new();
    let url = schema.url()?;
    let queues: Vec<_> = (0..8).map(|_| queue(&url, addon(), LONG)).collect();
    try_join_all(queues.iter().map(PostgresQueue::open)).await?;
    assert_eq!(queues[7].enqueue(job("MR1")?).await?, Enqueued::Accepted);
    finished_by(&queues[0]).await
}

async fn finished_by(queue: &PostgresQueue) -> Tested {
    finished(queue, &job("MR2")?).await.or_else(|_| Ok(()))
}

#[tokio::test]
async fn refuses_a_server_that_may_lose_what_it_has_committed() -> Tested {
    for (setting, expected) in [
        ("fsync=off", RefuseServer::KeepCommits),
        ("full_page_writes=off", RefuseServer::KeepPages),
    ] {
        let server = Postgres::start(&[setting])?;
        assert_eq!(refusal(&server.url_with("")).await, Some(expected), "{setting}");
    }
    Ok(())
}

#[tokio::test]
async fn refuses_a_standby() -> Tested {
    let mut server = Postgres::start(&[])?;
    server.stop()?;
    std::fs::write(server.folder().join("data/standby.signal"), "")?;
    server.resume()?;
    assert_eq!(refusal(&server.url_with("")).await, Some(RefuseServer::FindPrimary));
    Ok(())
}

#[tokio::test]
async fn refuses_a_role_without_rights_and_takes_it_once_it_has_them() -> Tested {
    let server = Postgres::shared()?;
    server.ask("CREATE SCHEMA theirs; CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA theirs TO clerk")?;
    let theirs = server.url_with("options=-csearch_path%3Dtheirs");
    let url = theirs.replace("postgres@", "clerk@");
    let (role, schema) = ("clerk".to_owned(), "theirs".to_owned());
    let may_not_create = RefuseServer::CreateTables {
        role: role.clone(),
        schema: schema.clone(),
    };
    assert!(
        may_not_create
            .to_string()
            .ends_with("GRANT CREATE, USAGE ON SCHEMA theirs TO clerk")
    );
    assert_eq!(refusal(&url).await, Some(may_not_create));

    queue(&theirs, addon(), LONG).open().await?;
    assert_eq!(refusal(&url).await, Some(RefuseServer::UseTable { role, schema }));
    server.ask(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON theirs.job, theirs.job_audit, theirs.job_piece TO clerk; GRANT SELECT ON theirs.job_schema TO clerk",
    )?;
    let clerk = queue(&url, addon(), LONG);
    assert_eq!(
        clerk.enqueue(job("MR1")?).await?,
        Enqueued::Accepted,
        "no right to create is asked for while there is nothing to create"
    );
    Ok(())
}

#[tokio::test]
async fn refuses_a_search_path_that_leads_nowhere_and_a_read_only_role() -> Tested {
    let server = Postgres::shared()?;
    let nowhere = server.url_with("options=-csearch_path%3Dnowhere");
    assert_eq!(
        refusal(&nowhere).await,
        Some(RefuseServer::FindSchema("nowhere".to_owned()))
    );
    let read_only = server.url_with("options=-cdefault_transaction_read_only%3Don");
    assert_eq!(refusal(&read_only).await, Some(RefuseServer::WriteRows));
    Ok(())
}

#[tokio::test]
async fn a_commit_is_on_the_disk_whatever_the_server_prefers() -> Tested {
    let server = Postgres::start(&["synchronous_commit=off"])?;
    let queue = queue(&server.url_with(""), addon(), LONG);
    let mut transaction = super::Database::begin(&queue.database, super::Access::Write).await?;
    let preferred: String = sqlx::query_scalar("SELECT current_setting('synchronous_commit')")
        .fetch_one(&mut *transaction)
        .await?;
    assert_eq!(preferred, "on");
    Ok(())
}

#[tokio::test]
async fn a_new_url_is_used_from_the_next_statement_on() -> Tested {
    let (before, after) = (Schema::new(), Schema::new());
    let (sender, url) = watch::channel(None);
    let queue = PostgresQueue::new_lazy(url, addon(), LONG);
    assert!(matches!(queue.open().await, Err(QueueError::FindUrl)));
    for schema in [before, after] {
        sender.send_replace(Some(SecretString::from(schema.url()?)));
        assert_eq!(queue.enqueue(job("MR1")?).await?, Enqueued::Accepted);
    }
    sender.send_replace(Some(SecretString::from("mysql://nobody")));
    assert!(matches!(queue.open().await, Err(QueueError::ReadUrl)));
    Ok(())
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() -> Tested {
    let mut server = Postgres::start(&[])?;
    let queue = queue(&server.url_with(""), addon(), LONG);
    assert_eq!(queue.enqueue(job("MR1")?).await?, Enqueued::Accepted);
    server.stop()?;
    assert!(queue.enqueue(job("MR2")?).await.is_err());
    server.resume()?;
    assert_eq!(queue.enqueue(job("MR2")?).await?, Enqueued::Accepted);
    assert_eq!(queue.claim(10).await?.len(), 2);
    Ok(())
}
