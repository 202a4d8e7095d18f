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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::egress::UrlRefused;

    const EARLY: Tried = Tried {
        attempts: 1,
        waited_seconds: 1.0,
        left_seconds: 500.0,
    };

    fn answered(status: u16) -> Attempted {
        Attempted::Sent(Sent::Answered(status))
    }

    fn retry(reason: &'static str) -> DeliveryRecord {
        DeliveryRecord::Retry {
            reason,
            after_seconds: 0.5,
        }
    }

    fn rejected(reason: &'static str) -> DeliveryRecord {
        DeliveryRecord::Rejected { reason }
    }

    #[test]
    fn a_2xx_is_delivered() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(
                decide(&answered(status), &EARLY, 0.0),
                DeliveryRecord::Confirmed,
                "{status}"
            );
        }
    }

    #[test]
    fn a_401_to_both_tokens_is_retried_until_the_right_one_has_come() {
        assert_eq!(decide(&answered(401), &EARLY, 0.0), retry("unauthorized"));
    }

    #[test]
    fn an_unknown_request_is_retried_for_a_minute_and_then_rejected() {
        for status in [404, 409, 410] {
            assert_eq!(
                decide(&answered(status), &EARLY, 0.0),
                retry("unknown_request"),
                "{status}"
            );
            let late = Tried {
                waited_seconds: 60.0,
                ..EARLY
            };
            assert_eq!(
                decide(&answered(status), &late, 0.0),
                rejected("unknown_request"),
                "{status}"
            );
        }
    }

    #[test]
    fn the_last_try_at_an_unknown_request_is_made_when_the_minute_ends() {
        let tried = Tried {
            attempts: 7,
            waited_seconds: 58.0,
            left_seconds: 500.0,
        };
        let last = DeliveryRecord::Retry {
            reason: "unknown_request",
            after_seconds: 2.0,
        };
        assert_eq!(decide(&answered(404), &tried, 1.0), last);
    }

    #[test]
    fn a_busy_receiver_is_retried() {
        for status in [408, 425, 429] {
            assert_eq!(decide(&answered(status), &EARLY, 0.0), retry("busy"), "{status}");
        }
    }

    #[test]
    fn a_failing_receiver_is_retried() {
        for status in [500, 502, 503, 504, 599] {
            assert_eq!(
                decide(&answered(status), &EARLY, 0.0),
                retry("server_error"),
                "{status}"
            );
        }
    }

    #[test]
    fn a_time_out_is_retried() {
        assert_eq!(
            decide(&Attempted::Sent(Sent::TimedOut), &EARLY, 0.0),
            retry("timed_out")
        );
    }

    #[test]
    fn a_receiver_that_is_not_there_is_retried() {
        assert_eq!(
            decide(&Attempted::Sent(Sent::Unconnected), &EARLY, 0.0),
            retry("unconnected")
        );
    }

    #[test]
    fn sent_but_unanswered_is_ambiguous_and_retried() {
        assert_eq!(
            decide(&Attempted::Sent(Sent::Unanswered), &EARLY, 0.0),
            retry("ambiguous")
        );
    }

    #[test]
    fn without_credentials_nothing_is_sent_and_it_is_retried() {
        assert_eq!(decide(&Attempted::NoCredentials, &EARLY, 0.0), retry("no_credentials"));
    }

    #[test]
    fn a_result_that_cannot_be_read_is_tried_again() {
        assert_eq!(decide(&Attempted::Unreadable, &EARLY, 0.0), retry("unreadable_result"));
    }

    #[test]
    fn a_redirect_is_rejected() {
        for status in [300, 301, 302, 307, 308] {
            assert_eq!(decide(&answered(status), &EARLY, 0.0), rejected("redirect"), "{status}");
        }
    }

    #[test]
    fn another_4xx_is_rejected() {
        for status in [400, 403, 405, 413, 415, 422, 451] {
            assert_eq!(
                decide(&answered(status), &EARLY, 0.0),
                rejected("client_error"),
                "{status}"
            );
        }
    }

    #[test]
    fn what_is_not_admitted_is_rejected() {
        let refused = Attempted::Sent(Sent::Refused(UrlRefused::UseInsecureScheme));
        assert_eq!(decide(&refused, &EARLY, 0.0), rejected("refused"));
    }

    #[test]
    fn what_may_pass_expires_when_its_time_is_over() {
        let over = Tried {
            attempts: 9,
            waited_seconds: 601.0,
            left_seconds: -1.0,
        };
        for attempted in [
            answered(503),
            answered(401),
            Attempted::NoCredentials,
            Attempted::Sent(Sent::TimedOut),
        ] {
            assert_eq!(decide(&attempted, &over, 0.0), DeliveryRecord::Expired, "{attempted:?}");
        }
        assert_eq!(decide(&answered(200), &over, 0.0), DeliveryRecord::Confirmed);
    }

    proptest! {
        #[test]
        fn a_wait_is_bounded_and_never_past_the_end(
            attempts in 0_u32..10_000, jitter in 0.0_f64..1.0, left_seconds in 0.001_f64..10_000.0,
        ) {
            let wait = wait_seconds(attempts, jitter);
            prop_assert!((FIRST_WAIT_SECONDS / 2.0..=LONGEST_WAIT_SECONDS).contains(&wait));
            let tried = Tried { attempts, waited_seconds: 0.0, left_seconds };
            match decide(&answered(500), &tried, jitter) {
                DeliveryRecord::Retry { after_seconds, .. } => prop_assert!(after_seconds <= left_seconds),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    #[test]
    fn a_wait_doubles_until_it_is_a_minute() {
        let waits: Vec<f64> = (1..=8).map(|attempts| wait_seconds(attempts, 1.0)).collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
    }

    #[test]
    fn a_seed_repeats_its_numbers() {
        let (left, right) = (Jitter::seeded(7), Jitter::seeded(7));
        for _ in 0..10 {
            let number = left.next();
            assert!((0.0..1.0).contains(&number));
            assert!((number - right.next()).abs() < f64::EPSILON);
        }
    }
}
