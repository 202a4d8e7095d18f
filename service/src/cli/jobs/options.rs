//! The flags of `jobs`, and what a command means when one is left out.

use std::path::PathBuf;

use clap::ValueEnum;
use jiff::Timestamp;

use crate::cli::AddonOptions;
use crate::clock;
use crate::domain::JobId;
use crate::queue::Standing;
use crate::queue::jobs::Filter;

/// As many as one page of a list has.
pub(super) const PAGE: usize = 500;

/// How what is found is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// A JSON object on each line.
    Json,
}

/// Where the jobs are.
#[derive(Debug, clap::Args)]
pub(super) struct StoreOptions {
    #[command(flatten)]
    pub(super) addon: AddonOptions,

    /// The data folder of the service. Needed with storage.volume, where the jobs are in it; with storage.postgres it lets
    /// `purge` remove files at once, which the service does within an hour otherwise.
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,

    /// How what is found is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Format,
}

/// Which jobs. All that is given must hold.
#[derive(Debug, clap::Args)]
pub(super) struct FilterOptions {
    /// Where they are. May be repeated.
    #[arg(long, value_enum, value_name = "STATE")]
    state: Vec<Standing>,

    /// The name of their endpoint.
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,

    /// The installation, as X-Twilio-AddOnInstallSid said.
    #[arg(long, value_name = "SID")]
    install: Option<String>,

    /// The version of the add-on, as X-Twilio-AddOnVersionSid said.
    #[arg(long, value_name = "SID")]
    version: Option<String>,

    /// The request.
    #[arg(long, value_name = "SID")]
    request: Option<String>,

    /// Accepted at this time or later, as 2026-11-21T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    after: Option<Timestamp>,

    /// Accepted before this time.
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,
}

impl FilterOptions {
    /// For the database.
    pub(super) fn filter(&self) -> Filter {
        Filter {
            id: None,
            standings: self.state.clone(),
            endpoint: self.endpoint.clone(),
            install: self.install.clone(),
            version: self.version.clone(),
            request: self.request.clone(),
            after: self.after.map(clock::to_seconds),
            before: self.before.map(clock::to_seconds),
        }
    }

    /// For the audit; empty when nothing is asked for.
    pub(super) fn words(&self) -> String {
        let states: Vec<_> = self.state.iter().map(|standing| standing.label()).collect();
        let states = (!states.is_empty()).then(|| states.join(","));
        let text = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
        let words = [
            ("state", states),
            ("endpoint", self.endpoint.clone()),
            ("install", self.install.clone()),
            ("version", self.version.clone()),
            ("request", self.request.clone()),
            ("after", text(self.after)),
            ("before", text(self.before)),
        ];
        let words = words.into_iter();
        let given: Vec<_> = words
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)))
            .collect();
        given.join(" ")
    }
}

/// Flags of `jobs list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,

    #[command(flatten)]
    pub(super) filter: FilterOptions,

    /// At most so many.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = count)]
    pub(super) limit: usize,

    /// Those behind this one: the next page.
    #[arg(long, value_name = "JOB", value_parser = job)]
    pub(super) after_id: Option<JobId>,
}

/// Flags of `jobs show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,

    /// The job, or the SID of its request.
    #[arg(value_name = "JOB")]
    pub(super) job: String,
}

/// Flags of every change.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,

    /// The jobs, by name.
    #[arg(value_name = "JOB", value_parser = job)]
    pub(super) jobs: Vec<JobId>,

    #[command(flatten)]
    pub(super) filter: FilterOptions,

    /// At most so many, the earliest accepted first.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = count)]
    pub(super) limit: usize,

    /// At most so many in a second, so that what follows floods nobody.
    #[arg(long, value_name = "COUNT", default_value_t = 10.0, value_parser = rate)]
    pub(super) rate: f64,

    /// Who does it, for the audit.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    pub(super) by: String,

    /// Do it. Without this, jobs that were chosen by a filter are only listed, and nothing is purged.
    #[arg(long)]
    pub(super) yes: bool,
}

/// Flags of `jobs replay`.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayOptions {
    #[command(flatten)]
    pub(super) change: ChangeOptions,

    /// Work on the audio again in place of delivering the stored result. It must still be there: it goes soon after a job
    /// has ended.
    #[arg(long)]
    pub(super) work: bool,
}

/// Flags of `jobs discard`.
#[derive(Debug, clap::Args)]
pub(super) struct DiscardOptions {
    #[command(flatten)]
    pub(super) change: ChangeOptions,

    /// Also jobs that are worked on or sent at this moment: what comes of that is refused.
    #[arg(long)]
    pub(super) force: bool,
}

/// Flags of `jobs purge`.
#[derive(Debug, clap::Args)]
pub(super) struct PurgeOptions {
    #[command(flatten)]
    pub(super) change: ChangeOptions,

    /// Every job of the add-on, also those that have not ended: it is gone, and nobody waits for them.
    #[arg(long)]
    pub(super) all: bool,
}

/// Flags of `jobs fence`.
#[derive(Debug, clap::Args)]
pub(super) struct FenceOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,

    /// Accepted before this time: the moment of the restore, or any later one before the service accepts again.
    #[arg(long, value_name = "TIME")]
    pub(super) before: Timestamp,

    /// Who does it, for the audit.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    pub(super) by: String,

    /// Do it. Without this it is only said how many there are.
    #[arg(long)]
    pub(super) yes: bool,
}

/// Flags of `jobs audit`.
#[derive(Debug, clap::Args)]
pub(super) struct AuditOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,

    /// At most so many.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = count)]
    pub(super) limit: usize,
}

/// Which jobs a filter without --state means, and whether no filter at all means something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) standings: &'static [Standing],
    pub(super) is_all: bool,
    pub(super) asks: bool,
}

impl Choice {
    /// What waits for somebody: a confirmed result is delivered again only when it is asked for.
    pub(super) const REPLAY: Self = Self {
        standings: &[Standing::Held, Standing::Rejected, Standing::Expired],
        is_all: false,
        asks: false,
    };
    /// What can be ended.
    pub(super) const DISCARD: Self = Self {
        standings: &[
            Standing::Queued,
            Standing::Running,
            Standing::Delivering,
            Standing::Held,
        ],
        is_all: false,
        asks: false,
    };
    /// What has ended.
    pub(super) const PURGE: Self = Self {
        standings: &[
            Standing::Confirmed,
            Standing::Rejected,
            Standing::Expired,
            Standing::Discarded,
        ],
        is_all: false,
        asks: true,
    };
    /// Everything.
    pub(super) const ALL: Self = Self {
        standings: &Standing::ALL,
        is_all: true,
        asks: true,
    };
}

fn count(text: &str) -> Result<usize, &'static str> {
    let count = text.parse().ok().filter(|count| (1..=1_000_000).contains(count));
    count.ok_or("want a number from 1 to 1000000")
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().ok().filter(|rate| (0.01..=1000.0).contains(rate));
    rate.ok_or("want a number from 0.01 to 1000")
}

fn job(text: &str) -> Result<JobId, &'static str> {
    JobId::parse(text).ok_or("want the name of a job, as `jobs list` shows it")
}
