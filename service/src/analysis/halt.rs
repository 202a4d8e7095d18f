//! Tells a running analysis to stop: its time is over, or its worker gives it up. Asked between blocks of audio, because a
//! blocking task cannot be stopped from outside.

use std::fmt;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Why the analysis was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halted {
    /// The cut-off is near.
    TimedOut,
    /// The lease is lost or the worker stops.
    GivenUp,
}

impl fmt::Display for Halted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TimedOut => "its time is over",
            Self::GivenUp => "it was given up",
        })
    }
}

/// When to stop.
#[derive(Debug, Clone)]
pub struct Halt {
    until: Option<Instant>,
    given_up: CancellationToken,
}

impl Halt {
    /// Stops at a time, or when the token is cancelled.
    #[must_use]
    pub fn new(until: Instant, given_up: CancellationToken) -> Self {
        Self {
            until: Some(until),
            given_up,
        }
    }

    /// Never stops, for a try by hand.
    #[must_use]
    pub fn never() -> Self {
        Self {
            until: None,
            given_up: CancellationToken::new(),
        }
    }

    /// How much time is left; none where there is no end.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Resolves when it is time to stop.
    pub async fn reached(&self) -> Halted {
        let over = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.given_up.cancelled() => Halted::GivenUp,
            () = over => Halted::TimedOut,
        }
    }

    /// Whether to go on.
    pub fn check(&self) -> Result<(), Halted> {
        if self.given_up.is_cancelled() {
            Err(Halted::GivenUp)
        } else if self.until.is_some_and(|until| Instant::now() >= until) {
            Err(Halted::TimedOut)
        } else {
            Ok(())
        }
    }
}
