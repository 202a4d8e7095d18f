//! Logs, the TLS provider and the facts of the build: what `main` sets up before anything else runs.

use std::io::IsTerminal;

use prometheus::Registry;
use thiserror::Error;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Identity, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, filter};

use crate::definition::{Definition, Kind, Label, Values};
use crate::traces::{self, Traces};

/// Why telemetry could not be started.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter is not one that `tracing` understands.
    #[error("failed to read the log filter {0:?}")]
    ParseFilter(String, #[source] filter::ParseError),
    /// Another subscriber was there first.
    #[error("failed to install the log subscriber")]
    InstallSubscriber(#[source] tracing_subscriber::util::TryInitError),
    /// A metric of the same name is registered already.
    #[error("failed to register the build facts")]
    RegisterBuild(#[source] prometheus::Error),
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line, for a collector.
    #[default]
    Json,
    /// For a person at a terminal.
    Text,
}

/// Which program this is.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The name of the binary.
    pub name: &'static str,
    /// Its version, as in `Cargo.toml`.
    pub version: &'static str,
}

/// Installs the process-wide TLS provider and log subscriber, and logs the build. Spans go to `traces`, if there are any.
///
/// `filter` is written as for `RUST_LOG`: `info`, or `warn,marketplace_operator=debug`.
pub fn start(build: Build, format: LogFormat, filter: &str, traces: Option<&Traces>) -> Result<(), TelemetryError> {
    install_tls_provider();
    let subscriber = subscriber(build, format, filter, traces)?;
    subscriber.try_init().map_err(TelemetryError::InstallSubscriber)?;
    tracing::info!(build.name = build.name, build.version = build.version, "starting");
    Ok(())
}

fn subscriber(
    build: Build,
    format: LogFormat,
    filter: &str,
    traces: Option<&Traces>,
) -> Result<impl Subscriber + Send + Sync, TelemetryError> {
    let env_filter =
        EnvFilter::try_new(filter).map_err(|error| TelemetryError::ParseFilter(filter.to_owned(), error))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    let spans = match traces {
        Some(traces) => tracing_opentelemetry::layer()
            .with_tracer(traces.tracer(build))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| metadata.target() == traces::TARGET))
            .boxed(),
        // Not `None`, which would have every span made and then given to nobody.
        None => Identity::new().with_filter(LevelFilter::OFF).boxed(),
    };
    Ok(tracing_subscriber::registry()
        // The hint leaves the filter its own: without one, every line of every library would be looked at.
        .with(lines.with_filter(env_filter.and(filter_fn(may_be_logged).with_max_level_hint(LevelFilter::TRACE))))
        .with(spans))
}

/// Whatever the filter asks for: below `info` only our own lines are written. What libraries say there may hold heads of
/// requests, URLs and statements, and with them numbers, capabilities and secrets; nobody promises otherwise.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let is_span_to_send = metadata.target() == traces::TARGET;
    let is_ours = metadata.target().starts_with("marketplace_");
    !is_span_to_send && (is_ours || *metadata.level() <= Level::INFO)
}

/// Makes ring the provider of every TLS connection; a second call changes nothing.
pub fn install_tls_provider() {
    // The error says that a provider is there already, and there is only one in the dependency tree.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Which program runs.
pub const BUILD_INFO: Definition = Definition {
    name: "marketplace_build_info",
    kind: Kind::Gauge,
    unit: "always 1",
    help: "The labels say what runs here.",
    labels: &[
        Label {
            name: "program",
            values: Values::Of("the name of the binary"),
        },
        Label {
            name: "version",
            values: Values::Of("its version"),
        },
    ],
};

/// Adds `marketplace_build_info{program, version} 1` to the registry.
pub fn register_build(registry: &Registry, build: Build) -> Result<(), TelemetryError> {
    let info = BUILD_INFO.gauges(&[]).map_err(TelemetryError::RegisterBuild)?;
    info.with_label_values(&[build.name, build.version]).set(1);
    registry.register(Box::new(info)).map_err(TelemetryError::RegisterBuild)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_is_made_that_is_sent_nowhere() -> Result<(), TelemetryError> {
        let build = Build {
            name: "acme",
            version: "1.2.3",
        };
        let quiet = subscriber(build, LogFormat::Text, "info", None)?;
        let span = || tracing::info_span!(target: traces::TARGET, "request");
        assert!(tracing::subscriber::with_default(quiet, span).is_disabled());
        Ok(())
    }

    #[test]
    fn an_unreadable_filter_is_refused_by_name() {
        let build = Build {
            name: "acme",
            version: "1.2.3",
        };
        let refused = start(build, LogFormat::Text, "acme=loudest", None).map_err(|error| error.to_string());
        assert_eq!(
            refused,
            Err("failed to read the log filter \"acme=loudest\"".to_owned())
        );
    }
}
