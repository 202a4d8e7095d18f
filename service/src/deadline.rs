//! Decides when a result is due, from the measured length of the audio. Called at admission and when audio was fetched, whose
//! answer is stored with the job; and by the worker, which must stop early enough that an error result still arrives.

use std::time::Duration;

use crate::domain::Deadlines;

/// An error result needs this long to arrive at the least...
pub(crate) const REPORT_RESERVE_SECONDS: f64 = 5.0;
/// ...or this part of the time until the cut-off, when that is more.
pub(crate) const REPORT_RESERVE_PART: f64 = 0.1;

/// How much slower than the audio itself the result may come, as the add-on's `sla` says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sla {
    /// Times the audio's length for the median.
    pub median_factor: f64,
    /// Times the audio's length for 99 of 100.
    pub p99_factor: f64,
    /// Times the audio's length until Twilio gives up.
    pub cutoff_factor: f64,
    /// No deadline is shorter than this: an upload and a callback take time however short the audio is.
    pub floor_seconds: f64,
}

/// How a job did against its deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// Within the median deadline.
    Median,
    /// Within the deadline of 99 of 100.
    P99,
    /// Before Twilio gave up.
    Cutoff,
    /// Too late.
    Late,
}

impl Met {
    /// All of them, the tightest first.
    pub const ALL: [Self; 4] = [Self::Median, Self::P99, Self::Cutoff, Self::Late];

    /// As a metric label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::P99 => "p99",
            Self::Cutoff => "cutoff",
            Self::Late => "late",
        }
    }
}

/// When a result about this much audio is due.
#[must_use]
pub fn deadlines(audio_seconds: f64, sla: &Sla) -> Deadlines {
    let due = |factor: f64| (factor * audio_seconds).max(sla.floor_seconds);
    Deadlines {
        median_seconds: due(sla.median_factor),
        p99_seconds: due(sla.p99_factor),
        cutoff_seconds: due(sla.cutoff_factor),
    }
}

/// When a result about audio is due whose length nobody knows yet: it is ordered as the shortest is, and fetching it may go
/// on for as long as the resource says. Once it is there, its own deadlines take their place.
#[must_use]
pub fn until_fetched(fetch_seconds: f64, sla: &Sla) -> Deadlines {
    let floor = deadlines(0.0, sla);
    Deadlines {
        cutoff_seconds: floor.cutoff_seconds.max(fetch_seconds),
        ..floor
    }
}

/// How long after acceptance work must stop. At least half of the time is for work, however short the cut-off.
#[must_use]
pub fn work_seconds(deadlines: &Deadlines) -> f64 {
    let cutoff = deadlines.cutoff_seconds;
    let reserve = (cutoff * REPORT_RESERVE_PART).max(REPORT_RESERVE_SECONDS);
    (cutoff - reserve).max(cutoff / 2.0)
}

/// What is left for work on a job of this age; nothing when its time is over.
#[must_use]
pub fn work_left(deadlines: &Deadlines, age_seconds: f64) -> Option<Duration> {
    let left = work_seconds(deadlines) - age_seconds;
    Duration::try_from_secs_f64(left).ok().filter(|left| !left.is_zero())
}

/// Which deadline a job of this age has met.
#[must_use]
pub fn met(deadlines: &Deadlines, age_seconds: f64) -> Met {
    if age_seconds <= deadlines.median_seconds {
        Met::Median
    } else if age_seconds <= deadlines.p99_seconds {
        Met::P99
    } else if age_seconds <= deadlines.cutoff_seconds {
        Met::Cutoff
    } else {
        Met::Late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLA: Sla = Sla {
        median_factor: 3.0,
        p99_factor: 5.0,
        cutoff_factor: 10.0,
        floor_seconds: 30.0,
    };

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn a_deadline_is_the_factor_times_the_audio_and_never_below_the_floor() {
        for (audio_seconds, median, p99, cutoff) in [
            (0.0, 30.0, 30.0, 30.0),
            (4.0, 30.0, 30.0, 40.0),
            (7.0, 30.0, 35.0, 70.0),
            (100.0, 300.0, 500.0, 1000.0),
        ] {
            let due = deadlines(audio_seconds, &SLA);
            assert!(close(due.median_seconds, median), "{audio_seconds}");
            assert!(close(due.p99_seconds, p99), "{audio_seconds}");
            assert!(close(due.cutoff_seconds, cutoff), "{audio_seconds}");
        }
    }

    #[test]
    fn work_stops_before_the_cut_off_so_that_the_error_still_arrives() {
        for (cutoff, work) in [(2.0, 1.0), (10.0, 5.0), (30.0, 25.0), (50.0, 45.0), (1000.0, 900.0)] {
            let due = Deadlines {
                median_seconds: 1.0,
                p99_seconds: 1.0,
                cutoff_seconds: cutoff,
            };
            assert!(close(work_seconds(&due), work), "{cutoff}");
        }
    }

    #[test]
    fn a_job_past_its_time_has_nothing_left_for_work() {
        let due = deadlines(100.0, &SLA);
        assert_eq!(work_left(&due, 800.0), Some(Duration::from_secs(100)));
        assert_eq!(work_left(&due, 900.0), None);
        assert_eq!(work_left(&due, 5000.0), None);
    }

    #[test]
    fn the_class_of_a_result_is_the_tightest_deadline_it_met() {
        let due = deadlines(100.0, &SLA);
        for (age, class) in [
            (0.0, Met::Median),
            (300.0, Met::Median),
            (300.1, Met::P99),
            (500.0, Met::P99),
            (999.0, Met::Cutoff),
            (1000.1, Met::Late),
        ] {
            assert_eq!(met(&due, age), class, "{age}");
        }
    }
}
