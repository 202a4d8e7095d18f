//! Whether results come in time: the operator's own Prometheus is asked about all add-ons with one query, again and again,
//! and what it says is judged with hysteresis. Run as a task by `run`; read by every pass; `watch` is told what changed.
//!
//! The figures stay here and in Prometheus. A status that showed them would be written at rest.

pub mod judge;
pub mod query;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::broadcast;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::judge::{Docket, EVALUATIONS, Said};
use self::query::{ReadAnswer, Tallies};
use crate::ask::{self, AskError};
use crate::controller::Leads;
use crate::failure;
use crate::leader::Standing;
use crate::memory::Addon;

/// How often Prometheus is asked at most.
const INTERVAL: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A series in an answer takes 200 bytes, and an endpoint has four.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Whoever falls behind so far looks at all add-ons.
const NEWS: usize = 64;

/// Why Prometheus says nothing. In words that stay the same while it lasts.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// What was given as its address.
    #[error("failed to use its address: it must be http:// or https:// and a host")]
    UseAddress,
    /// It does not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// What it answers.
    #[error(transparent)]
    Read(#[from] ReadAnswer),
}

/// The add-ons about which something else is said now.
#[derive(Clone, Debug)]
pub enum News {
    /// Perhaps all.
    All,
    /// These.
    Of(Arc<BTreeSet<Addon>>),
}

#[derive(Debug, Default)]
struct State {
    dockets: BTreeMap<Addon, Docket>,
    /// Answers since the start, or since Prometheus was away.
    answers: u32,
    failures: u32,
    trouble: Option<String>,
}

/// See the module.
#[derive(Debug)]
pub struct Sla {
    address: Option<String>,
    state: Mutex<State>,
    news: broadcast::Sender<News>,
}

impl Sla {
    /// Asks the Prometheus at this address; nobody where there is none.
    #[must_use]
    pub fn new(address: Option<String>) -> Self {
        Self {
            address,
            state: Mutex::default(),
            news: broadcast::Sender::new(NEWS),
        }
    }

    /// What is to be said of an add-on with these endpoints.
    #[must_use]
    pub fn said(&self, addon: &Addon, endpoints: &BTreeSet<String>) -> Said {
        if self.address.is_none() {
            return Said::Unset;
        }
        let state = self.state();
        match (&state.trouble, state.dockets.get(addon)) {
            (Some(words), _) => Said::Unreachable(words.clone()),
            (None, Some(docket)) => docket.said(endpoints),
            (None, None) if state.answers >= EVALUATIONS => Said::NoData,
            (None, None) => Said::Undecided,
        }
    }

    /// Hears of what changes from now on.
    #[must_use]
    pub fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Asks at intervals, once this replica leads.
    pub async fn run(
        self: Arc<Self>,
        mut standing: Leads,
        interval: Duration,
        stop: CancellationToken,
    ) -> Result<(), Infallible> {
        let Some(address) = self.address.clone() else {
            stop.cancelled().await;
            return Ok(());
        };
        let work = async {
            // the sender lives as long as the process
            let _ = standing.wait_for(|now| *now == Standing::Leading).await;
            let mut ticks = tokio::time::interval(interval.min(INTERVAL));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.take(fetch(&address).await);
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    /// One more answer, or none.
    fn take(&self, answer: Result<Tallies, QueryError>) {
        let changed = match answer {
            Ok(tallies) => self.state().judge(&tallies),
            Err(error) => self.state().fail(&error),
        };
        if let Some(changed) = changed {
            let _ = self.news.send(changed); // nobody listens before the watches have begun
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn judge(&mut self, tallies: &Tallies) -> Option<News> {
        self.failures = 0;
        self.answers = self.answers.saturating_add(1);
        for addon in tallies
            .keys()
            .filter(|addon| !self.dockets.contains_key(*addon))
            .cloned()
            .collect::<Vec<_>>()
        {
            self.dockets.insert(addon, Docket::default());
        }
        let mut changed = BTreeSet::new();
        for (addon, docket) in &mut self.dockets {
            if docket.hear(tallies.get(addon)) {
                changed.insert(addon.clone());
            }
        }
        self.dockets.retain(|_, docket| !docket.is_closed());
        let is_over = self.trouble.take().is_some();
        if is_over {
            tracing::info!("Prometheus answers again");
        }
        match (is_over || self.answers == EVALUATIONS, changed.is_empty()) {
            (true, _) => Some(News::All),
            (false, false) => Some(News::Of(Arc::new(changed))),
            (false, true) => None,
        }
    }

    /// What was said stays said for as many failures as it takes answers to change it; then nothing is known any more.
    fn fail(&mut self, error: &QueryError) -> Option<News> {
        self.failures = self.failures.saturating_add(1);
        let words = failure::chain(error);
        if self.failures == 1 {
            tracing::warn!(error = words, "Prometheus did not say whether results come in time");
        }
        if self.failures < EVALUATIONS || self.trouble.as_ref() == Some(&words) {
            return None;
        }
        *self = Self {
            failures: self.failures,
            trouble: Some(words),
            ..Self::default()
        };
        Some(News::All)
    }
}

async fn fetch(address: &str) -> Result<Tallies, QueryError> {
    let url = query::url(address).ok_or(QueryError::UseAddress)?;
    let answer = asked(url).await?;
    Ok(query::read(&answer)?)
}

/// With a client of its own each time: a connection that is used twice a minute is not worth keeping, and a name that
/// has moved is resolved anew.
async fn asked(url: Url) -> Result<Vec<u8>, AskError> {
    ask::get(&ask::client(ANSWER_WITHIN)?, url, ANSWER_BYTES).await
}

#[cfg(test)]
#[path = "sla_tests.rs"]
mod tests;
