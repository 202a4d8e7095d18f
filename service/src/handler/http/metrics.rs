//! What is told of partners: how their calls ended, how long they took, and which of them are left alone.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use super::{AskPartner, Results};
use crate::domain::{AddonKey, EndpointName};
use crate::metrics::catalog;

/// A call that was answered with results.
const ANSWERED: &str = "answered";
/// One that was answered with nothing.
const NOTHING_KNOWN: &str = "nothing_known";

/// The series of all partners of the add-on.
#[derive(Clone, Debug)]
pub struct PartnerMetrics {
    calls: IntCounterVec,
    seconds: HistogramVec,
    left_alone: IntGaugeVec,
}

impl PartnerMetrics {
    /// Every way for a call to end.
    #[must_use]
    pub fn outcomes() -> Vec<&'static str> {
        [ANSWERED, NOTHING_KNOWN]
            .into_iter()
            .chain(AskPartner::CATEGORIES)
            .collect()
    }

    /// Makes the series and shows them in the registry.
    pub fn register(registry: &Registry, addon: &AddonKey) -> Result<Self, prometheus::Error> {
        let addon = &catalog::addon(addon);
        let metrics = Self {
            calls: catalog::PARTNER_CALLS.counters(addon)?,
            seconds: catalog::PARTNER_CALL.histograms(addon)?,
            left_alone: catalog::PARTNER_LEFT_ALONE.gauges(addon)?,
        };
        let Self {
            calls,
            seconds,
            left_alone,
        } = metrics.clone();
        registry.register(Box::new(calls))?;
        registry.register(Box::new(seconds))?;
        registry.register(Box::new(left_alone))?;
        Ok(metrics)
    }

    /// Shows an endpoint before anything has happened.
    pub(super) fn begin(&self, endpoint: &EndpointName) {
        self.left_alone.with_label_values(&[endpoint.as_str()]).set(0);
    }

    pub(super) fn took(&self, endpoint: &EndpointName, took: Duration) {
        self.seconds
            .with_label_values(&[endpoint.as_str()])
            .observe(took.as_secs_f64());
    }

    pub(super) fn said(
        &self,
        endpoint: &EndpointName,
        said: &Result<Option<Results>, AskPartner>,
        is_left_alone: bool,
    ) {
        let outcome = match said {
            Ok(Some(_)) => ANSWERED,
            Ok(None) => NOTHING_KNOWN,
            Err(error) => error.category(),
        };
        self.calls.with_label_values(&[endpoint.as_str(), outcome]).inc();
        self.left_alone
            .with_label_values(&[endpoint.as_str()])
            .set(i64::from(is_left_alone));
    }
}
