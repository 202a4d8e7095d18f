//! Decides whether a partner is called at all. Closed: it is. Open, after a number of failures in a row: it is not, for a
//! while. Then one call tries whether it is back, while all others still wait; it closes or opens the breaker again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When a partner is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPlan {
    /// After how many failures in a row.
    pub failures: u32,
    /// For how long.
    pub open: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One call is on its way to see.
    Trying {
        until: Instant,
    },
}

/// The breaker of one partner.
#[derive(Debug)]
pub(super) struct Breaker {
    plan: BreakerPlan,
    state: Mutex<State>,
}

/// The right to one call. One that is dropped without an end has seen nothing: the next may try.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
    has_ended: bool,
}

impl Breaker {
    pub(super) fn new(plan: BreakerPlan) -> Self {
        Self {
            plan,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// A turn, or for how much longer there is none.
    pub(super) fn enter(&self, now: Instant) -> Result<Turn<'_>, Duration> {
        let mut state = self.state();
        let is_trial = match *state {
            State::Closed { .. } => false,
            State::Open { until } if now < until => return Err(until - now),
            State::Open { .. } => {
                *state = State::Trying {
                    until: now + self.plan.open,
                };
                true
            }
            // How long the trial takes nobody knows; a short while is as good as any.
            State::Trying { until } => {
                return Err(until.saturating_duration_since(now).max(Duration::from_millis(100)));
            }
        };
        Ok(Turn {
            breaker: self,
            is_trial,
            has_ended: false,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(*self.state(), State::Closed { .. })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A state is written whole or not at all.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Says how the call ended. A call that began before the breaker opened changes nothing any more.
    pub(super) fn end(mut self, has_failed: bool, now: Instant) {
        self.has_ended = true;
        let plan = self.breaker.plan;
        let mut state = self.breaker.state();
        let open = State::Open { until: now + plan.open };
        *state = match (*state, self.is_trial, has_failed) {
            (_, true, false) | (State::Closed { .. }, false, false) => State::Closed { failures: 0 },
            (_, true, true) => open,
            (State::Closed { failures }, false, true) if failures + 1 >= plan.failures => open,
            (State::Closed { failures }, false, true) => State::Closed { failures: failures + 1 },
            (unchanged @ (State::Open { .. } | State::Trying { .. }), false, _) => unchanged,
        };
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_trial && !self.has_ended {
            *self.breaker.state() = State::Open { until: Instant::now() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: BreakerPlan = BreakerPlan {
        failures: 3,
        open: Duration::from_secs(10),
    };

    fn call(breaker: &Breaker, now: Instant, has_failed: bool) -> bool {
        breaker.enter(now).map(|turn| turn.end(has_failed, now)).is_ok()
    }

    #[test]
    fn opens_after_failures_in_a_row_and_not_before() {
        let (breaker, now) = (Breaker::new(PLAN), Instant::now());
        for has_failed in [true, true, false, true, true, true] {
            assert!(!breaker.is_open());
            assert!(call(&breaker, now, has_failed));
        }
        assert!(breaker.is_open());
        assert_eq!(
            breaker.enter(now + Duration::from_secs(4)).err(),
            Some(Duration::from_secs(6))
        );
    }

    #[test]
    fn lets_one_call_try_and_believes_it() {
        let (breaker, now) = (Breaker::new(PLAN), Instant::now());
        for _ in 0..3 {
            assert!(call(&breaker, now, true));
        }
        let later = now + PLAN.open;
        let trial = breaker.enter(later).expect("its time is over");
        assert!(breaker.enter(later).is_err(), "only one tries");
        trial.end(true, later);
        assert!(breaker.enter(later).is_err(), "it is left alone again");
        assert!(call(&breaker, later + PLAN.open, false));
        assert!(!breaker.is_open());
        assert!(call(&breaker, later + PLAN.open, true), "one failure is none");
        assert!(!breaker.is_open());
    }

    #[test]
    fn a_trial_that_is_given_up_says_nothing() {
        let (breaker, now) = (Breaker::new(PLAN), Instant::now());
        for _ in 0..3 {
            assert!(call(&breaker, now, true));
        }
        drop(breaker.enter(now + PLAN.open));
        assert!(breaker.is_open());
        assert!(call(&breaker, Instant::now() + PLAN.open, false));
    }

    #[test]
    fn a_call_from_before_changes_nothing_once_it_is_open() {
        let (breaker, now) = (Breaker::new(PLAN), Instant::now());
        let slow = breaker.enter(now).expect("it is closed");
        for _ in 0..3 {
            assert!(call(&breaker, now, true));
        }
        slow.end(false, now);
        assert!(breaker.is_open());
    }
}
