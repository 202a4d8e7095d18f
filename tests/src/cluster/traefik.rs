//! Asking through Traefik, from a machine outside the node that has an address of its own.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use tokio::sync::{Mutex, MutexGuard};

use super::outside::Way;
use super::profile::{Profile, ensure};
use super::{NODE, try_run};
use crate::tls::{Certificate, HOST};

/// The Gateway that takes routes of every namespace: its namespace, and its name.
pub const GATEWAY: (&str, &str) = ("traefik", "shared");

/// The node's port for plain HTTP.
pub const PLAIN_PORT: u16 = 32080;
/// The node's port for TLS.
pub const TLS_PORT: u16 = 32443;

/// By TLS, whichever the host, with more arguments of curl.
pub fn by_tls<'a>(certificate: &'a Certificate, options: &'a [&'a str]) -> Way<'a> {
    Way {
        address: (NODE, TLS_PORT).into(),
        trusted: Some(certificate),
        options,
    }
}

/// By plain HTTP, whichever the host.
pub fn by_plain_http() -> Way<'static> {
    Way {
        address: (NODE, PLAIN_PORT).into(),
        trusted: None,
        options: &[],
    }
}

static HOST_IN_USE: Mutex<()> = Mutex::const_new(());

/// Traefik is there, and one test at a time uses the one host that `ask` speaks of: of two certificates or routes for a host
/// only one counts.
pub async fn alone() -> Result<MutexGuard<'static, ()>> {
    let turn = HOST_IN_USE.lock().await;
    ensure(&[Profile::Traefik]).await?;
    Ok(turn)
}

/// What a client of this address is answered at `http://HOST/path`, with more headers; none when it was not answered 200.
pub async fn ask(client: &str, path: &str, headers: &[&str]) -> Result<Option<String>> {
    let url = format!("http://{HOST}:{PLAIN_PORT}{path}");
    curl(client, PLAIN_PORT, headers, &[&url]).await
}

/// The same by TLS, trusting this certificate alone.
pub async fn ask_by_tls(
    client: &str,
    path: &str,
    headers: &[&str],
    certificate: &Certificate,
) -> Result<Option<String>> {
    let mut trusted = tempfile::NamedTempFile::new()?;
    trusted.write_all(certificate.pem().as_bytes())?;
    let file = trusted.path().to_str().context("a path in UTF-8")?;
    let url = format!("https://{HOST}:{TLS_PORT}{path}");
    curl(client, TLS_PORT, headers, &["--cacert", file, &url]).await
}

async fn curl(client: &str, port: u16, headers: &[&str], more: &[&str]) -> Result<Option<String>> {
    let resolve = format!("{HOST}:{port}:{NODE}");
    let mut arguments = vec!["client", client, "--", "curl", "--silent", "--fail", "--max-time", "5"];
    arguments.extend(["--resolve", &resolve]);
    for header in headers {
        arguments.extend(["--header", header]);
    }
    arguments.extend(more);
    let (answered, output) = try_run("tests/cluster/cluster", &arguments).await?;
    Ok(answered.then(|| output.trim().to_owned()))
}
