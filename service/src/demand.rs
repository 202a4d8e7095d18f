//! Decides how many workers are needed to meet every deadline: what an autoscaler goes by. It depends on the work and on
//! the clock, and not on how many workers there are, so that it cannot swing as a ratio of the two would.
//!
//! With jobs in order of deadline, the permits needed are the largest ratio of the work due by a deadline to the time left
//! until it. Called by `gauging`, in every process that has the queue.

use std::collections::HashMap;

use crate::domain::EndpointName;
use crate::queue::load::{Due, Load, Pace};

/// A new worker is of use after about this long: work that is due sooner is planned as if it were due then.
const SOONEST_SECONDS: f64 = 10.0;
/// Until it is measured, work takes as long as the audio plays...
const PRIOR_FACTOR: f64 = 1.0;
/// ...and what is measured on little audio counts for little.
const PRIOR_AUDIO_SECONDS: f64 = 10.0;
/// A job that takes longer than most is not done yet: so much of it is always left.
const LEAST_LEFT_PART: f64 = 0.1;
/// What makes one more worker worth while, and not a rounding of the last digit.
const WORTH_A_WORKER: f64 = 1e-6;
/// No cluster has more, and every number below is exact.
const WORKERS_LIMIT: f64 = 10_000.0;

/// How much is needed, and from what that follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// Workers, a whole number.
    pub workers: f64,
    /// Seconds of work that are left to one permit.
    pub work_seconds: f64,
    /// Seconds of work for a second of audio, of every endpoint that was measured.
    pub factors: Vec<(EndpointName, f64)>,
}

/// Decides, for workers that each do as much at one time as there are permits.
#[must_use]
pub fn demand(load: &Load, permits: usize) -> Demand {
    let factors: HashMap<_, _> = load.paces.iter().map(|pace| (&pace.endpoint, factor(pace))).collect();
    let mut due: Vec<_> = load
        .due
        .iter()
        .map(|due| {
            let factor = factors.get(&due.endpoint).copied().unwrap_or(PRIOR_FACTOR);
            (amount(due.left_seconds), jobs(due), work_left(due, factor))
        })
        .collect();
    due.sort_by(|(left, ..), (right, ..)| left.total_cmp(right));
    let permits = u32::try_from(permits).map_or(f64::from(u32::MAX), f64::from).max(1.0);
    let workers = (permits_needed(&due) / permits - WORTH_A_WORKER).ceil();
    Demand {
        // Of the two zeros the one without a sign: it is shown.
        workers: workers.clamp(0.0, WORKERS_LIMIT) + 0.0,
        work_seconds: amount(due.iter().map(|(_, _, work)| work).sum()),
        factors: load
            .paces
            .iter()
            .map(|pace| (pace.endpoint.clone(), factor(pace)))
            .collect(),
    }
}

/// Of (seconds left, jobs, seconds of work), the earliest first. One job is never worked on by two.
fn permits_needed(due: &[(f64, f64, f64)]) -> f64 {
    let (mut all_jobs, mut all_work, mut needed) = (0.0, 0.0, 0.0_f64);
    for (left, jobs, work) in due {
        all_jobs += jobs;
        all_work += work;
        needed = needed.max((all_work / left.max(SOONEST_SECONDS)).min(all_jobs));
    }
    needed
}

fn factor(pace: &Pace) -> f64 {
    let (work, audio) = (amount(pace.work_seconds), amount(pace.audio_seconds));
    (work + PRIOR_AUDIO_SECONDS * PRIOR_FACTOR) / (audio + PRIOR_AUDIO_SECONDS)
}

fn work_left(due: &Due, factor: f64) -> f64 {
    let work = amount(due.audio_seconds) * factor;
    amount((work - amount(due.done_seconds)).max(work * LEAST_LEFT_PART))
}

fn jobs(due: &Due) -> f64 {
    u32::try_from(due.jobs).map_or(f64::from(u32::MAX), f64::from)
}

/// What no clock and no database can break: a number that is finite and not below zero.
fn amount(seconds: f64) -> f64 {
    if seconds.is_nan() {
        0.0
    } else {
        seconds.clamp(0.0, 1e15)
    }
}

#[cfg(test)]
#[path = "demand/tests.rs"]
mod tests;
