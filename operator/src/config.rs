//! The only reader of flags and environment.

mod defaults;
mod monitoring;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use marketplace_crds::network::Peer;
use marketplace_daemon::LogFormat;

pub use self::defaults::DefaultOptions;
pub use self::monitoring::MonitoringOptions;
use crate::leader::LeaseName;

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
    /// Print what would be applied for an add-on, as YAML and without a cluster.
    #[command(after_help = RENDER_EXAMPLES)]
    Render(Render),
    /// Say what a cluster lacks for add-ons, or for one of them, and what to do about it. Reads only.
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Doctor),
    /// Print the CustomResourceDefinition as YAML.
    Crd,
    /// Print what its metrics mean, for docs/metrics.md.
    #[command(hide = true)]
    Metrics,
}

const RENDER_EXAMPLES: &str = "\
Examples:
    marketplace-operator render -f addon.yaml
    marketplace-operator render -f addon.yaml --secrets secrets --namespace addons
    diff <(git show HEAD:addon.yaml | marketplace-operator render -f -) <(marketplace-operator render -f addon.yaml)

  `secrets` holds a folder for each Secret that the add-on names, with a file for each key. Without it every Secret is
  taken to be there. Values of Secrets are never printed.

Exit code: 0 printed; 1 refused, with the reasons on stderr; 2 wrong usage.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
    marketplace-operator doctor
    marketplace-operator doctor -f addon.yaml --namespace addons
    marketplace-operator doctor --namespace addons --as system:serviceaccount:marketplace-system:marketplace-marketplace-operator

  Runs with your kubeconfig. With --as the rights are asked for as the operator, which needs the right to impersonate.

Exit code: 0 nothing is lacking; 1 something is; 2 wrong usage.";

/// What to print.
#[derive(Debug, Args)]
pub struct Render {
    /// The manifest with the add-on; - for the standard input.
    #[arg(short, long)]
    pub file: PathBuf,
    /// A folder with a folder for each Secret and in it a file for each key. None: every Secret is taken to be there.
    #[arg(long)]
    pub secrets: Option<PathBuf>,
    /// The namespace, instead of the one that the manifest names.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// The image of the service, where the add-on names none.
    #[arg(long = "image", env = "SERVICE_IMAGE", default_value = SERVICE_IMAGE)]
    pub service_image: String,
    /// What holds for every add-on that does not say it itself.
    #[command(flatten)]
    pub defaults: DefaultOptions,
}

/// What to look at.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The manifest with an add-on that is to run here; - for the standard input.
    #[arg(short, long)]
    pub file: Option<PathBuf>,
    /// The namespace, instead of the one that the manifest or the kubeconfig names.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// The user as whom the rights are asked for: the operator's ServiceAccount.
    #[arg(long = "as")]
    pub operator: Option<String>,
    /// The image of the service, where the add-on names none.
    #[arg(long = "image", env = "SERVICE_IMAGE", default_value = SERVICE_IMAGE)]
    pub service_image: String,
    /// What holds for every add-on that does not say it itself.
    #[command(flatten)]
    pub defaults: DefaultOptions,
}

/// The image that the chart of this version sets.
const SERVICE_IMAGE: &str = concat!(
    "ghcr.io/marketplace-operator/marketplace-service:",
    env!("CARGO_PKG_VERSION")
);

/// How to run.
#[derive(Debug, Args)]
pub struct Run {
    /// The image of the service, where an add-on names none.
    #[arg(long = "image", env = "SERVICE_IMAGE")]
    pub service_image: String,
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
    /// How many add-ons' pods are replaced at a time because the operator was upgraded; 0: no limit.
    #[arg(long, env = "ROLLS_AT_ONCE", default_value_t = 5)]
    pub rolls_at_once: u16,
    /// The Lease, NAMESPACE/NAME, that one of several replicas holds while it writes. None: this is the only replica.
    #[arg(long, env = "LEASE")]
    pub lease: Option<LeaseName>,
    /// What holds for every add-on that does not say it itself.
    #[command(flatten)]
    pub defaults: DefaultOptions,
    /// The name of this pod, for its Events and for the Lease.
    #[arg(long, env = "POD_NAME")]
    pub pod_name: Option<String>,
    /// The namespace of this pod, from which the pods of add-ons are asked for their tokens.
    #[arg(long, env = "POD_NAMESPACE")]
    pub pod_namespace: Option<String>,
    /// How the log is written.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// What is logged, for example `warn,marketplace_operator=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    pub log_level: String,
}

impl Run {
    /// The operator's own pods, as a NetworkPolicy names them; none where they are in no cluster.
    #[must_use]
    pub fn peer(&self) -> Option<Peer> {
        defaults::operator(self.pod_namespace.as_deref()?)
    }

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
            Command::Crd | Command::Metrics | Command::Render(_) | Command::Doctor(_) => {
                Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand))
            }
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
    fn peers_are_read_whole_or_not_at_all() -> Result<(), clap::Error> {
        let ingress = r#"--ingress-from=[{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]"#;
        let network = run(&["--image=a", ingress, "--egress=[]"])?
            .defaults
            .with_image("a")
            .network;
        assert_eq!(network.ingress_from.map(|peers| peers.len()), Some(1));
        assert_eq!((network.monitoring_from, network.egress), (None, None));
        for bad in [
            "ingress",
            "{}",
            "[{}]",
            r#"[{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]"#,
            r#"[{"podSelektor": {}}]"#,
        ] {
            assert!(run(&["--image=a", &format!("--ingress-from={bad}")]).is_err(), "{bad}");
        }
        Ok(())
    }

    #[test]
    fn an_image_is_required() {
        assert!(run(&[]).is_err());
        assert!(run(&["--image=a", "--resync=0"]).is_err());
    }
}
