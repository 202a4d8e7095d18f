//! The only reader of flags and environment.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use marketplace_daemon::LogFormat;

/// Runs add-ons of the Twilio Marketplace on Kubernetes: turns every MarketplaceAddon into its parts.
#[derive(Debug, Parser)]
#[command(name = "marketplace-operator", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile until asked to stop.
    Run(Box<Run>),
    /// Print the CustomResourceDefinition as YAML.
    Crd,
    /// Print what its metrics mean, for docs/metrics.md.
    #[command(hide = true)]
    Metrics,
}

/// How to run.
#[derive(Debug, Args)]
pub struct Run {
    /// The image of the service, where an add-on names none.
    #[arg(long = "image", env = "SERVICE_IMAGE")]
    pub service_image: String,
    /// The Prometheus that KEDA asks, where an add-on names none, such as http://prometheus.monitoring.svc:9090.
    #[arg(long = "prometheus-address", env = "PROMETHEUS_ADDRESS")]
    pub prometheus_address: Option<String>,
    /// A namespace to watch; more by repeating it or with commas. None: all.
    #[arg(long = "namespace", env = "WATCH_NAMESPACES", value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// Where to answer /healthz, /readyz and /metrics.
    #[arg(long, env = "LISTEN", default_value = "0.0.0.0:8081")]
    pub listen: SocketAddr,
    /// After how many seconds an add-on and the Secrets that it names are looked at again without a cause.
    #[arg(long = "resync", env = "RESYNC_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub resync_seconds: u32,
    /// How many add-ons are reconciled at once.
    #[arg(long, env = "CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,
    /// The name of this pod, for its Events.
    #[arg(long, env = "POD_NAME")]
    pub pod_name: Option<String>,
    /// How the log is written.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// What is logged, for example `warn,marketplace_operator=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    pub log_level: String,
}

impl Run {
    /// See `resync_seconds`.
    #[must_use]
    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.resync_seconds.into())
    }

    /// One scope per watch: each namespace, or all of them as one.
    #[must_use]
    pub fn scopes(&self) -> Vec<Option<&str>> {
        let named: Vec<_> = self
            .namespaces
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .map(Some)
            .collect();
        if named.is_empty() { vec![None] } else { named }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Result<Run, clap::Error> {
        match Cli::try_parse_from([&["marketplace-operator", "run"], arguments].concat())?.command {
            Command::Run(run) => Ok(*run),
            Command::Crd | Command::Metrics => Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand)),
        }
    }

    #[test]
    fn no_namespace_means_all_and_each_named_one_is_a_scope() -> Result<(), clap::Error> {
        assert_eq!(run(&["--image=a"])?.scopes(), [None]);
        assert_eq!(run(&["--image=a", "--namespace="])?.scopes(), [None]);
        assert_eq!(
            run(&["--image=a", "--namespace=shop,docks"])?.scopes(),
            [Some("shop"), Some("docks")]
        );
        Ok(())
    }

    #[test]
    fn an_image_is_required() {
        assert!(run(&[]).is_err());
        assert!(run(&["--image=a", "--resync=0"]).is_err());
    }
}
