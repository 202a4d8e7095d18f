//! What Prometheus has seen, and which alert fires then. Each series is given by the minute, in promtool's own notation: `0+2x60`
//! grows by 2 for 60 min, `5x60` stays, `_x60` is not there.

use std::collections::BTreeMap;

/// One case.
pub struct Case {
    /// The alert that is looked at.
    pub alert: &'static str,
    /// What it is about.
    pub name: &'static str,
    /// Series with their labels, and values.
    pub series: Vec<(String, String)>,
    /// When it is looked at.
    pub at_minutes: u32,
    /// Whether the alert fires then.
    pub fires: bool,
    /// Labels that it has beside the add-on's and its severity.
    pub labels: BTreeMap<String, String>,
}

/// Every case; of an add-on of which nothing is known no alert fires but the one that says so.
pub fn cases(alerts: &[&str]) -> Vec<Case> {
    let mut cases = standing();
    cases.extend(certificate());
    cases.extend(requests());
    cases.extend(queue());
    cases.extend(callbacks());
    cases.extend(deadlines());
    let silent: Vec<_> = cases.iter().map(|case| case.alert).collect();
    let known = alerts
        .iter()
        .filter_map(|alert| silent.iter().find(|known| known == &alert));
    let empty: Vec<_> = known
        .filter(|alert| **alert != "MarketplaceMetricsAbsent")
        .map(|alert| quiet(alert, "no data", 120, &[]))
        .collect();
    cases.extend(empty);
    cases
}

fn fires(alert: &'static str, name: &'static str, at_minutes: u32, series: &[(&str, &str)]) -> Case {
    Case {
        fires: true,
        ..quiet(alert, name, at_minutes, series)
    }
}

/// The first word is the metric, what follows are more labels; the labels of a scrape stand beside ours.
fn quiet(alert: &'static str, name: &'static str, at_minutes: u32, series: &[(&str, &str)]) -> Case {
    let series = series.iter().map(|(series, values)| {
        let (metric, labels) = series.split_once(' ').unwrap_or((series, ""));
        let comma = if labels.is_empty() { "" } else { "," };
        let addon = if labels.contains("addon=") {
            ""
        } else {
            ",addon=\"addons/insights\""
        };
        let labels = format!("namespace=\"addons\"{addon}{comma}{labels}");
        (format!("{metric}{{{labels}}}"), (*values).to_owned())
    });
    Case {
        alert,
        name,
        series: series.collect(),
        at_minutes,
        fires: false,
        labels: BTreeMap::new(),
    }
}

fn standing() -> Vec<Case> {
    const IN_FLIGHT: &str = "marketplace_requests_in_flight";
    const LOADED: (&str, &str) = ("marketplace_tokens_loaded pod=\"a\"", "1x60");
    let absent = "MarketplaceMetricsAbsent";
    let tokens = "MarketplaceTokensMissing";
    let near = "MarketplaceLimitNear";
    let limit = |used, limit| {
        [
            ("marketplace_limit_used limit=\"requests\",pod=\"a\"", used),
            ("marketplace_limit limit=\"requests\",pod=\"a\"", limit),
        ]
    };
    let mut taken = fires(near, "nine tenths are taken", 30, &limit("95x60", "100x60"));
    taken.labels.insert("limit".to_owned(), "requests".to_owned());
    vec![
        fires(absent, "there was never a pod", 12, &[]),
        quiet(absent, "there was no pod for a moment", 5, &[]),
        fires(absent, "the pods are gone", 80, &[(IN_FLIGHT, "0x60 _x60")]),
        quiet(
            absent,
            "one pod is enough",
            80,
            &[("marketplace_requests_in_flight pod=\"b\"", "0x90")],
        ),
        fires(
            absent,
            "another add-on is seen",
            30,
            &[("marketplace_requests_in_flight addon=\"addons/other\"", "0x60")],
        ),
        fires(
            tokens,
            "one pod has none",
            10,
            &[LOADED, ("marketplace_tokens_loaded pod=\"b\"", "0x60")],
        ),
        quiet(tokens, "every pod has one", 10, &[LOADED]),
        quiet(
            tokens,
            "the pod without is gone",
            30,
            &[LOADED, ("marketplace_tokens_loaded pod=\"b\"", "0x10 _x60")],
        ),
        taken,
        quiet(near, "much is free", 30, &limit("80x60", "100x60")),
        quiet(near, "there is no limit", 30, &limit("80x60", "0x60")),
        quiet(near, "the pod is gone", 60, &limit("95x30 _x60", "100x30 _x60")),
    ]
}

fn certificate() -> Vec<Case> {
    const NOT_AFTER: &str = "marketplace_certificate_not_after_seconds pod=\"a\"";
    const READS: &str = "marketplace_certificate_reads_failed_total pod=\"a\"";
    let (soon, now, unreadable) = (
        "MarketplaceCertificateEndsSoon",
        "MarketplaceCertificateEndsNow",
        "MarketplaceCertificateUnreadable",
    );
    // promtool's clock starts at 0: 13 days are 1123200 s
    vec![
        fires(soon, "13 days are left", 30, &[(NOT_AFTER, "1123200x60")]),
        quiet(soon, "15 days are left", 30, &[(NOT_AFTER, "1296000x60")]),
        quiet(soon, "the pod is gone", 60, &[(NOT_AFTER, "1123200x20 _x60")]),
        fires(now, "2 days are left", 30, &[(NOT_AFTER, "172800x60")]),
        quiet(now, "13 days are left", 30, &[(NOT_AFTER, "1123200x60")]),
        fires(unreadable, "a reading failed", 15, &[(READS, "0x10 1x60")]),
        quiet(unreadable, "none failed", 60, &[(READS, "0x60")]),
        quiet(unreadable, "one failed long ago", 100, &[(READS, "0x10 1x100")]),
    ]
}

fn requests() -> Vec<Case> {
    const GOOD: &str = "marketplace_requests_total endpoint=\"recordings\",verdict=\"accepted\"";
    const UNSERVED: &str = "marketplace_requests_total endpoint=\"recordings\",verdict=\"unavailable\"";
    const REFUSED: &str = "marketplace_requests_total endpoint=\"recordings\",verdict=\"refused\"";
    const SCANNED: &str = "marketplace_requests_total endpoint=\"unmatched\",verdict=\"unavailable\"";
    const MISMATCH: &str = "marketplace_request_failures_total endpoint=\"recordings\",reason=\"signature_mismatch\"";
    const UNSIGNED: &str = "marketplace_request_failures_total endpoint=\"recordings\",reason=\"signature_missing\"";
    const IN_FLIGHT: &str = "marketplace_requests_in_flight";
    let (unserved, refused) = ("MarketplaceRequestsUnserved", "MarketplaceRequestsRefused");
    let (all_fail, silent) = ("MarketplaceSignaturesAllFail", "MarketplaceNoTraffic");
    vec![
        fires(unserved, "one in ten", 30, &[(UNSERVED, "0+1x60"), (GOOD, "0+9x60")]),
        fires(unserved, "every one", 30, &[(UNSERVED, "0+1x60")]),
        quiet(
            unserved,
            "one in a hundred",
            30,
            &[(UNSERVED, "0+1x60"), (GOOD, "0+99x60")],
        ),
        quiet(
            unserved,
            "paths that are nobody's",
            30,
            &[(SCANNED, "0+9x60"), (GOOD, "0+1x60")],
        ),
        quiet(
            unserved,
            "it is over",
            60,
            &[(UNSERVED, "0+1x30 _x60"), (GOOD, "0+9x90")],
        ),
        fires(refused, "one in five", 30, &[(REFUSED, "0+2x60"), (GOOD, "0+8x60")]),
        quiet(refused, "one in twenty", 30, &[(REFUSED, "0+1x60"), (GOOD, "0+19x60")]),
        fires(all_fail, "none matches", 30, &[(MISMATCH, "0+1x60")]),
        quiet(all_fail, "some match", 30, &[(MISMATCH, "0+9x60"), (GOOD, "0+1x60")]),
        quiet(all_fail, "unsigned ones alone", 30, &[(UNSIGNED, "0+9x60")]),
        fires(
            all_fail,
            "none matches any more",
            60,
            &[(MISMATCH, "0+1x60"), (GOOD, "0+1x20 _x60")],
        ),
        fires(
            silent,
            "a day of traffic, then none",
            1530,
            &[(GOOD, "0+1x1440 1440x120"), (IN_FLIGHT, "0x1600")],
        ),
        fires(
            silent,
            "new pods that nobody has asked",
            1530,
            &[(GOOD, "0+1x1440 _x120"), (IN_FLIGHT, "0x1600")],
        ),
        quiet(silent, "it goes on", 1530, &[(GOOD, "0+1x1600"), (IN_FLIGHT, "0x1600")]),
        quiet(
            silent,
            "it was as quiet yesterday",
            1530,
            &[(GOOD, "5x1600"), (IN_FLIGHT, "0x1600")],
        ),
    ]
}

fn queue() -> Vec<Case> {
    const OLDEST: &str = "marketplace_queue_oldest_job_seconds pod=\"a\"";
    const OLDEST_ALSO: &str = "marketplace_queue_oldest_job_seconds pod=\"b\"";
    const ANALYZED: &str = "marketplace_job_attempts_total endpoint=\"recordings\",outcome=\"analyzed\"";
    const FAILED: &str = "marketplace_job_attempts_total endpoint=\"recordings\",outcome=\"failed\"";
    const DEMAND: &str = "marketplace_worker_demand pod=\"a\"";
    const HELD: &str = "marketplace_queue_jobs state=\"held\",pod=\"a\"";
    let (stuck, short, held) = (
        "MarketplaceQueueStuck",
        "MarketplaceWorkersShort",
        "MarketplaceJobsHeld",
    );
    vec![
        fires(stuck, "the oldest gets older", 40, &[(OLDEST, "0+60x60")]),
        fires(
            stuck,
            "every attempt fails",
            40,
            &[(OLDEST, "0+60x60"), (FAILED, "0+3x60")],
        ),
        quiet(
            stuck,
            "it is worked off",
            40,
            &[(OLDEST, "0+60x60"), (ANALYZED, "0+1x60")],
        ),
        quiet(stuck, "nothing waits", 40, &[(OLDEST, "0x60")]),
        quiet(stuck, "the pods are gone", 90, &[(OLDEST, "0+60x60 _x60")]),
        fires(
            short,
            "three are needed and two run",
            30,
            &[(DEMAND, "3x60"), (OLDEST, "0x60"), (OLDEST_ALSO, "0x60")],
        ),
        quiet(
            short,
            "two are needed and two run",
            30,
            &[(DEMAND, "2x60"), (OLDEST, "0x60"), (OLDEST_ALSO, "0x60")],
        ),
        quiet(
            short,
            "the database is out of reach",
            60,
            &[(DEMAND, "3x20 _x60"), (OLDEST, "0x90")],
        ),
        fires(held, "three are held", 30, &[(HELD, "3x60")]),
        quiet(held, "none is", 30, &[(HELD, "0x60")]),
        quiet(held, "the pods are gone", 60, &[(HELD, "3x20 _x60")]),
    ]
}

fn callbacks() -> Vec<Case> {
    const CONFIRMED: &str = "marketplace_callbacks_total endpoint=\"recordings\",outcome=\"confirmed\",reason=\"none\"";
    const RETRIED: &str = "marketplace_callbacks_total endpoint=\"recordings\",outcome=\"retried\",reason=\"busy\"";
    const CUT_OFF: &str =
        "marketplace_callbacks_total endpoint=\"recordings\",outcome=\"retried\",reason=\"ambiguous\"";
    const EXPIRED: &str = "marketplace_queue_jobs state=\"expired\",pod=\"a\"";
    const EXPIRED_ALSO: &str = "marketplace_queue_jobs state=\"expired\",pod=\"b\"";
    let (fail, ambiguous, undelivered) = (
        "MarketplaceCallbacksFail",
        "MarketplaceCallbacksAmbiguous",
        "MarketplaceResultsUndelivered",
    );
    vec![
        fires(fail, "every third", 30, &[(RETRIED, "0+1x60"), (CONFIRMED, "0+2x60")]),
        quiet(
            fail,
            "one in twenty",
            30,
            &[(RETRIED, "0+1x60"), (CONFIRMED, "0+19x60")],
        ),
        quiet(fail, "one of one", 30, &[(RETRIED, "0x20 1x60"), (CONFIRMED, "0x60")]),
        fires(
            ambiguous,
            "one in ten",
            30,
            &[(CUT_OFF, "0+1x60"), (CONFIRMED, "0+9x60")],
        ),
        quiet(
            ambiguous,
            "others fail",
            30,
            &[(RETRIED, "0+1x60"), (CUT_OFF, "0x60"), (CONFIRMED, "0+2x60")],
        ),
        fires(
            undelivered,
            "one, told by two pods",
            30,
            &[(EXPIRED, "1x60"), (EXPIRED_ALSO, "1x60")],
        ),
        quiet(undelivered, "none", 30, &[(EXPIRED, "0x60")]),
        quiet(undelivered, "the pods are gone", 60, &[(EXPIRED, "1x20 _x60")]),
    ]
}

fn deadlines() -> Vec<Case> {
    const MEDIAN: &str = "marketplace_jobs_finished_total endpoint=\"recordings\",deadline=\"median\"";
    const P99: &str = "marketplace_jobs_finished_total endpoint=\"recordings\",deadline=\"p99\"";
    const LATE: &str = "marketplace_jobs_finished_total endpoint=\"recordings\",deadline=\"late\"";
    let (fast, slow, median) = (
        "MarketplaceSlaBurnsFast",
        "MarketplaceSlaBurnsSlowly",
        "MarketplaceSlaMedianMissed",
    );
    vec![
        fires(
            fast,
            "one in five is late",
            90,
            &[(LATE, "0+1x120"), (MEDIAN, "0+4x120")],
        ),
        quiet(
            fast,
            "one in twelve is late",
            90,
            &[(LATE, "0+1x120"), (MEDIAN, "0+11x120")],
        ),
        quiet(fast, "all are in time", 90, &[(LATE, "0x120"), (P99, "0+4x120")]),
        quiet(fast, "it is over", 60, &[(LATE, "0+3x30 90x60"), (MEDIAN, "0+8x90")]),
        quiet(
            fast,
            "one late result of one",
            35,
            &[(LATE, "0x30 1x60"), (MEDIAN, "0x90")],
        ),
        quiet(
            fast,
            "the pod is gone",
            100,
            &[(LATE, "0+1x60 _x60"), (MEDIAN, "0+4x60 _x60")],
        ),
        fires(
            slow,
            "one in twelve is late",
            380,
            &[(LATE, "0+1x400"), (MEDIAN, "0+11x400")],
        ),
        quiet(
            slow,
            "one in fifty is late",
            380,
            &[(LATE, "0+1x400"), (MEDIAN, "0+49x400")],
        ),
        quiet(
            slow,
            "it is over",
            380,
            &[(LATE, "0+1x300 300x100"), (MEDIAN, "0+9x400")],
        ),
        fires(
            median,
            "three in five are slow",
            90,
            &[(P99, "0+3x120"), (MEDIAN, "0+2x120")],
        ),
        quiet(
            median,
            "two in five are slow",
            90,
            &[(P99, "0+2x120"), (MEDIAN, "0+3x120")],
        ),
        quiet(
            median,
            "one result, and slow",
            90,
            &[(P99, "0x60 1x60"), (MEDIAN, "0x120")],
        ),
    ]
}
