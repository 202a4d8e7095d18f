//! One change of many jobs: chosen first, then made one after the other, no faster than asked, each with its row of the
//! audit. A job that has gone on in between is looked at again by the change itself.

use std::process::ExitCode;
use std::time::Duration;

use marketplace_daemon::cause::chain;

use super::ChooseJobs;
use super::options::{ChangeOptions, Choice, PAGE};
use super::show::Output;
use super::store::{self, Files};
use crate::cli::CommandError;
use crate::domain::{JobId, SpoolKey};
use crate::queue::QueueError;
use crate::queue::jobs::{Acted, Action, Filter, JobFacts, Jobs, Note, Page};
use crate::spool::Area;

/// What is to be changed.
struct Chosen {
    ids: Vec<JobId>,
    /// For the audit.
    words: String,
    /// Whether to list it in place of changing it.
    is_rehearsal: bool,
}

/// Does it, or says what it would do.
pub(super) async fn change(options: ChangeOptions, action: Action, choice: Choice) -> Result<ExitCode, CommandError> {
    let words = options.filter.words();
    let is_by_filter = choice.is_all || !words.is_empty();
    match (options.jobs.is_empty(), is_by_filter) {
        (true, false) => return Err(CommandError::input(ChooseJobs::FindChoice)),
        (false, true) => return Err(CommandError::input(ChooseJobs::ChooseOnce)),
        (true, true) | (false, false) => {}
    }
    let jobs = store::open(&options.store).await?;
    let mut output = Output::stdout(options.store.output);
    if is_by_filter {
        let found = find(jobs.as_ref(), &options, choice)
            .await
            .map_err(CommandError::work)?;
        let chosen = Chosen {
            ids: found.iter().map(|job| job.id).collect(),
            words: if words.is_empty() { "all".to_owned() } else { words },
            is_rehearsal: !options.yes,
        };
        if chosen.is_rehearsal {
            output.jobs(&found).map_err(CommandError::work)?;
        }
        return make(jobs.as_ref(), &options, action, (chosen, output)).await;
    }
    let chosen = Chosen {
        ids: options.jobs.clone(),
        words: "by name".to_owned(),
        is_rehearsal: choice.asks && !options.yes,
    };
    make(jobs.as_ref(), &options, action, (chosen, output)).await
}

/// All of them first: a page cannot begin behind a job that has been deleted.
async fn find(jobs: &dyn Jobs, options: &ChangeOptions, choice: Choice) -> Result<Vec<JobFacts>, QueueError> {
    let mut filter = options.filter.filter();
    if filter.standings.is_empty() {
        filter = Filter {
            standings: choice.standings.to_vec(),
            ..filter
        };
    }
    let mut found: Vec<JobFacts> = Vec::new();
    while found.len() < options.limit {
        let page = Page {
            after: found.last().map(|job| job.id),
            limit: PAGE.min(options.limit - found.len()),
        };
        let more = jobs.list(&filter, page).await?;
        let is_last = more.len() < page.limit;
        found.extend(more);
        if is_last {
            break;
        }
    }
    Ok(found)
}

async fn make(
    jobs: &dyn Jobs,
    options: &ChangeOptions,
    action: Action,
    (chosen, mut output): (Chosen, Output),
) -> Result<ExitCode, CommandError> {
    let count = chosen.ids.len();
    if chosen.is_rehearsal {
        eprintln!(
            "{count} jobs chosen to {}; nothing was changed: add --yes",
            action.label()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let files = Files::find(&options.store)?;
    let note = Note {
        author: options.by.clone(),
        choice: chosen.words,
    };
    let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / options.rate));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut done = 0;
    for id in chosen.ids {
        pace.tick().await;
        let acted = jobs.act(action, id, &note).await.map_err(CommandError::work)?;
        output.acted(id, action, &acted).map_err(CommandError::work)?;
        if let Acted::Done { audio, result } = acted {
            done += 1;
            remove(&files, audio, result).await;
        }
    }
    eprintln!("{}: {done} of {count} jobs", action.label());
    Ok(if done == count {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The rows that named them are gone: what cannot be removed here the service sweeps.
async fn remove(files: &Files, audio: Option<SpoolKey>, result: Option<SpoolKey>) {
    for (area, key) in [(Area::Audio, audio), (Area::Results, result)] {
        if let Some(key) = key
            && let Err(error) = files.remove(area, &key).await
        {
            eprintln!("a file stays until it is swept: {}", chain(&error));
        }
    }
}
