//! Opens the database of an add-on beside whatever serves it.

use std::path::PathBuf;

use super::options::StoreOptions;
use crate::cli::run::open_bucket;
use crate::cli::{CommandError, read_config};
use crate::config::{Config, StoragePlan};
use crate::domain::SpoolKey;
use crate::files::SecretFiles;
use crate::queue::jobs::Jobs;
use crate::queue::{PostgresQueue, QueueError, SqliteQueue};
use crate::spool::{Area, Bucket, SpoolError, remove_beside};
use crate::worker::LEASE;

/// Why there are no jobs to look at.
#[derive(Debug, thiserror::Error)]
enum OpenStore {
    #[error(
        "failed to find the jobs: with storage.volume they are in the data folder of the service; name it with --data DIR"
    )]
    NameData,
    #[error("failed to find the jobs: there is no {}; has the service ever run with this folder?", file.display())]
    FindDatabase { file: PathBuf },
    #[error(
        "failed to find the jobs: storage.postgres names the Secret {name}, and the folder of secrets has no {name}/DATABASE_URL"
    )]
    ReadSecret { name: String },
}

/// Opens it. A schema of an earlier version is brought up to date: migrations only add, so that a service of that version
/// goes on.
pub(super) async fn open(options: &StoreOptions) -> Result<Box<dyn Jobs>, CommandError> {
    let config = read_config(&options.addon.file).map_err(CommandError::input)?;
    match &config.storage {
        Some(StoragePlan::Postgres { secret_name, .. }) => open_postgres(&config, options, secret_name).await,
        Some(StoragePlan::Folder) | None => open_file(&config, options).await,
    }
}

/// Where the files of jobs lie, for who deletes the rows that name them.
pub(super) enum Files {
    /// In the data folder.
    Folder(PathBuf),
    /// In a bucket.
    Bucket(Bucket),
    /// Nobody has said: the service sweeps what has no row.
    Unknown,
}

impl Files {
    pub(super) fn find(options: &StoreOptions) -> Result<Self, CommandError> {
        let config = read_config(&options.addon.file).map_err(CommandError::input)?;
        let in_folder = || options.data.clone().map_or(Self::Unknown, Self::Folder);
        match &config.storage {
            Some(StoragePlan::Postgres { bucket: Some(plan), .. }) => {
                let (_, secrets) = SecretFiles::open(options.addon.places(), config.secrets.clone());
                let bucket = open_bucket(plan, &config, &secrets).map_err(CommandError::work)?;
                Ok(Self::Bucket(bucket))
            }
            Some(StoragePlan::Postgres { bucket: None, .. } | StoragePlan::Folder) | None => Ok(in_folder()),
        }
    }

    pub(super) async fn remove(&self, area: Area, key: &SpoolKey) -> Result<(), SpoolError> {
        match self {
            Self::Folder(folder) => remove_beside(folder, area, key).await,
            Self::Bucket(bucket) => bucket.remove(area, key).await,
            Self::Unknown => Ok(()),
        }
    }
}

async fn open_file(config: &Config, options: &StoreOptions) -> Result<Box<dyn Jobs>, CommandError> {
    let folder = options.data.as_ref().ok_or(OpenStore::NameData);
    let file = folder.map_err(CommandError::input)?.join("queue.db");
    if !file.is_file() {
        return Err(CommandError::input(OpenStore::FindDatabase { file }));
    }
    let opened = SqliteQueue::open_beside(&file, config.addon.clone(), LEASE).await;
    Ok(Box::new(opened.map_err(CommandError::work)?))
}

async fn open_postgres(config: &Config, options: &StoreOptions, name: &str) -> Result<Box<dyn Jobs>, CommandError> {
    let (_, secrets) = SecretFiles::open(options.addon.places(), config.secrets.clone());
    let none = || CommandError::input(OpenStore::ReadSecret { name: name.to_owned() });
    let url = secrets.database_urls.get(name).cloned().ok_or_else(none)?;
    if url.borrow().is_none() {
        return Err(none());
    }
    let queue = PostgresQueue::new_lazy(url, config.addon.clone(), LEASE);
    match queue.open().await {
        Ok(()) => Ok(Box::new(queue)),
        Err(error @ QueueError::ReadUrl) => Err(CommandError::input(error)),
        Err(error) => Err(CommandError::work(error)),
    }
}
