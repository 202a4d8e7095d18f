//! The rows about limits and retention.

use serde_json::{Value, json};

use super::{Row, replace};

fn limits(name: &'static str, value: Value, message: &'static str) -> Row {
    replace(name, "/spec/limits", value, message)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = of_a_request();
    rows.extend(of_all_requests());
    rows.extend(of_retention());
    rows
}

fn of_a_request() -> Vec<Row> {
    vec![
        limits(
            "a body of no bytes",
            json!({"bodyBytes": 0}),
            "limits.bodyBytes must be between 1024 and 67108864",
        ),
        limits(
            "no parameters",
            json!({"parameters": 0}),
            "limits.parameters must be between 8 and 10000",
        ),
        limits(
            "no parts",
            json!({"parts": 0}),
            "limits.parts must be between 4 and 10000",
        ),
        limits(
            "a text part without an end",
            json!({"textPartBytes": 16_777_217}),
            "limits.textPartBytes must be between 1024 and 16777216",
        ),
        limits(
            "fewer headers than Twilio sends",
            json!({"headers": 10}),
            "limits.headers must be between 32 and 1000",
        ),
        limits(
            "a head of few bytes",
            json!({"headBytes": 100}),
            "limits.headBytes must be between 8192 and 1048576",
        ),
        limits(
            "no time for a head",
            json!({"headSeconds": 0}),
            "limits.headSeconds must be between 1 and 3600",
        ),
        limits(
            "no time for a body",
            json!({"bodySilenceSeconds": 0}),
            "limits.bodySilenceSeconds must be between 1 and 600",
        ),
        limits(
            "a negative speed",
            json!({"bodyBytesPerSecond": -1}),
            "limits.bodyBytesPerSecond must be between 0 and 1048576",
        ),
    ]
}

fn of_all_requests() -> Vec<Row> {
    vec![
        limits(
            "no connections",
            json!({"connections": 0}),
            "limits.connections must be between 1 and 100000",
        ),
        limits(
            "no requests",
            json!({"requests": 0}),
            "limits.requests must be between 1 and 10000",
        ),
        limits(
            "more requests than connections",
            json!({"requests": 100, "connections": 99}),
            "limits.connections must be at least limits.requests",
        ),
        limits(
            "a recording longer than a WAV file",
            json!({"audioBytes": 4_000_000_001_i64}),
            "limits.audioBytes must be between 1024 and 4000000000",
        ),
        limits(
            "a quarantine smaller than a recording",
            json!({"audioBytes": 2048, "quarantineBytes": 2047}),
            "limits.quarantineBytes must be at least limits.audioBytes",
        ),
        limits(
            "a quarantine of no files",
            json!({"quarantineFiles": 0}),
            "limits.quarantineFiles must be between 1 and 10000",
        ),
        limits(
            "a spool of a few bytes",
            json!({"spoolBytes": 1000}),
            "limits.spoolBytes must be between 1048576 and 1000000000000000",
        ),
        limits(
            "no jobs",
            json!({"unfinishedJobs": 0}),
            "limits.unfinishedJobs must be between 1 and 10000000",
        ),
        limits(
            "no jobs of an installation",
            json!({"perInstall": {"unfinishedJobs": 0}}),
            "limits.perInstall.unfinishedJobs must be between 1 and 10000000",
        ),
        limits(
            "no work for an installation",
            json!({"perInstall": {"runningJobs": 0}}),
            "limits.perInstall.runningJobs must be between 1 and 10000",
        ),
        limits(
            "an installation with more than the queue",
            json!({"unfinishedJobs": 10, "perInstall": {"unfinishedJobs": 11}}),
            "limits.perInstall.unfinishedJobs must be at most limits.unfinishedJobs",
        ),
        limits(
            "an answer after an hour",
            json!({"answerSeconds": 3600}),
            "limits.answerSeconds must be between 1 and 60",
        ),
        limits(
            "a result larger than Twilio takes",
            json!({"resultBytes": 100_000_001}),
            "limits.resultBytes must be between 1024 and 100000000",
        ),
    ]
}

fn of_retention() -> Vec<Row> {
    vec![
        replace(
            "results kept for no time",
            "/spec/retention",
            json!({"resultHours": 0}),
            "retention.resultHours must be between 1 and 8760",
        ),
        replace(
            "metadata kept for no time",
            "/spec/retention",
            json!({"metadataDays": 0}),
            "retention.metadataDays must be between 1 and 3650",
        ),
        replace(
            "results kept longer than their rows",
            "/spec/retention",
            json!({"resultHours": 49, "metadataDays": 2}),
            "retention.metadataDays must be at least as long as retention.resultHours",
        ),
    ]
}
