//! What the front of the service counts. Made once by `cli`, filled by `server`; other parts register their own definitions
//! in the same registry. Every series carries `addon="namespace/name"`; all other labels come from enums or from the
//! configured names of endpoints, never from a request.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::config::{Config, Endpoint};
use crate::domain::AddonKey;
use crate::limits::usage;
use crate::server::verdict::Verdict;
use crate::signature::Form;

/// The endpoint of a request whose path is no endpoint's.
const UNMATCHED: &str = "unmatched";

/// The form of a request whose signature did not match, or was not looked at.
const NO_FORM: &str = "none";

/// From a table that answers at once to the 15 s after which Twilio's webhooks give up.
const DURATION_BUCKETS_SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 5.0, 15.0];

/// What the front counts.
#[derive(Clone)]
pub struct Metrics {
    addon: AddonKey,
    registry: Registry,
    requests: IntCounterVec,
    failures: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
    tokens_loaded: IntGauge,
    endpoints: IntGaugeVec,
}

impl Metrics {
    /// Defines and registers everything.
    pub fn new(addon: &AddonKey) -> Result<Self, prometheus::Error> {
        let options = |name, help| Opts::new(name, help).const_label("addon", addon.as_str());
        let metrics = Self {
            addon: addon.clone(),
            registry: Registry::new(),
            requests: IntCounterVec::new(
                options(
                    "marketplace_requests_total",
                    "Requests by how they ended and in which form they were signed.",
                ),
                &["endpoint", "verdict", "form"],
            )?,
            failures: IntCounterVec::new(
                options(
                    "marketplace_request_failures_total",
                    "Requests that were refused or not served, by reason.",
                ),
                &["endpoint", "reason"],
            )?,
            durations: HistogramVec::new(
                HistogramOpts::from(options(
                    "marketplace_request_duration_seconds",
                    "From the head of a request to its answer.",
                ))
                .buckets(DURATION_BUCKETS_SECONDS.to_vec()),
                &["endpoint", "verdict"],
            )?,
            in_flight: IntGauge::with_opts(options(
                "marketplace_requests_in_flight",
                "Requests that are being answered.",
            ))?,
            tokens_loaded: IntGauge::with_opts(options(
                "marketplace_tokens_loaded",
                "Auth tokens that a signature is tried with.",
            ))?,
            endpoints: IntGaugeVec::new(
                options(
                    "marketplace_endpoint_info",
                    "Always 1; the labels say what makes Twilio call the endpoint.",
                ),
                &["endpoint", "integration", "integration_keys"],
            )?,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let Self {
            addon: _,
            registry,
            requests,
            failures,
            durations,
            in_flight,
            tokens_loaded,
            endpoints,
        } = self;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(tokens_loaded.clone()))?;
        registry.register(Box::new(endpoints.clone()))
    }

    /// Where other parts register their own.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Shows a limit of this name, and what is taken of it.
    pub fn watch_limit(
        &self,
        limit: (&'static str, u64),
        used: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<(), prometheus::Error> {
        usage::watch(&self.registry, &self.addon, limit, used)
    }

    /// States the endpoints, once.
    pub fn describe(&self, config: &Config) {
        for endpoint in &config.endpoints {
            let keys: Vec<_> = endpoint.integration_keys.iter().map(|key| key.as_str()).collect();
            let labels = [endpoint.name.as_str(), endpoint.integration.as_str(), &keys.join(",")];
            self.endpoints.with_label_values(&labels).set(1);
        }
    }

    /// Notes how many tokens there are to try.
    pub fn set_tokens_loaded(&self, tokens: usize) {
        self.tokens_loaded.set(i64::try_from(tokens).unwrap_or(i64::MAX));
    }

    /// Counts a request as being answered until the guard is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts a request that has ended.
    pub fn record(&self, endpoint: Option<&Endpoint>, verdict: &Verdict, form: Option<Form>, took: Duration) {
        let endpoint = endpoint.map_or(UNMATCHED, |endpoint| endpoint.name.as_str());
        let form = form.map_or(NO_FORM, Form::as_str);
        self.requests
            .with_label_values(&[endpoint, verdict.label(), form])
            .inc();
        self.durations
            .with_label_values(&[endpoint, verdict.label()])
            .observe(took.as_secs_f64());
        if let Some(reason) = verdict.reason() {
            self.failures.with_label_values(&[endpoint, reason]).inc();
        }
    }
}

/// A request that is being answered.
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use marketplace_crds::manifest;
    use prometheus::TextEncoder;
    use serde_json::Value;

    use super::Metrics;
    use crate::config::Config;
    use crate::server::verdict::Verdict;
    use crate::signature::Form;

    #[test]
    fn every_series_carries_the_addon_and_labels_of_ours_alone() -> Result<(), Box<dyn Error>> {
        let config = Config::from_addon(&manifest::read(include_str!("../../crds/fixtures/call-insights.yaml"))?)?;
        let metrics = Metrics::new(&config.addon)?;
        metrics.describe(&config);
        metrics.set_tokens_loaded(2);
        let took = Duration::from_millis(7);
        metrics.record(
            config.endpoint("sms"),
            &Verdict::Answered(Value::Null),
            Some(Form::PortAbsent),
            took,
        );
        metrics.record(None, &Verdict::Unverified("signature_mismatch"), None, took);
        let in_flight = metrics.begin();
        let told = TextEncoder::new().encode_to_string(&metrics.registry().gather())?;
        drop(in_flight);

        for line in told.lines().filter(|line| !line.starts_with('#')) {
            assert!(
                line.starts_with("marketplace_") && line.contains(r#"addon="addons/call-insights""#),
                "{line}"
            );
        }
        for series in [
            r#"marketplace_requests_total{addon="addons/call-insights",endpoint="sms",form="port_absent",verdict="answered"} 1"#,
            r#"marketplace_requests_total{addon="addons/call-insights",endpoint="unmatched",form="none",verdict="unverified"} 1"#,
            r#"marketplace_request_failures_total{addon="addons/call-insights",endpoint="unmatched",reason="signature_mismatch"} 1"#,
            r#"marketplace_requests_in_flight{addon="addons/call-insights"} 1"#,
            r#"marketplace_tokens_loaded{addon="addons/call-insights"} 2"#,
            r#"integration="RecordingAnalysis",integration_keys="RECORDING_VERB,RECORDING_DIAL"} 1"#,
        ] {
            assert!(told.contains(series), "{series} is not in\n{told}");
        }
        Ok(())
    }
}
