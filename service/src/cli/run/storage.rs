//! Opens what recordings are kept in, as the resource and the role have it; called by `run`.
//!
//! A volume is one process's: SQLite and the audio in one folder, under one lock, so that whatever was leased when it
//! starts belongs to nobody alive. With Postgres there may be any number of processes of any role: nothing is known of the
//! others, and only time frees a lease. They share the folder with the audio, or each has one of its own and they share a
//! bucket.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use marketplace_daemon::Tasks;
use marketplace_daemon::admin::Page;
use marketplace_daemon::cause::chain;
use tokio::sync::watch;

use super::Role;
use crate::cli::CommandError;
use crate::cli::jobs::fence_once;
use crate::config::{BucketPlan, Config, StoragePlan};
use crate::files::Secrets;
use crate::queue::jobs::Jobs;
use crate::queue::{PostgresQueue, Queue as _, QueueError, SqliteQueue};
use crate::reach::Looker;
use crate::spool::{Bucket, Spool, SpoolError};
use crate::worker::LEASE;

/// Why the flags do not fit the add-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitOptions {
    /// Recordings would be lost.
    #[error(
        "failed to start: an endpoint of this add-on is answered later, so say where recordings are kept, with --data DIR"
    )]
    FindData,
    /// One folder, one process.
    #[error(
        "failed to start: a data folder is used by one process alone, which does all of the work; leave --role out, write --role all, or declare storage.postgres"
    )]
    ShareData,
    /// Nothing is ever enqueued.
    #[error(
        "failed to start: no endpoint of this add-on is answered later, so that a worker has nothing to do; leave --role out"
    )]
    FindWork,
}

/// What an asynchronous endpoint needs.
pub(super) struct Storage {
    pub(super) spool: Arc<Spool>,
    pub(super) queue: Arc<dyn Jobs>,
}

/// Whether these flags can serve this add-on. With a folder and SQLite the work cannot be parted.
pub(super) fn fit(config: &Config, role: Role, has_data: bool) -> Result<(), FitOptions> {
    if !config.has_asynchronous_endpoint() {
        return match role {
            Role::All | Role::Front => Ok(()),
            Role::Worker => Err(FitOptions::FindWork),
        };
    }
    match (&config.storage, role) {
        _ if !has_data => Err(FitOptions::FindData),
        (Some(StoragePlan::Postgres { .. }), _) | (_, Role::All) => Ok(()),
        (Some(StoragePlan::Folder) | None, Role::Front | Role::Worker) => Err(FitOptions::ShareData),
    }
}

/// Opens it, where an endpoint needs it.
pub(super) async fn open(
    config: &Config,
    data: Option<&Path>,
    secrets: &Secrets,
) -> Result<Option<Storage>, CommandError> {
    let (Some(folder), true) = (data, config.has_asynchronous_endpoint()) else {
        return Ok(None);
    };
    match &config.storage {
        Some(StoragePlan::Postgres { secret_name, bucket }) => {
            let spool = match bucket {
                Some(plan) => open_bucket(plan, config, secrets)
                    .and_then(|bucket| Spool::over(folder, config.limits.spool, bucket)),
                None => Spool::share(folder, config.limits.spool),
            };
            open_shared(config, spool.map_err(CommandError::work)?, secrets, secret_name).await
        }
        Some(StoragePlan::Folder) | None => open_alone(config, folder).await,
    }
    .map(Some)
}

async fn open_alone(config: &Config, folder: &Path) -> Result<Storage, CommandError> {
    let spool = Spool::open(folder, config.limits.spool).map_err(CommandError::work)?;
    let queue = SqliteQueue::open(&folder.join("queue.db"), config.addon.clone(), LEASE).await;
    let queue = queue.map_err(CommandError::work)?.bounded(config.limits.room);
    let freed = queue.recover().await.map_err(CommandError::work)?;
    if freed > 0 {
        tracing::info!(jobs = freed, "took over what an earlier process had begun");
    }
    Ok(Storage {
        spool: Arc::new(spool),
        queue: Arc::new(queue),
    })
}

/// The bucket as this process may use it; nobody is asked yet, for the same reason.
pub(crate) fn open_bucket(plan: &BucketPlan, config: &Config, secrets: &Secrets) -> Result<Bucket, SpoolError> {
    let keys = secrets.key_pairs.get(&plan.secret_name).cloned();
    let keys = keys.unwrap_or_else(|| watch::channel(None).1);
    Bucket::new(plan, &config.addon, keys)
}

/// A database that is down is no reason not to start: endpoints that answer at once need none, and recordings get 503 until
/// it is back. One that must not be used is.
async fn open_shared(
    config: &Config,
    spool: Spool,
    secrets: &Secrets,
    secret_name: &str,
) -> Result<Storage, CommandError> {
    let url = secrets.database_urls.get(secret_name).cloned();
    let url = url.ok_or_else(|| CommandError::input(QueueError::FindUrl))?;
    let queue = PostgresQueue::new_lazy(url, config.addon.clone(), LEASE).bounded(config.limits.room);
    match queue.open().await {
        Ok(()) => {}
        Err(error @ (QueueError::RefuseServer(_) | QueueError::ReadUrl)) => return Err(CommandError::work(error)),
        Err(error) => {
            tracing::error!(
                error = chain(&error),
                "the database is out of reach: recordings get 503 until it is back"
            );
        }
    }
    Ok(Storage {
        spool: Arc::new(spool),
        queue: Arc::new(queue),
    })
}

/// Looks whether it can be reached, and tells it.
pub(super) fn looker(storage: &Storage) -> (Looker, Page) {
    Looker::new(storage.queue.clone(), Arc::clone(&storage.spool))
}

/// From now on.
pub(super) fn look(looker: Looker, tasks: &mut Tasks) {
    let stop = tasks.stop();
    tasks.spawn("reach", async move {
        looker.run(stop).await;
        Ok::<_, Infallible>(())
    });
}

/// Before anything is worked on or delivered. Without a database it cannot be known what would be.
pub(super) async fn fence(queue: &dyn Jobs, before: Timestamp) -> Result<(), CommandError> {
    let held = fence_once(queue, before).await.map_err(CommandError::work)?;
    if let Some(jobs) = held {
        tracing::warn!(jobs, %before, "holding what a restored backup shows as unfinished");
    } else {
        tracing::info!(%before, "these data were fenced at an earlier start");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use marketplace_crds::manifest;

    use super::{FitOptions, fit};
    use crate::cli::run::Role;
    use crate::config::{Config, StoragePlan};

    #[test]
    fn says_which_flags_do_not_fit_the_addon() -> Result<(), Box<dyn Error>> {
        let mut addon = manifest::read(include_str!("../../../../crds/fixtures/call-insights.yaml"))?;
        let with_recordings = Config::from_addon(&addon)?;
        let on_postgres = Config {
            storage: Some(StoragePlan::Postgres {
                secret_name: "jobs".to_owned(),
                bucket: None,
            }),
            ..with_recordings.clone()
        };
        addon
            .spec
            .endpoints
            .retain(|endpoint| !endpoint.integration.is_asynchronous());
        let without = Config::from_addon(&addon)?;
        let cases = [
            (&with_recordings, Role::All, true, Ok(())),
            (&with_recordings, Role::All, false, Err(FitOptions::FindData)),
            (&with_recordings, Role::Front, true, Err(FitOptions::ShareData)),
            (&with_recordings, Role::Worker, true, Err(FitOptions::ShareData)),
            (&on_postgres, Role::All, true, Ok(())),
            (&on_postgres, Role::Front, true, Ok(())),
            (&on_postgres, Role::Worker, true, Ok(())),
            (&on_postgres, Role::Worker, false, Err(FitOptions::FindData)),
            (&without, Role::All, false, Ok(())),
            (&without, Role::All, true, Ok(())),
            (&without, Role::Front, false, Ok(())),
            (&without, Role::Worker, true, Err(FitOptions::FindWork)),
        ];
        for (config, role, has_data, expected) in cases {
            assert_eq!(fit(config, role, has_data), expected, "{role:?} {has_data}");
        }
        Ok(())
    }
}
