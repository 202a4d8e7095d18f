//! The cluster that the suites run in: `tests/cluster/cluster exec -- suites cluster::` sets KUBECONFIG and stands in the
//! node's network. The operator is installed once, by Helm, as a platform team does it.

pub mod audit;
pub mod cloud;
pub mod load;
pub mod node;
pub mod operator;
pub mod outside;
pub mod partner;
pub mod probe;
pub mod profile;
pub mod prometheus;
pub mod scene;
pub mod traefik;
pub mod watch;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use kube::Client;
use tokio::process::Command;

pub use profile::Profile;
pub use scene::Scene;

/// The node's own address: pods reach a test's callback receiver here.
pub const NODE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A client of the cluster's API server.
pub async fn client() -> Result<Client> {
    static PROVIDER: std::sync::Once = std::sync::Once::new();
    PROVIDER.call_once(|| {
        // an error means that another suite has installed one already
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let client = Client::try_default()
        .await
        .context("no cluster: run this by `tests/cluster/cluster exec -- ...`")?;
    client
        .apiserver_version()
        .await
        .context("the cluster's API server does not answer")?;
    Ok(client)
}

/// The top of the checkout.
pub fn top() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Runs a program to its end; its output, when it ends with 0.
pub async fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let (ok, output) = try_run(program, arguments).await?;
    ensure!(ok, "{program} {}: {output}", arguments.join(" "));
    Ok(output)
}

/// Runs a program to its end; whether it ended with 0, and all that it wrote.
pub async fn try_run(program: &str, arguments: &[&str]) -> Result<(bool, String)> {
    let ended = Command::new(program).args(arguments).current_dir(top()).output().await;
    let ended = ended.with_context(|| format!("failed to start {program}"))?;
    let output = [ended.stdout, ended.stderr].concat();
    Ok((ended.status.success(), String::from_utf8_lossy(&output).into_owned()))
}
