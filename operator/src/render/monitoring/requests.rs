//! Alerts on requests: by how they end, and on there being none. Paths that are nobody's (`unmatched`) are left out: whoever
//! scans the internet sends those.

use super::alert::{Alert, Severity, grown, series, too_many};
use crate::validate::ValidatedAddon;

const REQUESTS: &str = "marketplace_requests_total";
const FAILURES: &str = "marketplace_request_failures_total";
const OURS: &str = "endpoint!=\"unmatched\"";

pub(super) fn alerts(addon: &ValidatedAddon) -> Vec<Alert> {
    let share = "{{ $value | humanizePercentage }} of the requests of the last 10 min";
    vec![
        Alert {
            name: "MarketplaceRequestsUnserved",
            severity: Severity::Critical,
            minutes: 5,
            expression: ended(addon, "unavailable", 0.05),
            summary: "Requests of Twilio are not served",
            description: format!("{share} were answered with 5xx; Twilio tries a request at most once more."),
        },
        Alert {
            name: "MarketplaceRequestsRefused",
            severity: Severity::Warning,
            minutes: 15,
            expression: ended(addon, "refused", 0.10),
            summary: "Requests are refused for what they carry",
            description: format!(
                "{share} were refused although their path is known: the add-on is probably registered otherwise than it is declared."
            ),
        },
        Alert {
            name: "MarketplaceSignaturesAllFail",
            severity: Severity::Critical,
            minutes: 5,
            expression: all_fail(addon),
            summary: "No signature matches",
            description: "{{ $value | humanize }} requests of the last 15 min were signed otherwise than expected, and none as expected: the auth token or publicUrl is probably not the one that Twilio signs with.".to_owned(),
        },
        Alert {
            name: "MarketplaceNoTraffic",
            severity: Severity::Warning,
            minutes: 15,
            expression: silent(addon),
            summary: "Twilio sends nothing any more",
            description: "No request came within the last hour; in the same hour of yesterday there were more than 10.".to_owned(),
        },
    ]
}

fn ended(addon: &ValidatedAddon, verdict: &str, share: f64) -> String {
    let some = series(addon, REQUESTS, &format!("{OURS},verdict=\"{verdict}\""));
    let some = grown(&some, "10m");
    let all = grown(&series(addon, REQUESTS, OURS), "10m");
    too_many(&some, &all, share)
}

/// Those without a signature are somebody else's.
fn all_fail(addon: &ValidatedAddon) -> String {
    let reasons = "reason=~\"signature_mismatch|body_hash_mismatch\"";
    let failed = grown(&series(addon, FAILURES, &format!("{OURS},{reasons}")), "15m");
    let verdicts = "verdict=~\"answered|accepted\"";
    let passed = grown(&series(addon, REQUESTS, &format!("{OURS},{verdicts}")), "15m");
    format!("({failed} > 3) unless ({passed} > 0)")
}

/// A pod that has just started has no series of requests yet: it has one of requests that are being answered, at 0.
fn silent(addon: &ValidatedAddon) -> String {
    let requests = series(addon, REQUESTS, OURS);
    let none = series(addon, "marketplace_requests_in_flight", "");
    format!(
        "(({} or 0 * max by (addon) ({none})) == 0) and (sum by (addon) (increase({requests}[1h] offset 1d)) > 10)",
        grown(&requests, "1h")
    )
}
