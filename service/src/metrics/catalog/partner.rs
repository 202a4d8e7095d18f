//! What is told of partners' code.

use marketplace_daemon::definition::{Definition, Kind, Label, Values};

use super::ENDPOINT;
use super::jobs::ANALYSIS_BOUNDS_SECONDS;
use crate::handler::http::PartnerMetrics;

/// Calls of partners.
pub const PARTNER_CALLS: Definition = Definition {
    name: "marketplace_partner_calls_total",
    kind: Kind::Counter,
    unit: "calls",
    help: "Calls of a partner's code by how they ended; `partner_left_alone` is one that was not made, because too many \
           before it had failed. Only with `handler.http` or `handler.container`.",
    labels: &[
        ENDPOINT,
        Label {
            name: "outcome",
            values: Values::Words(PartnerMetrics::outcomes),
        },
    ],
};

/// How long partners take.
pub const PARTNER_CALL: Definition = Definition {
    name: "marketplace_partner_call_seconds",
    kind: Kind::Histogram(ANALYSIS_BOUNDS_SECONDS),
    unit: "seconds",
    help: "Time that a call of a partner's code took, whatever came of it.",
    labels: &[ENDPOINT],
};

/// Breakers.
pub const PARTNER_LEFT_ALONE: Definition = Definition {
    name: "marketplace_partner_left_alone",
    kind: Kind::Gauge,
    unit: "0 or 1",
    help: "Whether this pod leaves a partner's code alone for a while, because call after call has failed.",
    labels: &[ENDPOINT],
};
