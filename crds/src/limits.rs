//! How much of anything that strangers send is taken, and how long they may take to send it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::per_install::PerInstall;
use crate::rules::{between, rule};

/// How much is taken of what comes from outside, for each pod. The defaults suit the Marketplace's own traffic; what
/// happens beyond each limit is said with it, and counted in the metric `marketplace_request_failures_total` under the
/// reason that is named here.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule(
        "self.audioBytes <= self.quarantineBytes",
        "limits.quarantineBytes must be at least limits.audioBytes: else the largest recording never fits",
    ),
    validation = rule(
        "self.requests <= self.connections",
        "limits.connections must be at least limits.requests: each request has a connection",
    ),
    validation = rule(
        "!has(self.perInstall) || !has(self.perInstall.unfinishedJobs) || self.perInstall.unfinishedJobs <= self.unfinishedJobs",
        "limits.perInstall.unfinishedJobs must be at most limits.unfinishedJobs: more than the whole queue is never taken",
    ),
)]
pub struct Limits {
    /// The largest form or JSON body, in bytes. Beyond it 403 (`body_too_large`): what is not read cannot be verified.
    #[serde(default = "body_bytes")]
    #[schemars(range(min = 1024, max = 67_108_864))]
    #[x_kube(validation = between(1024, 67_108_864, "limits.bodyBytes"))]
    pub body_bytes: i64,

    /// How many parameters a query, a form or a multipart body may have. Beyond it 403 (`parameters_too_many`).
    #[serde(default = "parameters")]
    #[schemars(range(min = 8, max = 10_000))]
    #[x_kube(validation = between(8, 10_000, "limits.parameters"))]
    pub parameters: i32,

    /// How many parts a multipart body may have, files included. Beyond it 403 (`parts_too_many`).
    #[serde(default = "parts")]
    #[schemars(range(min = 4, max = 10_000))]
    #[x_kube(validation = between(4, 10_000, "limits.parts"))]
    pub parts: i32,

    /// The largest text part of a multipart body, in bytes. Beyond it 403 (`text_part_too_large`).
    #[serde(default = "text_part_bytes")]
    #[schemars(range(min = 1024, max = 16_777_216))]
    #[x_kube(validation = between(1024, 16_777_216, "limits.textPartBytes"))]
    pub text_part_bytes: i64,

    /// How many headers a request may have; Twilio sends about fifteen. Beyond it 403.
    #[serde(default = "headers")]
    #[schemars(range(min = 32, max = 1000))]
    #[x_kube(validation = between(32, 1000, "limits.headers"))]
    pub headers: i32,

    /// The largest head of a request, URL and headers together, in bytes; also the read buffer of a connection. The
    /// longest message, percent-encoded, has about 15 kB. Beyond it 403.
    #[serde(default = "head_bytes")]
    #[schemars(range(min = 8192, max = 1_048_576))]
    #[x_kube(validation = between(8192, 1_048_576, "limits.headBytes"))]
    pub head_bytes: i32,

    /// How long a connection may take for the head of a request, in seconds, and how long it may stay idle between two
    /// requests. Longer than what a proxy in front keeps its connections for, so that the proxy closes first.
    #[serde(default = "head_seconds")]
    #[schemars(range(min = 1, max = 3600))]
    #[x_kube(validation = between(1, 3600, "limits.headSeconds"))]
    pub head_seconds: i32,

    /// How long a sender may be silent in the middle of a body, in seconds. Beyond it 503 (`body_stalled`).
    #[serde(default = "body_silence_seconds")]
    #[schemars(range(min = 1, max = 600))]
    #[x_kube(validation = between(1, 600, "limits.bodySilenceSeconds"))]
    pub body_silence_seconds: i32,

    /// How many bytes of a body must come in a second, on the average over its whole time but for the first
    /// bodySilenceSeconds. A slower sender is answered 503 (`body_too_slow`). 0 takes any speed.
    #[serde(default = "body_bytes_per_second")]
    #[schemars(range(min = 0, max = 1_048_576))]
    #[x_kube(validation = between(0, 1_048_576, "limits.bodyBytesPerSecond"))]
    pub body_bytes_per_second: i32,

    /// How many connections are held. At the limit, a new one takes the place of the one that has waited longest for the
    /// head of a request.
    #[serde(default = "connections")]
    #[schemars(range(min = 1, max = 100_000))]
    #[x_kube(validation = between(1, 100_000, "limits.connections"))]
    pub connections: i32,

    /// How many requests are read and answered at one time. At the limit, a new one takes the place of the slowest sender
    /// (503, `displaced`) if there is one that is slow; else it is answered 503 (`busy`).
    #[serde(default = "requests")]
    #[schemars(range(min = 1, max = 10_000))]
    #[x_kube(validation = between(1, 10_000, "limits.requests"))]
    pub requests: i32,

    /// The largest recording, in bytes. The default holds three hours of telephone audio on two channels, and some more.
    /// Beyond it 200 with the error `audio_too_large`.
    #[serde(default = "audio_bytes")]
    #[schemars(range(min = 1024, max = 4_000_000_000_i64))]
    #[x_kube(validation = between(1024, 4_000_000_000, "limits.audioBytes"))]
    pub audio_bytes: i64,

    /// The bytes of all uploads that are not verified yet. Beyond it 503 (`over_budget`).
    #[serde(default = "quarantine_bytes")]
    #[schemars(range(min = 1024, max = 1_000_000_000_000_i64))]
    #[x_kube(validation = between(1024, 1_000_000_000_000, "limits.quarantineBytes"))]
    pub quarantine_bytes: i64,

    /// The number of all uploads that are not verified yet. Beyond it 503 (`over_budget`).
    #[serde(default = "quarantine_files")]
    #[schemars(range(min = 1, max = 10_000))]
    #[x_kube(validation = between(1, 10_000, "limits.quarantineFiles"))]
    pub quarantine_files: i32,

    /// The bytes that accepted recordings and large results may take on the volume. Unset: what the volume has. At 80 % of
    /// it, or of the volume, uploads are answered 503 (`spool_full`), so that the jobs themselves keep room. In a bucket:
    /// the bytes of the add-on's objects there, which each pod counts every 30 seconds; in between it knows of its own
    /// uploads alone, so that several pods may go beyond it. Unset: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_048_576, max = 1_000_000_000_000_000_i64))]
    #[x_kube(validation = between(1_048_576, 1_000_000_000_000_000, "limits.spoolBytes"))]
    pub spool_bytes: Option<i64>,

    /// How many jobs may wait or be worked on. Beyond it 503 (`queue_full`).
    #[serde(default = "unfinished_jobs")]
    #[schemars(range(min = 1, max = 10_000_000))]
    #[x_kube(validation = between(1, 10_000_000, "limits.unfinishedJobs"))]
    pub unfinished_jobs: i32,

    /// How much of it one installation of the add-on may take, so that one customer cannot fill the queue.
    #[serde(default)]
    pub per_install: PerInstall,

    /// The time for an answer that is given at once, in seconds, from the head of the request on; Twilio's webhooks wait
    /// 15 s. A handler is given what is left of it. Beyond it 503 (`answer_timed_out`).
    #[serde(default = "answer_seconds")]
    #[schemars(range(min = 1, max = 60))]
    #[x_kube(validation = between(1, 60, "limits.answerSeconds"))]
    pub answer_seconds: i32,

    /// The largest result that is sent to a callback, in bytes; Twilio takes 100 MB. Of a larger one the longest lists are
    /// left out, then segments of the transcript, and it says so; what is still larger is replaced by the error result
    /// `result_too_large`.
    #[serde(default = "result_bytes")]
    #[schemars(range(min = 1024, max = 100_000_000))]
    #[x_kube(validation = between(1024, 100_000_000, "limits.resultBytes"))]
    pub result_bytes: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: body_bytes(),
            parameters: parameters(),
            parts: parts(),
            text_part_bytes: text_part_bytes(),
            headers: headers(),
            head_bytes: head_bytes(),
            head_seconds: head_seconds(),
            body_silence_seconds: body_silence_seconds(),
            body_bytes_per_second: body_bytes_per_second(),
            connections: connections(),
            requests: requests(),
            audio_bytes: audio_bytes(),
            quarantine_bytes: quarantine_bytes(),
            quarantine_files: quarantine_files(),
            spool_bytes: None,
            unfinished_jobs: unfinished_jobs(),
            per_install: PerInstall::default(),
            answer_seconds: answer_seconds(),
            result_bytes: result_bytes(),
        }
    }
}

fn body_bytes() -> i64 {
    1024 * 1024
}

fn parameters() -> i32 {
    1000
}

fn parts() -> i32 {
    64
}

fn text_part_bytes() -> i64 {
    64 * 1024
}

fn headers() -> i32 {
    64
}

fn head_bytes() -> i32 {
    32 * 1024
}

fn head_seconds() -> i32 {
    75
}

fn body_silence_seconds() -> i32 {
    30
}

fn body_bytes_per_second() -> i32 {
    1024
}

fn connections() -> i32 {
    4096
}

fn requests() -> i32 {
    512
}

fn audio_bytes() -> i64 {
    512 * 1024 * 1024
}

fn quarantine_bytes() -> i64 {
    4 * 1024 * 1024 * 1024
}

fn quarantine_files() -> i32 {
    256
}

fn unfinished_jobs() -> i32 {
    10_000
}

fn answer_seconds() -> i32 {
    10
}

fn result_bytes() -> i32 {
    100_000_000
}
