//! Decides what follows from an attempt at a callback, and how long to wait before the next. Pure but for [`Jitter`], which
//! the process makes once and hands in. Called by `worker`.

use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::callback::Attempted;
use crate::egress::Sent;
use crate::queue::DeliveryRecord;

/// The first wait; each further one is twice as long.
const FIRST_WAIT_SECONDS: f64 = 1.0;
/// No wait is longer: a receiver that is back should not have to wait for us.
const LONGEST_WAIT_SECONDS: f64 = 60.0;
/// A callback may overtake our own 202; for so long "no such request" may mean "not yet".
const OVERTAKING_SECONDS: f64 = 60.0;

/// Where in its life a delivery is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// How many attempts there were, this one included.
    pub attempts: u32,
    /// How long the result has been on its way.
    pub waited_seconds: f64,
    /// How long trying still makes sense.
    pub left_seconds: f64,
}

/// What an attempt's answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Delivered,
    /// May pass with time.
    Passing(&'static str),
    /// May pass, if it is because we were too fast.
    Overtaking(&'static str),
    Final(&'static str),
}

fn meaning(attempted: &Attempted) -> Meaning {
    match attempted {
        Attempted::NoCredentials => Meaning::Passing("no_credentials"),
        // The disk may be back.
        Attempted::Unreadable => Meaning::Passing("unreadable_result"),
        Attempted::Sent(Sent::TimedOut) => Meaning::Passing("timed_out"),
        Attempted::Sent(Sent::Unconnected) => Meaning::Passing("unconnected"),
        // The receiver may have it. At least once is the promise, and the idempotency key tells it so.
        Attempted::Sent(Sent::Unanswered) => Meaning::Passing("ambiguous"),
        Attempted::Sent(Sent::Refused(_)) => Meaning::Final("refused"),
        Attempted::Sent(Sent::Answered(status)) => match status {
            200..=299 => Meaning::Delivered,
            // Both tokens were tried. A secret takes minutes to reach a pod: the right one may be on its way.
            401 => Meaning::Passing("unauthorized"),
            404 | 409 | 410 => Meaning::Overtaking("unknown_request"),
            408 | 425 | 429 => Meaning::Passing("busy"),
            500..=599 => Meaning::Passing("server_error"),
            300..=399 => Meaning::Final("redirect"),
            _ => Meaning::Final("client_error"),
        },
    }
}

/// What follows from an attempt; `jitter` is a random number in 0..1.
#[must_use]
pub fn decide(attempted: &Attempted, tried: &Tried, jitter: f64) -> DeliveryRecord {
    let (reason, left_seconds) = match meaning(attempted) {
        Meaning::Delivered => return DeliveryRecord::Confirmed,
        Meaning::Final(reason) => return DeliveryRecord::Rejected { reason },
        Meaning::Passing(reason) => (reason, tried.left_seconds),
        Meaning::Overtaking(reason) => {
            let left_seconds = OVERTAKING_SECONDS - tried.waited_seconds;
            if left_seconds <= 0.0 {
                return DeliveryRecord::Rejected { reason };
            }
            (reason, left_seconds.min(tried.left_seconds))
        }
    };
    if tried.left_seconds <= 0.0 {
        return DeliveryRecord::Expired;
    }
    // Never past the end: the last attempt is made when time runs out, not a wait too late.
    DeliveryRecord::Retry {
        reason,
        after_seconds: wait_seconds(tried.attempts, jitter).min(left_seconds),
    }
}

/// How long to wait after so many attempts. At least half of the full wait, so that jitter never means at once.
#[must_use]
pub fn wait_seconds(attempts: u32, jitter: f64) -> f64 {
    let doublings = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX).min(30);
    let full = (FIRST_WAIT_SECONDS * 2.0_f64.powi(doublings)).min(LONGEST_WAIT_SECONDS);
    full * (0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

/// Random numbers in 0..1, so that those who failed together do not come back together.
#[derive(Debug)]
pub struct Jitter(Mutex<StdRng>);

impl Jitter {
    /// Numbers that nobody can repeat.
    #[must_use]
    pub fn from_system() -> Self {
        Self(Mutex::new(rand::make_rng()))
    }

    /// The same numbers every time.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// The next number.
    #[must_use]
    pub fn next(&self) -> f64 {
        self.0.lock().expect("no one panics while drawing a number").random()
    }
}

#[cfg(test)]
mod tests;
