//! Alerts on the deadlines of results: 99 of 100 are due within `sla.p99Factor`, half within `sla.medianFactor`.
//!
//! How fast the one hundredth that may be late is used up, over two windows at a time: the long one says that it matters, the
//! short one that it is still so. 14.4 times as fast uses up a month's in two days, 6 times as fast in five.

use super::alert::{Alert, Severity, grown, series};
use crate::validate::ValidatedAddon;

const FINISHED: &str = "marketplace_jobs_finished_total";
/// The share of results that may be late.
const BUDGET: f64 = 0.01;
const FAST: f64 = 14.4;
const SLOW: f64 = 6.0;
/// Fewer late results than this are no trend, however few there were in all.
const LATE_RESULTS: u32 = 2;

pub(super) fn alerts(addon: &ValidatedAddon) -> Vec<Alert> {
    let factor = addon.sla.p99_factor;
    let description = |windows: &str| {
        format!(
            "{{{{ $value | humanizePercentage }}}} of the results came later than within {factor} times the length of their audio, where 1% may ({windows})."
        )
    };
    vec![
        Alert {
            name: "MarketplaceSlaBurnsFast",
            severity: Severity::Critical,
            minutes: 2,
            expression: burn(addon, ("5m", "1h"), FAST),
            summary: "Results miss their deadline",
            description: description("over 1 h, and still over the last 5 min"),
        },
        Alert {
            name: "MarketplaceSlaBurnsSlowly",
            severity: Severity::Warning,
            minutes: 15,
            expression: burn(addon, ("30m", "6h"), SLOW),
            summary: "Results miss their deadline more often than they may",
            description: description("over 6 h, and still over the last 30 min"),
        },
        Alert {
            name: "MarketplaceSlaMedianMissed",
            severity: Severity::Warning,
            minutes: 15,
            expression: median(addon),
            summary: "Most results come later than half of them may",
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of the results of the last hour came later than within {} times the length of their audio, where half may.",
                addon.sla.median_factor
            ),
        },
    ]
}

/// The share that misses the deadline of all but one in a hundred.
fn late(addon: &ValidatedAddon, within: &str) -> String {
    let all = series(addon, FINISHED, "");
    format!("{} / {}", late_results(addon, within), grown(&all, within))
}

/// How many that were.
fn late_results(addon: &ValidatedAddon, within: &str) -> String {
    grown(&series(addon, FINISHED, "deadline=~\"cutoff|late\""), within)
}

/// The long window first: its value is the one that is told.
fn burn(addon: &ValidatedAddon, (short, long): (&str, &str), times: f64) -> String {
    let limit = times * BUDGET;
    let late_results = late_results(addon, long);
    format!(
        "({} > {limit:.3}) and ({} > {limit:.3}) and ({late_results} > {LATE_RESULTS})",
        late(addon, long),
        late(addon, short)
    )
}

fn median(addon: &ValidatedAddon) -> String {
    let slow = grown(&series(addon, FINISHED, "deadline!=\"median\""), "1h");
    let all = grown(&series(addon, FINISHED, ""), "1h");
    format!("({slow} / {all} > 0.5) and ({all} > 10)")
}
