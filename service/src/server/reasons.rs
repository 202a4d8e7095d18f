//! Every word for what went wrong with a request that is not answered: the values of the label `reason`, and what logs
//! say. A refusal of a genuine request has its `error_code` for it. Read by `metrics::catalog`; the tests of `server` have a
//! row for each, and refuse a word that is not listed here.

use super::verdict::Reason;
use crate::admission::Refusal;

/// A head that is no HTTP.
pub const HEAD_UNREADABLE: Reason = "head_unreadable";
/// A head, or the URL in it, that is larger than `limits.headBytes`.
pub const HEAD_TOO_LARGE: Reason = "head_too_large";
/// More headers than `limits.headers`.
pub const HEADERS_TOO_MANY: Reason = "headers_too_many";

/// Why a request is not proven to be Twilio's: 403.
pub const UNVERIFIED: [Reason; 17] = [
    HEAD_UNREADABLE,
    HEAD_TOO_LARGE,
    HEADERS_TOO_MANY,
    "signature_missing",
    "signature_malformed",
    "signature_mismatch",
    "body_hash_missing",
    "body_hash_mismatch",
    "body_compressed",
    "body_too_large",
    "boundary_missing",
    "parts_malformed",
    "parts_too_many",
    "part_head_too_large",
    "text_part_too_large",
    "parameters_too_many",
    "password_wrong",
];

/// Why a request cannot be served now: 503. With `unverifiedStatus: 503`, `signature_mismatch` is one of them.
pub const UNAVAILABLE: [Reason; 35] = [
    "no_token",
    "no_password",
    "commission",
    "source_unlisted",
    "source_unknown",
    "busy",
    "displaced",
    "body_stalled",
    "body_too_slow",
    "body_broken",
    "over_budget",
    "spool_full",
    "disk",
    "spool_failed",
    "audio_size_mismatch",
    "audio_unavailable",
    "install_queue_full",
    "queue_full",
    "queue_failed",
    "database_url_missing",
    "database_url_invalid",
    "database_failed",
    "database_timeout",
    "table_missing",
    "partner_secret_missing",
    "partner_left_alone",
    "partner_not_allowed",
    "partner_unreachable",
    "partner_timeout",
    "partner_broke_off",
    "partner_failed",
    "partner_answer_invalid",
    "answer_timed_out",
    "not_configured",
    "panic",
];

/// All of them.
#[must_use]
pub fn all() -> Vec<Reason> {
    let refusals = Refusal::ALL.into_iter().map(Refusal::error_code);
    refusals.chain(UNVERIFIED).chain(UNAVAILABLE).collect()
}
