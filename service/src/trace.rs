//! The spans of the service: one for each request, each attempt at a fetch or at a job, each try of a callback. They are
//! made only while traces are sent somewhere; called by `server` and `worker`. A span holds words of ours, names of the
//! resource and SIDs: never a query, a number, a body, or more of a callback or of the URL of audio than its host.

use marketplace_daemon::traces::TARGET;
use tracing::{Span, field};

use crate::config::Endpoint;
use crate::domain::{Job, TwilioSids};
use crate::queue::Delivery;
use crate::server::verdict::Verdict;

/// The span of a request. Its route is the endpoint's own path, not the one that was sent.
pub fn request(endpoint: Option<&Endpoint>, method: &str, sids: &TwilioSids) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = field::Empty,
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method_word(method),
        http.route = endpoint.map(|endpoint| endpoint.url.path()),
        http.response.status_code = field::Empty,
        marketplace.endpoint = endpoint.map(|endpoint| endpoint.name.as_str()),
        marketplace.verdict = field::Empty,
        marketplace.reason = field::Empty,
        twilio.request_sid = sids.request.as_deref(),
    );
    if !span.is_disabled() {
        let route = endpoint.map_or("unmatched", |endpoint| endpoint.url.path());
        span.record("otel.name", format!("{} {route}", method_word(method)));
    }
    span
}

/// How the request was judged.
pub fn judged(span: &Span, verdict: &Verdict) {
    span.record("marketplace.verdict", verdict.label());
    if let Some(reason) = verdict.reason() {
        span.record("marketplace.reason", reason);
    }
}

/// What was sent for that.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of an attempt at a job.
pub fn job(job: &Job) -> Span {
    tracing::info_span!(
        target: TARGET,
        "job",
        otel.kind = "consumer",
        marketplace.endpoint = job.work.endpoint.as_str(),
        marketplace.job = %job.id,
        marketplace.attempt = job.attempt,
        marketplace.outcome = field::Empty,
    )
}

/// The span of an attempt at a fetch.
pub fn fetch(job: &Job) -> Span {
    tracing::info_span!(
        target: TARGET,
        "fetch",
        otel.kind = "client",
        marketplace.endpoint = job.work.endpoint.as_str(),
        marketplace.job = %job.id,
        marketplace.attempt = job.attempt,
        marketplace.outcome = field::Empty,
        server.address = job.work.remote.as_ref().map(|remote| remote.url.host()),
    )
}

/// The span of a try of a callback.
pub fn callback(delivery: &Delivery) -> Span {
    tracing::info_span!(
        target: TARGET,
        "callback",
        otel.kind = "client",
        marketplace.endpoint = delivery.endpoint.as_str(),
        marketplace.job = %delivery.id,
        marketplace.attempt = delivery.attempt,
        marketplace.outcome = field::Empty,
        server.address = %delivery.callback,
    )
}

/// How an attempt or a try ended, in one word.
pub fn ended(span: &Span, outcome: &'static str) {
    span.record("marketplace.outcome", outcome);
}

/// The method, unless it is a stranger's invention.
fn method_word(method: &str) -> &str {
    match method {
        "GET" | "POST" | "PUT" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS" => method,
        _ => "_OTHER",
    }
}
