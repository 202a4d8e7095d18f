//! What is told of TLS: until when the certificate is good, and what fails. Registered only when the service speaks TLS by
//! itself.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use crate::domain::AddonKey;
use crate::metrics::catalog;

/// Why a handshake came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// The client wants what we do not speak, does not like the certificate, or is none.
    Refused,
    /// The client was silent.
    TimedOut,
}

impl HandshakeFailure {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Refused, Self::TimedOut];

    /// The label of the metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
        }
    }
}

/// The series of TLS.
#[derive(Clone, Debug)]
pub struct TlsMetrics {
    pub(super) not_after_seconds: IntGauge,
    pub(super) reads_failed: IntCounter,
    handshakes_failed: IntCounterVec,
}

impl TlsMetrics {
    /// Makes the series and shows them in the registry.
    pub fn register(registry: &Registry, addon: &AddonKey) -> Result<Self, prometheus::Error> {
        let addon = &catalog::addon(addon);
        let metrics = Self {
            not_after_seconds: catalog::CERTIFICATE_NOT_AFTER.gauge(addon)?,
            reads_failed: catalog::CERTIFICATE_READS_FAILED.counter(addon)?,
            handshakes_failed: catalog::TLS_HANDSHAKES_FAILED.counters(addon)?,
        };
        let Self {
            not_after_seconds,
            reads_failed,
            handshakes_failed,
        } = metrics.clone();
        registry.register(Box::new(not_after_seconds))?;
        registry.register(Box::new(reads_failed))?;
        registry.register(Box::new(handshakes_failed))?;
        Ok(metrics)
    }

    /// Notes until when the certificate is good.
    pub(super) fn loaded(&self, not_after_seconds: i64) {
        self.not_after_seconds.set(not_after_seconds);
    }

    /// Counts a reading that gave no usable pair.
    pub(super) fn read_failed(&self) {
        self.reads_failed.inc();
    }

    /// Counts a handshake that came to nothing.
    pub fn handshake_failed(&self, failure: HandshakeFailure) {
        self.handshakes_failed.with_label_values(&[failure.label()]).inc();
    }
}
