//! How a process ends: by a signal, in order, with exit code 0; or because a part of it ended by itself, in the same order,
//! with an error. A task that dies unseen would leave a process that looks healthy and does nothing.
//!
//! The order: readiness falls; the rest of the world gets time to notice; the tasks are told to stop and are waited for;
//! last the admin address goes, which until then tells that the pod drains and lives.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::admin::Readiness;

type Failure = Box<dyn StdError + Send + Sync>;

/// Why the process ends with an exit code other than 0.
#[derive(Debug, Error)]
pub enum ShutdownError {
    /// The system refused to tell us of signals.
    #[error("failed to listen for signals")]
    ListenForSignals(#[source] std::io::Error),
    /// Nobody had asked it to.
    #[error("failed to keep the task {0} running: it ended by itself")]
    EndEarly(&'static str),
    /// The task said that it cannot go on.
    #[error("failed to run the task {0}")]
    RunTask(&'static str, #[source] Failure),
    /// The task panicked.
    #[error("failed to join the task {0}")]
    JoinTask(&'static str, #[source] JoinError),
    /// The time to finish was over, and these tasks still ran.
    #[error("failed to finish within {seconds} s: {1}", seconds = .0.as_secs())]
    FinishInTime(Duration, String),
}

/// Listens for SIGTERM and SIGINT from now on; the token is cancelled by the first of them.
pub fn on_signal() -> Result<CancellationToken, ShutdownError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ShutdownError::ListenForSignals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ShutdownError::ListenForSignals)?;
    let asked = CancellationToken::new();
    let asked_by_signal = asked.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "asked to stop");
        asked_by_signal.cancel();
    });
    Ok(asked)
}

/// How long a stop may take.
#[derive(Clone, Copy, Debug)]
pub struct Grace {
    /// From the fall of readiness until the tasks are told to stop: endpoints and proxies need it to notice.
    pub notice: Duration,
    /// From then until tasks that still run are aborted.
    pub finish: Duration,
}

/// The long-running parts of a process, each with a name.
#[derive(Debug, Default)]
pub struct Tasks {
    running: JoinSet<Result<(), Failure>>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
    last: CancellationToken,
}

impl Tasks {
    /// Cancelled when the tasks must stop taking new work and finish.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Cancelled when all other tasks are done: for the admin address, which is kept outside of [`Tasks::spawn`]'s waiting.
    #[must_use]
    pub fn last(&self) -> CancellationToken {
        self.last.clone()
    }

    /// Runs a part that is expected to end only after [`Tasks::stop`].
    pub fn spawn<E: Into<Failure>>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let handle = self.running.spawn(async move { task.await.map_err(Into::into) });
        self.names.insert(handle.id(), name);
    }

    /// Runs until `asked` or until a task ends, then stops everything in order. The first cause is the answer.
    pub async fn supervise(
        mut self,
        asked: CancellationToken,
        readiness: Readiness,
        grace: Grace,
    ) -> Result<(), ShutdownError> {
        let cause = tokio::select! {
            () = asked.cancelled() => Ok(()),
            ended = self.next_end() => match ended {
                Some((name, Ok(()))) => Err(ShutdownError::EndEarly(name)),
                Some((_, Err(error))) => Err(error),
                None => Ok(()),
            },
        };
        if let Err(error) = &cause {
            tracing::error!(error = error as &dyn StdError, "stopping because of a task");
        }
        readiness.drain();
        if cause.is_ok() {
            sleep(grace.notice).await;
        }
        self.stop.cancel();
        let finished = self.finish(grace.finish).await;
        self.last.cancel();
        cause.and(finished)
    }

    async fn finish(&mut self, grace: Duration) -> Result<(), ShutdownError> {
        let mut first = Ok(());
        let all = timeout(grace, async {
            while let Some((_, ended)) = self.next_end().await {
                if first.is_ok() {
                    first = ended;
                }
            }
        });
        if all.await.is_err() {
            let mut names: Vec<_> = self.names.values().copied().collect();
            names.sort_unstable();
            self.running.abort_all();
            return first.and(Err(ShutdownError::FinishInTime(grace, names.join(", "))));
        }
        first
    }

    /// Safe to drop half way: a task leaves the set only together with the answer.
    async fn next_end(&mut self) -> Option<(&'static str, Result<(), ShutdownError>)> {
        let ended = self.running.join_next_with_id().await?;
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let name = self.names.remove(&id).unwrap_or("unknown");
        let verdict = match ended {
            Ok((_, Ok(()))) => Ok(()),
            Ok((_, Err(failure))) => Err(ShutdownError::RunTask(name, failure)),
            Err(panic) => Err(ShutdownError::JoinTask(name, panic)),
        };
        Some((name, verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Grace = Grace {
        notice: Duration::ZERO,
        finish: Duration::from_mins(1),
    };

    async fn until(stop: CancellationToken) -> Result<(), std::io::Error> {
        stop.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_signal_ends_every_task_in_order_and_well() -> Result<(), ShutdownError> {
        let (asked, readiness) = (CancellationToken::new(), Readiness::default());
        readiness.started();
        let mut tasks = Tasks::default();
        let (last, seen) = (tasks.last(), readiness.clone());
        let stop = tasks.stop();
        tasks.spawn("front", async move {
            stop.cancelled().await;
            if seen.check() == Err("draining") && !last.is_cancelled() {
                Ok(())
            } else {
                Err("out of order")
            }
        });
        let last = tasks.last();
        asked.cancel();
        tasks.supervise(asked, readiness, GRACE).await?;
        assert!(last.is_cancelled());
        Ok(())
    }

    #[tokio::test]
    async fn a_task_that_ends_ends_the_process_and_names_itself() {
        for (case, expected) in [
            ("ends", "failed to keep the task worker running: it ended by itself"),
            ("errs", "failed to run the task worker"),
            ("fails an assertion", "failed to join the task worker"),
        ] {
            let mut tasks = Tasks::default();
            tasks.spawn("front", until(tasks.stop()));
            tasks.spawn("worker", async move {
                assert_ne!(case, "fails an assertion");
                if case == "ends" { Ok(()) } else { Err("disk full") }
            });
            let ended = tasks
                .supervise(CancellationToken::new(), Readiness::default(), GRACE)
                .await;
            assert_eq!(
                ended.map_err(|error| error.to_string()),
                Err(expected.to_owned()),
                "{case}"
            );
        }
    }

    #[tokio::test]
    async fn a_task_that_does_not_stop_is_named() {
        let asked = CancellationToken::new();
        let mut tasks = Tasks::default();
        tasks.spawn("worker", std::future::pending::<Result<(), std::io::Error>>());
        asked.cancel();
        let at_once = Grace {
            notice: Duration::ZERO,
            finish: Duration::ZERO,
        };
        let ended = tasks.supervise(asked, Readiness::default(), at_once).await;
        assert_eq!(
            ended.map_err(|error| error.to_string()),
            Err("failed to finish within 0 s: worker".to_owned())
        );
    }
}
