//! `jobs`: what people do with accepted recordings, on the database that the service uses and also while it runs. It reads
//! the manifest and the secrets as `run` does, and takes no lock of the data folder: the database's own order its changes
//! and the service's, and each is one short transaction.

mod change;
mod options;
mod show;
mod store;

use std::process::ExitCode;

use clap::Subcommand;
use jiff::Timestamp;

use self::options::{
    AuditOptions, Choice, DiscardOptions, FenceOptions, ListOptions, PurgeOptions, ReplayOptions, ShowOptions,
};
use self::show::Output;
use super::CommandError;
use crate::clock;
use crate::domain::JobId;
use crate::queue::QueueError;
use crate::queue::jobs::{Action, Filter, Jobs, Note, Page};

/// Who `run --fence-before` says that it is.
const RUN: &str = "run";

/// Flags of `jobs`.
#[derive(Debug, clap::Args)]
pub struct JobsOptions {
    #[command(subcommand)]
    command: JobsCommand,
}

#[derive(Debug, Subcommand)]
enum JobsCommand {
    /// List jobs, the earliest accepted first.
    List(ListOptions),
    /// Show all that may be told of a job, or of every job of a request.
    Show(ShowOptions),
    /// Deliver stored results again, and let go on what is held; with --work, work on the audio again.
    Replay(ReplayOptions),
    /// End unfinished jobs without a callback.
    Discard(DiscardOptions),
    /// Delete ended jobs, with their results and audio.
    Purge(PurgeOptions),
    /// Hold what a restored backup shows as unfinished, until `replay` or `discard` chooses.
    Fence(FenceOptions),
    /// Show who has changed what, the newest first.
    Audit(AuditOptions),
}

/// Which jobs were meant.
#[derive(Debug, thiserror::Error)]
enum ChooseJobs {
    #[error("failed to choose jobs: name them, or say which with a filter such as --state; purge takes --all too")]
    FindChoice,
    #[error("failed to choose jobs: name them or give a filter, not both")]
    ChooseOnce,
}

/// Does what was asked. Some of it refused is exit code 1.
pub async fn jobs(options: JobsOptions) -> Result<ExitCode, CommandError> {
    match options.command {
        JobsCommand::List(options) => list(options).await,
        JobsCommand::Show(options) => show(options).await,
        JobsCommand::Replay(ReplayOptions { change, work }) => {
            let action = if work { Action::Rework } else { Action::Replay };
            change::change(change, action, Choice::REPLAY).await
        }
        JobsCommand::Discard(DiscardOptions { change, force }) => {
            change::change(change, Action::Discard { force }, Choice::DISCARD).await
        }
        JobsCommand::Purge(PurgeOptions { change, all }) => {
            let choice = if all { Choice::ALL } else { Choice::PURGE };
            change::change(change, Action::Purge { unfinished: all }, choice).await
        }
        JobsCommand::Fence(options) => fence(options).await,
        JobsCommand::Audit(options) => audit(options).await,
    }
}

async fn list(options: ListOptions) -> Result<ExitCode, CommandError> {
    let ListOptions {
        store,
        filter,
        limit,
        after_id,
    } = options;
    let jobs = store::open(&store).await?;
    let page = Page { after: after_id, limit };
    let found = jobs.list(&filter.filter(), page).await.map_err(CommandError::work)?;
    let mut output = Output::stdout(store.output);
    output.jobs(&found).map_err(CommandError::work)?;
    if let Some(last) = found.last().filter(|_| found.len() == limit) {
        eprintln!("there may be more: --after-id {}", last.id);
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(options: ShowOptions) -> Result<ExitCode, CommandError> {
    let ShowOptions { store, job } = options;
    let jobs = store::open(&store).await?;
    let filter = match JobId::parse(&job) {
        Some(id) => Filter {
            id: Some(id),
            ..Filter::default()
        },
        None => Filter {
            request: Some(job.clone()),
            ..Filter::default()
        },
    };
    let page = Page {
        after: None,
        limit: options::PAGE,
    };
    let found = jobs.list(&filter, page).await.map_err(CommandError::work)?;
    let mut output = Output::stdout(store.output);
    for job in &found {
        output.job(job).map_err(CommandError::work)?;
    }
    if found.is_empty() {
        eprintln!("there is no job {job}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn fence(options: FenceOptions) -> Result<ExitCode, CommandError> {
    let FenceOptions { store, before, by, yes } = options;
    let jobs = store::open(&store).await?;
    let seconds = clock::to_seconds(before);
    let (count, told) = if yes {
        let note = fence_note(&by, before);
        (jobs.fence(seconds, &note).await, "held")
    } else {
        (
            jobs.count_fenced(seconds).await,
            "would be held; nothing was changed: add --yes",
        )
    };
    let count = count.map_err(CommandError::work)?;
    let mut output = Output::stdout(store.output);
    output.fenced(count, yes).map_err(CommandError::work)?;
    eprintln!("{count} jobs {told}");
    Ok(ExitCode::SUCCESS)
}

/// The fence of `run`: none when these data have had it, so that a restart does not overrule who has chosen since.
pub(super) async fn fence_once(jobs: &dyn Jobs, before: Timestamp) -> Result<Option<u64>, QueueError> {
    let note = fence_note(RUN, before);
    if jobs.is_fenced(&note).await? {
        return Ok(None);
    }
    jobs.fence(clock::to_seconds(before), &note).await.map(Some)
}

fn fence_note(by: &str, before: Timestamp) -> Note {
    Note {
        author: by.to_owned(),
        choice: format!("before={before}"),
    }
}

async fn audit(options: AuditOptions) -> Result<ExitCode, CommandError> {
    let AuditOptions { store, limit } = options;
    let jobs = store::open(&store).await?;
    let entries = jobs.audit(limit).await.map_err(CommandError::work)?;
    let mut output = Output::stdout(store.output);
    output.audit(&entries).map_err(CommandError::work)?;
    Ok(ExitCode::SUCCESS)
}
