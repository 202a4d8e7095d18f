//! When is tried again, and until when.

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
