//! The metrics of TLS.

use marketplace_daemon::definition::{Definition, Kind, Label, Values};

use crate::tls::HandshakeFailure;

/// The certificate.
pub const CERTIFICATE_NOT_AFTER: Definition = Definition {
    name: "marketplace_certificate_not_after_seconds",
    kind: Kind::Gauge,
    unit: "seconds since 1970",
    help: "When the certificate of `--tls` ends. Only with `--tls`.",
    labels: &[],
};

/// A certificate that cannot be used.
pub const CERTIFICATE_READS_FAILED: Definition = Definition {
    name: "marketplace_certificate_reads_failed_total",
    kind: Kind::Counter,
    unit: "readings",
    help: "Readings of `--tls` that gave no usable pair; the one before stays in use. Only with `--tls`.",
    labels: &[],
};

/// Handshakes.
pub const TLS_HANDSHAKES_FAILED: Definition = Definition {
    name: "marketplace_tls_handshakes_failed_total",
    kind: Kind::Counter,
    unit: "handshakes",
    help: "TLS handshakes that came to nothing, by cause. Only with `--tls`.",
    labels: &[Label {
        name: "reason",
        values: Values::Words(|| HandshakeFailure::ALL.into_iter().map(HandshakeFailure::label).collect()),
    }],
};
