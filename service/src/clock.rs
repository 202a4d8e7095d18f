//! The one place that reads the wall clock. What must be ordered or fenced uses the database's clock, and what must be
//! measured uses `Instant`; this is for timestamps that people and files carry.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// How long ago something was. A time in the future is no time ago: clocks are stepped, and nothing may be removed for it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn age_of(moment: SystemTime) -> Duration {
    SystemTime::now().duration_since(moment).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_future_is_no_time_ago() {
        let ahead = SystemTime::UNIX_EPOCH + Duration::from_secs(40_000_000_000);
        assert_eq!(age_of(ahead), Duration::ZERO);
        assert!(age_of(SystemTime::UNIX_EPOCH) > Duration::from_secs(1_600_000_000));
    }
}
