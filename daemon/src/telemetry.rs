//! Logs, the TLS provider and the facts of the build: what `main` sets up before anything else runs.

use std::io::IsTerminal;

use prometheus::{IntGauge, Opts, Registry};
use thiserror::Error;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, filter};

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

/// Installs the process-wide TLS provider and log subscriber, and logs the build.
///
/// `filter` is written as for `RUST_LOG`: `info`, or `warn,marketplace_operator=debug`.
pub fn start(build: Build, format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    install_tls_provider();
    let env_filter =
        EnvFilter::try_new(filter).map_err(|error| TelemetryError::ParseFilter(filter.to_owned(), error))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(env_filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let installed = match format {
        LogFormat::Json => subscriber.json().flatten_event(true).finish().try_init(),
        LogFormat::Text => subscriber.finish().try_init(),
    };
    installed.map_err(TelemetryError::InstallSubscriber)?;
    tracing::info!(build.name = build.name, build.version = build.version, "starting");
    Ok(())
}

/// Makes ring the provider of every TLS connection; a second call changes nothing.
pub fn install_tls_provider() {
    // The error says that a provider is there already, and there is only one in the dependency tree.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Adds `marketplace_build_info{program, version} 1` to the registry.
pub fn register_build(registry: &Registry, build: Build) -> Result<(), TelemetryError> {
    let options = Opts::new("marketplace_build_info", "Always 1; the labels say what runs here.")
        .const_label("program", build.name)
        .const_label("version", build.version);
    let info = IntGauge::with_opts(options).map_err(TelemetryError::RegisterBuild)?;
    info.set(1);
    registry.register(Box::new(info)).map_err(TelemetryError::RegisterBuild)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_filter_is_refused_by_name() {
        let build = Build {
            name: "acme",
            version: "1.2.3",
        };
        let refused = start(build, LogFormat::Text, "acme=loudest").map_err(|error| error.to_string());
        assert_eq!(
            refused,
            Err("failed to read the log filter \"acme=loudest\"".to_owned())
        );
    }
}
