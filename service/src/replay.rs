//! Decides whether a request is still good, by the date and the time to live that it carries itself. Pure: called by
//! `admission` once the signature, which covers both, was verified.
//!
//! A signed request is a bearer: without this it can be sent again for ever. What other measures protect from is in
//! docs/replay.md.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use marketplace_crds::replay::{Replay, TtlUnit};

/// Seconds since 1970 have ten digits for the next two centuries, milliseconds have thirteen.
const UNIX_SECONDS_MAX_DIGITS: usize = 11;
const MILLISECONDS_PER_SECOND: i64 = 1000;

/// The endpoint's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayPlan {
    /// How far the clocks may be apart.
    pub clock_skew_seconds: i64,
    /// How old a request may be whatever it says.
    pub max_age_seconds: Option<i64>,
    /// The unit of the time to live.
    pub ttl_unit: TtlUnit,
}

/// What a request says of its own time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dated {
    /// When it was made.
    pub date: Option<String>,
    /// For how long it is good.
    pub ttl: Option<String>,
}

/// Why a request is not taken at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeDate {
    /// No date, or no time to live where it alone bounds the age.
    #[error("failed to find the date of the request, or its time to live")]
    FindDate,
    /// None of the formats.
    #[error("failed to read the date of the request, or its time to live")]
    ReadDate,
    /// From the future.
    #[error("failed to believe the date of the request: it has not come yet")]
    BelieveDate,
    /// Over.
    #[error("failed to take the request in time: it has expired")]
    TakeInTime,
}

impl ReplayPlan {
    /// Reads the resource, whose own rules were evaluated.
    #[must_use]
    pub fn new(replay: &Replay) -> Self {
        let Replay {
            clock_skew_seconds,
            max_age_seconds,
            ttl_unit,
        } = replay;
        Self {
            clock_skew_seconds: i64::from(*clock_skew_seconds),
            max_age_seconds: max_age_seconds.map(i64::from),
            ttl_unit: *ttl_unit,
        }
    }

    /// Holds the date against the clock. `expects_ttl`: the time to live is mapped, so that one that is not there is missing.
    pub fn judge(&self, dated: &Dated, expects_ttl: bool, now: Timestamp) -> Result<(), JudgeDate> {
        let date = dated.date.as_deref().ok_or(JudgeDate::FindDate)?;
        let made = parse_date(date.trim()).ok_or(JudgeDate::ReadDate)?;
        let ttl_seconds = match &dated.ttl {
            Some(ttl) => Some(self.parse_ttl(ttl.trim()).ok_or(JudgeDate::ReadDate)?),
            None if expects_ttl => return Err(JudgeDate::FindDate),
            None => None,
        };
        let good_for_seconds = match (ttl_seconds, self.max_age_seconds) {
            (Some(ttl), Some(age)) => ttl.min(age),
            (Some(seconds), None) | (None, Some(seconds)) => seconds,
            // The resource's rules ask for one of them.
            (None, None) => return Err(JudgeDate::FindDate),
        };
        let age_seconds = now.as_second() - made.as_second();
        if age_seconds < -self.clock_skew_seconds {
            return Err(JudgeDate::BelieveDate);
        }
        if age_seconds > good_for_seconds.saturating_add(self.clock_skew_seconds) {
            return Err(JudgeDate::TakeInTime);
        }
        Ok(())
    }

    fn parse_ttl(&self, text: &str) -> Option<i64> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: i64 = text.parse().ok()?;
        Some(match self.ttl_unit {
            TtlUnit::Seconds => number,
            TtlUnit::Milliseconds => number / MILLISECONDS_PER_SECOND,
        })
    }
}

/// Nothing says in which format Twilio writes the date, so every one that cannot be mistaken for another is read. A date
/// without a zone is UTC, because the invocation date is said to be.
fn parse_date(text: &str) -> Option<Timestamp> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        return if text.len() <= UNIX_SECONDS_MAX_DIGITS {
            Timestamp::from_second(number).ok()
        } else {
            Timestamp::from_millisecond(number).ok()
        };
    }
    let in_utc = || {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse()
        .ok()
        .or_else(|| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp()))
        .or_else(in_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Result<Timestamp, jiff::Error> {
        "2026-11-21T16:00:00Z".parse()
    }

    fn plan(max_age_seconds: Option<i64>) -> ReplayPlan {
        ReplayPlan {
            clock_skew_seconds: 300,
            max_age_seconds,
            ttl_unit: TtlUnit::Seconds,
        }
    }

    fn dated(date: &str, ttl: &str) -> Dated {
        let field = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Dated {
            date: field(date),
            ttl: field(ttl),
        }
    }

    #[test]
    fn reads_every_usual_form_of_a_date() -> Result<(), jiff::Error> {
        for text in [
            "2026-11-21T16:00:00Z",
            "2026-11-21T16:00:00.000Z",
            "2026-11-21T17:00:00+01:00",
            "2026-11-21 16:00:00Z",
            "2026-11-21T16:00:00",
            "2026-11-21 16:00:00",
            "Sat, 21 Nov 2026 16:00:00 GMT",
            "Sat, 21 Nov 2026 16:00:00 +0000",
            "21 Nov 2026 17:00:00 +0100",
            "1795276800",
            "1795276800000",
        ] {
            assert_eq!(parse_date(text), Some(now()?), "{text}");
        }
        for text in [
            "",
            "now",
            "21.11.2026",
            "-1",
            "2026-11-21T25:00:00Z",
            "99999999999999999999",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
        Ok(())
    }

    #[test]
    fn takes_a_request_from_its_date_to_its_end_and_the_skew_around_it() -> Result<(), jiff::Error> {
        let limit = Some(3600);
        for (date, ttl, max_age, expected) in [
            ("2026-11-21T16:00:00Z", "60", None, Ok(())),
            ("2026-11-21T15:54:00Z", "60", None, Ok(())),
            ("2026-11-21T15:53:59Z", "60", None, Err(JudgeDate::TakeInTime)),
            ("2026-11-21T16:05:00Z", "60", None, Ok(())),
            ("2026-11-21T16:05:01Z", "60", None, Err(JudgeDate::BelieveDate)),
            ("2026-11-21T14:55:00Z", "", limit, Ok(())),
            ("2026-11-21T14:54:59Z", "", limit, Err(JudgeDate::TakeInTime)),
            ("2026-11-21T14:54:59Z", "86400", limit, Err(JudgeDate::TakeInTime)),
            ("2026-11-21T15:53:59Z", "60", limit, Err(JudgeDate::TakeInTime)),
            ("2026-11-21T14:54:59Z", "9223372036854775807", None, Ok(())),
            ("yesterday", "60", None, Err(JudgeDate::ReadDate)),
            ("2026-11-21T16:00:00Z", "-60", None, Err(JudgeDate::ReadDate)),
            ("2026-11-21T16:00:00Z", "soon", limit, Err(JudgeDate::ReadDate)),
            ("", "60", limit, Err(JudgeDate::FindDate)),
        ] {
            let judged = plan(max_age).judge(&dated(date, ttl), !ttl.is_empty(), now()?);
            assert_eq!(judged, expected, "{date} {ttl} {max_age:?}");
        }
        Ok(())
    }

    #[test]
    fn a_time_to_live_that_is_mapped_must_be_there() -> Result<(), jiff::Error> {
        let dated = dated("2026-11-21T16:00:00Z", "");
        assert_eq!(plan(Some(60)).judge(&dated, true, now()?), Err(JudgeDate::FindDate));
        assert_eq!(plan(Some(60)).judge(&dated, false, now()?), Ok(()));
        Ok(())
    }

    #[test]
    fn counts_a_time_to_live_in_its_unit() -> Result<(), jiff::Error> {
        let plan = ReplayPlan {
            ttl_unit: TtlUnit::Milliseconds,
            ..plan(None)
        };
        let date = "2026-11-21T15:53:59Z";
        assert_eq!(
            plan.judge(&dated(date, "60000"), true, now()?),
            Err(JudgeDate::TakeInTime)
        );
        assert_eq!(plan.judge(&dated(date, "61000"), true, now()?), Ok(()));
        Ok(())
    }
}
