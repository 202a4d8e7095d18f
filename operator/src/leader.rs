//! Which of several operators writes: the one that holds the lease. Called by `run`, once, for as long as the process lives.
//!
//! Nobody's clock is compared with another's. A replica waits until it has itself watched the lease unchanged for as long
//! as its holder declared, on its own monotonic clock; the holder stops writing earlier than that, counted from before it
//! sent its last renewal (see `fence`). Every write of the lease names the version that was read, so that of two who try
//! only one succeeds. The lease is never created here: an absent one would tell nothing about who held it. The chart makes it.

pub mod fence;

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::failure;
use crate::metrics::Metrics;
use crate::progress::Progress;
use fence::Fence;

/// How long after the last renewal that they saw others may take the lease.
const LEASE_SECONDS: i32 = 15;
/// How long after it sent its last renewal the holder writes. The rest is for writes that are on their way.
const WRITE_FOR: Duration = Duration::from_secs(10);
/// How often the holder renews, and the others look.
const TURN: Duration = Duration::from_secs(2);
/// What stands for the watches of a replica that has none, in its signs of life.
const LEASES: &str = "leases";
/// A call that is not answered by then is given up.
const ANSWER: Duration = Duration::from_secs(3);

/// Why the lease could not be looked at or written, or why this process must end.
#[derive(Debug, thiserror::Error)]
pub enum LeaderError {
    /// The API server did not give it.
    #[error("failed to get Lease {0}")]
    GetLease(String, #[source] kube::Error),
    /// The chart makes it.
    #[error("failed to find Lease {0}: install it with the chart of the operator, or create it empty")]
    FindLease(String),
    /// Somebody else was quicker, or the API server did not take it.
    #[error("failed to write Lease {0}")]
    WriteLease(String, #[source] kube::Error),
    /// No answer.
    #[error("failed to hear of Lease {0} within {seconds} s", seconds = ANSWER.as_secs())]
    HearOfLease(String),
    /// Another replica leads now: what this one remembers is worth nothing any more.
    #[error("failed to keep Lease {0}: another replica has taken it, and this one starts anew")]
    KeepLease(String),
}

/// What this process is with regard to the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Another one leads, or nobody yet.
    Waiting,
    /// This one leads.
    Leading,
    /// This one led, and another does now.
    Lost,
}

/// What is to be done about the lease as it was read.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait,
    Take,
    Renew,
    GiveUp,
}

/// What this process knows of the lease.
#[derive(Debug)]
struct Election {
    identity: String,
    /// The number of the change of holders by which this process came to hold it.
    term: Option<i32>,
    /// The version that was read last, and since when it is that.
    seen: Option<(String, Instant)>,
}

impl Election {
    /// Decides. A pod's name is never given twice, and a container of a pod starts after the one before has ended: a
    /// lease that bears our name from before is ours to take.
    fn step(&mut self, lease: &Lease, now: Instant) -> Step {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.filter(|holder| !holder.is_empty());
        let is_ours = holder.as_ref() == Some(&self.identity);
        match self.term {
            Some(term) if is_ours && spec.lease_transitions == Some(term) => Step::Renew,
            Some(_) => Step::GiveUp,
            None if is_ours || holder.is_none() => Step::Take,
            None => {
                let seconds = spec.lease_duration_seconds.unwrap_or(0).max(LEASE_SECONDS);
                let unchanged = now.saturating_duration_since(self.since(lease, now));
                if unchanged >= Duration::from_secs(seconds.unsigned_abs().into()) {
                    Step::Take
                } else {
                    Step::Wait
                }
            }
        }
    }

    /// Since when the lease is what it is.
    fn since(&mut self, lease: &Lease, now: Instant) -> Instant {
        let version = lease.resource_version().unwrap_or_default();
        match &self.seen {
            Some((seen, since)) if *seen == version => *since,
            _ => {
                self.seen = Some((version, now));
                now
            }
        }
    }
}

/// One replica's part in the election.
pub struct Leader {
    name: String,
    leases: Api<Lease>,
    election: Election,
    fence: Fence,
    standing: watch::Sender<Standing>,
}

/// The lease, as it is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseName {
    /// Its namespace: the operator's own.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::str::FromStr for LeaseName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => Ok(Self {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err("write NAMESPACE/NAME".to_owned()),
        }
    }
}

impl Leader {
    /// Stands for election. `client` must not be behind the fence.
    #[must_use]
    pub fn new(client: Client, lease: &LeaseName, identity: String, fence: Fence) -> Self {
        Self {
            name: lease.name.clone(),
            leases: Api::namespaced(client, &lease.namespace),
            election: Election {
                identity,
                term: None,
                seen: None,
            },
            fence,
            standing: watch::Sender::new(Standing::Waiting),
        }
    }

    /// What this process is, now and later.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Looks, takes and renews until all other tasks are done, then gives the lease back: the next leader need not wait.
    pub async fn hold(mut self, last: CancellationToken, progress: Progress, metrics: Metrics) {
        loop {
            let was_waiting = *self.standing.borrow() == Standing::Waiting;
            let turn = self.turn(Instant::now()).await;
            match &turn {
                // A leader's signs of life are its watches; another has only this.
                Ok(Standing::Waiting) => progress.note(LEASES.to_owned(), Instant::now()),
                Ok(Standing::Leading) if was_waiting => progress.restart(LEASES, Instant::now()),
                Ok(Standing::Leading | Standing::Lost) => {}
                Err(error) => {
                    progress.note_failure(Instant::now());
                    tracing::warn!(error = failure::chain(error), "could not see to the lease");
                }
            }
            metrics.set_leader(self.fence.is_open(Instant::now()));
            tokio::select! {
                () = last.cancelled() => break,
                () = tokio::time::sleep(TURN) => {}
            }
        }
        if let Err(error) = self.release().await {
            tracing::warn!(
                error = failure::chain(&error),
                "could not give the lease back; the next leader waits for it"
            );
        }
    }

    /// One look, and what follows from it.
    async fn turn(&mut self, now: Instant) -> Result<Standing, LeaderError> {
        let lease = self.read().await?;
        let standing = match self.election.step(&lease, now) {
            Step::Wait => Standing::Waiting,
            Step::GiveUp => {
                self.fence.close();
                Standing::Lost
            }
            Step::Take => {
                self.take(lease, now).await?;
                Standing::Leading
            }
            Step::Renew => {
                self.write(lease, |_| ()).await?;
                self.fence.open_until(now + WRITE_FOR);
                Standing::Leading
            }
        };
        if self.standing.send_replace(standing) != standing {
            tracing::info!(
                lease = self.name,
                identity = self.election.identity,
                ?standing,
                "the lease"
            );
        }
        Ok(standing)
    }

    async fn take(&mut self, lease: Lease, now: Instant) -> Result<(), LeaderError> {
        let identity = self.election.identity.clone();
        let transitions = lease.spec.as_ref().and_then(|spec| spec.lease_transitions);
        let term = transitions.unwrap_or(0).saturating_add(1);
        self.write(lease, |spec| {
            spec.holder_identity = Some(identity);
            spec.lease_transitions = Some(term);
            spec.lease_duration_seconds = Some(LEASE_SECONDS);
            spec.acquire_time = Some(MicroTime(clock::now()));
        })
        .await?;
        self.election.term = Some(term);
        self.fence.open_until(now + WRITE_FOR);
        Ok(())
    }

    async fn release(&mut self) -> Result<(), LeaderError> {
        self.fence.close();
        if self.election.term.is_none() {
            return Ok(());
        }
        let lease = self.read().await?;
        if self.election.step(&lease, Instant::now()) != Step::Renew {
            return Ok(());
        }
        self.write(lease, |spec| spec.holder_identity = None).await
    }

    async fn read(&self) -> Result<Lease, LeaderError> {
        let lease = timeout(ANSWER, self.leases.get_opt(&self.name)).await;
        lease
            .map_err(|_| LeaderError::HearOfLease(self.name.clone()))?
            .map_err(|error| LeaderError::GetLease(self.name.clone(), error))?
            .ok_or_else(|| LeaderError::FindLease(self.name.clone()))
    }

    /// Replaces the very version that was read.
    async fn write(
        &self,
        mut lease: Lease,
        change: impl FnOnce(&mut k8s_openapi::api::coordination::v1::LeaseSpec),
    ) -> Result<(), LeaderError> {
        let spec = lease.spec.get_or_insert_default();
        spec.renew_time = Some(MicroTime(clock::now()));
        change(spec);
        let parameters = PostParams::default();
        let written = timeout(ANSWER, self.leases.replace(&self.name, &parameters, &lease)).await;
        written
            .map_err(|_| LeaderError::HearOfLease(self.name.clone()))?
            .map_err(|error| LeaderError::WriteLease(self.name.clone(), error))?;
        Ok(())
    }
}

/// Ends well when asked to stop, and with an error when another replica leads.
pub async fn keep(
    mut standing: watch::Receiver<Standing>,
    stop: CancellationToken,
    lease: LeaseName,
) -> Result<(), LeaderError> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        // an error: the task that held the lease has ended, which is no better
        _ = standing.wait_for(|now| *now == Standing::Lost) => Err(LeaderError::KeepLease(lease.name)),
    }
}

#[cfg(test)]
#[path = "leader_tests.rs"]
mod tests;
