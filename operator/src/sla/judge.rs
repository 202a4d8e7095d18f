//! Pure: when an endpoint misses its SLA, and for how long it must before that is said. Called by `sla`.
//!
//! A target is missed when more results came after its deadline than it allows, and more than one: a single late result is
//! no verdict on an endpoint. Where there was no traffic, nothing was late, and the target is met. What is said changes
//! only after as many evaluations in a row that all say the other: in both directions, so that it does not flap.

use std::collections::{BTreeMap, BTreeSet};

/// So many evaluations in a row change what is said.
pub const EVALUATIONS: u32 = 3;

/// The results of an endpoint by the tightest deadline that they met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Within `sla.medianFactor`.
    pub median: u64,
    /// Within `sla.p99Factor`, and not that.
    pub p99: u64,
    /// Within `sla.cutoffFactor`, and not that.
    pub cutoff: u64,
    /// Later, or never.
    pub late: u64,
}

impl Tally {
    /// Counts more of one deadline. Prometheus extrapolates, so that its increase of a counter is no whole number.
    pub fn add(&mut self, deadline: &str, count: f64) {
        let count = if count.is_finite() { count.round().max(0.0) } else { 0.0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and not negative"
        )]
        let count = count as u64;
        match deadline {
            "median" => self.median += count,
            "p99" => self.p99 += count,
            "cutoff" => self.cutoff += count,
            "late" => self.late += count,
            _ => {}
        }
    }

    fn misses(self, target: Target) -> bool {
        let Self {
            median,
            p99,
            cutoff,
            late,
        } = self;
        let after = match target {
            Target::Median => p99 + cutoff + late,
            Target::P99 => cutoff + late,
        };
        let all = median + p99 + cutoff + late;
        after > 1 && after * target.one_in() > all
    }
}

/// What the SLA promises of the results of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Half of them within `sla.medianFactor`.
    Median,
    /// 99 of 100 within `sla.p99Factor`.
    P99,
}

impl Target {
    const ALL: [Self; 2] = [Self::Median, Self::P99];

    /// One in so many may come later.
    const fn one_in(self) -> u64 {
        match self {
            Self::Median => 2,
            Self::P99 => 100,
        }
    }
}

/// What is to be said of an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// There is nobody to ask.
    Unset,
    /// Whoever is asked does not answer, in words.
    Unreachable(String),
    /// It has no series of the add-on.
    NoData,
    /// Not yet as often the same as it takes.
    Undecided,
    /// Every endpoint keeps every target.
    Met,
    /// These endpoints miss these targets.
    Missed(BTreeSet<(String, Target)>),
}

/// One target over time.
#[derive(Clone, Copy, Debug, Default)]
struct Streak {
    standing: Option<bool>,
    is_met: bool,
    run: u32,
}

impl Streak {
    fn hear(&mut self, is_met: bool) {
        self.run = if is_met == self.is_met {
            self.run.saturating_add(1)
        } else {
            1
        };
        self.is_met = is_met;
        if self.run >= EVALUATIONS {
            self.standing = Some(is_met);
        }
    }
}

/// One add-on over time.
#[derive(Clone, Debug, Default)]
pub struct Docket {
    targets: BTreeMap<(String, Target), Streak>,
    silences: u32,
}

impl Docket {
    /// One more evaluation; whether something else is to be said after it.
    pub fn hear(&mut self, endpoints: Option<&BTreeMap<String, Tally>>) -> bool {
        let before = self.standings();
        let Some(endpoints) = endpoints else {
            self.silences = self.silences.saturating_add(1);
            return self.silences == EVALUATIONS;
        };
        self.silences = 0;
        self.targets.retain(|(endpoint, _), _| endpoints.contains_key(endpoint));
        for (endpoint, tally) in endpoints {
            for target in Target::ALL {
                let streak = self.targets.entry((endpoint.clone(), target)).or_default();
                streak.hear(!tally.misses(target));
            }
        }
        self.standings() != before
    }

    /// What is decided so far.
    fn standings(&self) -> Vec<((String, Target), bool)> {
        let targets = self.targets.iter();
        targets
            .filter_map(|(target, streak)| Some((target.clone(), streak.standing?)))
            .collect()
    }

    /// Whether Prometheus has forgotten the add-on.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.silences >= EVALUATIONS
    }

    /// What is to be said, where the add-on has these endpoints.
    #[must_use]
    pub fn said(&self, endpoints: &BTreeSet<String>) -> Said {
        let ours = || {
            self.targets
                .iter()
                .filter(|((endpoint, _), _)| endpoints.contains(endpoint))
        };
        if ours().next().is_none() {
            return Said::NoData;
        }
        if ours().any(|(_, streak)| streak.standing.is_none()) {
            return Said::Undecided;
        }
        let missed = ours().filter(|(_, streak)| streak.standing == Some(false));
        let missed: BTreeSet<_> = missed.map(|(target, _)| target.clone()).collect();
        if missed.is_empty() {
            Said::Met
        } else {
            Said::Missed(missed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(median: u64, p99: u64, cutoff: u64, late: u64) -> Tally {
        Tally {
            median,
            p99,
            cutoff,
            late,
        }
    }

    #[test]
    fn a_target_is_missed_by_its_share_and_never_by_a_single_result() {
        for (tally, median, p99) in [
            (tally(0, 0, 0, 0), false, false),
            (tally(0, 0, 0, 1), false, false),
            (tally(0, 0, 0, 2), true, true),
            (tally(0, 2, 0, 0), true, false),
            (tally(2, 2, 0, 0), false, false),
            (tally(1, 2, 0, 0), true, false),
            (tally(198, 0, 1, 1), false, false),
            (tally(197, 0, 1, 1), false, true),
            (tally(9, 0, 1, 0), false, false),
        ] {
            let missed = (tally.misses(Target::Median), tally.misses(Target::P99));
            assert_eq!(missed, (median, p99), "{tally:?}");
        }
    }

    #[test]
    fn what_prometheus_extrapolates_is_a_whole_number_again() {
        let mut counted = Tally::default();
        for (deadline, count) in [
            ("median", 4.6),
            ("p99", 0.4),
            ("cutoff", f64::NAN),
            ("late", f64::INFINITY),
            ("late", -3.0),
            ("never", 9.0),
        ] {
            counted.add(deadline, count);
        }
        assert_eq!(counted, tally(5, 0, 0, 0));
    }

    /// What is said after each evaluation: `.` undecided, `+` met, `-` missed, `?` without data. `m` and `l` are what was
    /// seen: in time, late; a blank: no series.
    fn said_after(seen: &str) -> String {
        let endpoints = BTreeSet::from(["calls".to_owned()]);
        let mut docket = Docket::default();
        let mut before = '.';
        let mut told = String::new();
        for seen in seen.chars() {
            let tally = if seen == 'm' {
                tally(9, 0, 0, 0)
            } else {
                tally(0, 0, 0, 9)
            };
            let seen = (seen != ' ').then(|| BTreeMap::from([("calls".to_owned(), tally)]));
            let is_news = docket.hear(seen.as_ref());
            let now = match docket.said(&endpoints) {
                _ if docket.is_closed() => '?',
                Said::Met => '+',
                Said::Missed(_) => '-',
                Said::NoData => '?',
                Said::Undecided | Said::Unset | Said::Unreachable(_) => '.',
            };
            assert!(
                is_news || now == before || before == '.',
                "{seen:?}: nobody is told of {now}"
            );
            before = now;
            told.push(now);
        }
        told
    }

    #[test]
    fn what_is_said_changes_after_as_many_evaluations_in_both_directions() {
        for (seen, said) in [
            ("mmm", "..+"),
            ("lll", "..-"),
            ("mlmlmlml", "........"),
            ("mmmllmmllmm", "..+++++++++"),
            ("mmmlll", "..+++-"),
            ("mmmlllmmm", "..+++---+"),
            ("mmmlllmmlmml", "..+++-------"),
            ("mmm  m", "..++++"),
            ("mmm   ", "..+++?"),
        ] {
            assert_eq!(said_after(seen), said, "{seen:?}");
        }
    }

    #[test]
    fn only_endpoints_that_are_declared_are_spoken_of_and_each_for_itself() {
        let mut docket = Docket::default();
        let seen = BTreeMap::from([
            ("calls".to_owned(), tally(9, 0, 0, 0)),
            ("slow".to_owned(), tally(0, 9, 0, 0)),
            ("gone".to_owned(), tally(0, 0, 0, 9)),
        ]);
        for _ in 0..EVALUATIONS {
            docket.hear(Some(&seen));
        }
        let said = |names: &[&str]| docket.said(&names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(said(&["calls"]), Said::Met);
        let missed = BTreeSet::from([("slow".to_owned(), Target::Median)]);
        assert_eq!(said(&["calls", "slow"]), Said::Missed(missed));
        assert_eq!(said(&["new"]), Said::NoData);
    }
}
