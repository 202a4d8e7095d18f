//! The one place that reads the wall clock. What must be ordered or fenced uses the database's clock, and what must be
//! measured uses `Instant`; this is for timestamps that people and files carry.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp, Unit};

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

/// A moment of the database as people read it, to the millisecond. None where it is out of any calendar.
#[must_use]
pub fn from_seconds(seconds: f64) -> Option<Timestamp> {
    let moment = Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?);
    moment.ok()?.round(Unit::Millisecond).ok()
}

/// A moment as people write it, in the database's unit.
#[must_use]
pub fn to_seconds(moment: Timestamp) -> f64 {
    moment.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
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

    #[test]
    fn a_moment_reads_back_as_it_was_written() -> Result<(), jiff::Error> {
        let moment: Timestamp = "2026-11-21T17:26:19.125Z".parse()?;
        assert_eq!(from_seconds(to_seconds(moment)), Some(moment));
        assert_eq!(from_seconds(1e15), None);
        Ok(())
    }
}
