//! What the front of the service counts. Made once by `cli`, filled by `server`; other parts register their own definitions
//! in the same registry. What each is called and means is said in `catalog`. Every series carries `addon="namespace/name"`;
//! all other labels come from enums or from the configured names of endpoints, never from a request.

pub mod catalog;

use std::time::Duration;

use marketplace_crds::endpoint::IntegrationKey;
use prometheus::{HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use crate::config::{Config, Endpoint};
use crate::domain::AddonKey;
use crate::limits::usage;
use crate::server::verdict::{Reason, Verdict};
use crate::signature::{Form, Verified};
use crate::source::Origin;

/// The endpoint of a request whose path is no endpoint's.
const UNMATCHED: &str = "unmatched";

/// The form of a request whose signature did not match, or was not looked at.
const NO_FORM: &str = "none";

/// The kind of a recording that does not say what it is.
const UNKNOWN_KIND: &str = "unknown";

/// Whether the signature of a request matched.
const VERIFIED: &str = "verified";
const UNVERIFIED: &str = "unverified";

/// What the front counts.
#[derive(Clone)]
pub struct Metrics {
    addon: AddonKey,
    registry: Registry,
    requests: IntCounterVec,
    failures: IntCounterVec,
    durations: HistogramVec,
    sources: IntCounterVec,
    in_flight: IntGauge,
    tokens_loaded: IntGauge,
    secrets_unreadable: IntGauge,
    endpoints: IntGaugeVec,
    recordings: IntCounterVec,
    matches: IntCounterVec,
}

impl Metrics {
    /// Defines and registers everything.
    pub fn new(addon: &AddonKey) -> Result<Self, prometheus::Error> {
        let constant = &catalog::addon(addon);
        let metrics = Self {
            addon: addon.clone(),
            registry: Registry::new(),
            requests: catalog::REQUESTS.counters(constant)?,
            failures: catalog::REQUEST_FAILURES.counters(constant)?,
            durations: catalog::REQUEST_DURATION.histograms(constant)?,
            sources: catalog::REQUEST_SOURCES.counters(constant)?,
            in_flight: catalog::REQUESTS_IN_FLIGHT.gauge(constant)?,
            tokens_loaded: catalog::TOKENS_LOADED.gauge(constant)?,
            secrets_unreadable: catalog::SECRETS_UNREADABLE.gauge(constant)?,
            endpoints: catalog::ENDPOINT_INFO.gauges(constant)?,
            recordings: catalog::RECORDINGS.counters(constant)?,
            matches: catalog::SIGNATURE_MATCHES.counters(constant)?,
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
            sources,
            in_flight,
            tokens_loaded,
            secrets_unreadable,
            endpoints,
            recordings,
            matches,
        } = self;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(sources.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(tokens_loaded.clone()))?;
        registry.register(Box::new(secrets_unreadable.clone()))?;
        registry.register(Box::new(endpoints.clone()))?;
        registry.register(Box::new(recordings.clone()))?;
        registry.register(Box::new(matches.clone()))
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

    /// Notes how many Secrets could not be read.
    pub fn set_secrets_unreadable(&self, secrets: usize) {
        self.secrets_unreadable.set(i64::try_from(secrets).unwrap_or(i64::MAX));
    }

    /// Counts where a request comes from that was held against the allow list.
    pub fn record_source(&self, origin: Origin, is_verified: bool) {
        let signature = if is_verified { VERIFIED } else { UNVERIFIED };
        self.sources.with_label_values(&[origin.label(), signature]).inc();
    }

    /// Counts what a signature covers.
    pub fn record_match(&self, endpoint: Option<&Endpoint>, matched: Verified) {
        let endpoint = endpoint.map_or(UNMATCHED, |endpoint| endpoint.name.as_str());
        let labels = [endpoint, matched.form.as_str(), matched.covers.as_str()];
        self.matches.with_label_values(&labels).inc();
    }

    /// Counts a request as being answered until the guard is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(&self.in_flight)
    }

    /// Counts a recording that was accepted.
    pub fn accepted(&self, endpoint: &Endpoint, kind: Option<IntegrationKey>) {
        let kind = kind.map_or(UNKNOWN_KIND, IntegrationKey::as_str);
        self.recordings.with_label_values(&[endpoint.name.as_str(), kind]).inc();
    }

    /// Counts what came in the place of a request and could not be read.
    pub fn record_unread(&self, reason: Reason) {
        let verdict = Verdict::Unverified(reason);
        self.requests
            .with_label_values(&[UNMATCHED, verdict.label(), NO_FORM])
            .inc();
        self.failures.with_label_values(&[UNMATCHED, reason]).inc();
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
pub struct InFlight<'a>(&'a IntGauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use marketplace_crds::endpoint::IntegrationKey;
    use marketplace_crds::manifest;
    use prometheus::TextEncoder;

    use super::Metrics;
    use crate::config::Config;
    use crate::server::verdict::Verdict;
    use crate::signature::{Form, Port};

    #[test]
    fn every_series_carries_the_addon_and_labels_of_ours_alone() -> Result<(), Box<dyn Error>> {
        let config = Config::from_addon(&manifest::read(include_str!("../../crds/fixtures/call-insights.yaml"))?)?;
        let metrics = Metrics::new(&config.addon)?;
        metrics.describe(&config);
        metrics.set_tokens_loaded(2);
        let took = Duration::from_millis(7);
        metrics.record(
            config.endpoint("sms"),
            &Verdict::Answered("{}".to_owned()),
            Some(Form::as_received(Port::Absent)),
            took,
        );
        metrics.record(None, &Verdict::Unverified("signature_mismatch"), None, took);
        let recordings = config.endpoint("recordings").ok_or("the fixture has it")?;
        metrics.accepted(recordings, None);
        metrics.accepted(recordings, Some(IntegrationKey::RecordingDial));
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
            r#"endpoint="recordings",integration_key="unknown"} 1"#,
            r#"endpoint="recordings",integration_key="RECORDING_DIAL"} 1"#,
            r#"marketplace_tokens_loaded{addon="addons/call-insights"} 2"#,
            r#"integration="RecordingAnalysis",integration_keys="RECORDING_VERB,RECORDING_DIAL"} 1"#,
        ] {
            assert!(told.contains(series), "{series} is not in\n{told}");
        }
        Ok(())
    }
}
