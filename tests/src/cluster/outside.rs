//! Twilio's requests, sent from machines outside the node that have addresses of their own. Every request is a new
//! connection: an established one outlives a policy.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use tempfile::NamedTempFile;

use super::try_run;
use crate::patience::until;
use crate::tls::Certificate;
use crate::twilio::SignedRequest;

/// How the machines get to the add-on.
pub struct Way<'a> {
    /// Where they connect to, whatever the URL says.
    pub address: SocketAddr,
    /// The only certificate that they trust; none: they speak plain HTTP.
    pub trusted: Option<&'a Certificate>,
    /// More arguments of curl, such as `--tlsv1.3`.
    pub options: &'a [&'a str],
}

impl Way<'_> {
    /// What a machine of this address is answered; none when it gets no connection or no answer.
    pub async fn status(&self, client: &str, request: &SignedRequest) -> Result<Option<u16>> {
        let (body, trusted) = (NamedTempFile::new()?, NamedTempFile::new()?);
        for piece in &request.body {
            body.as_file().write_all(piece)?;
        }
        let mut arguments = ["client", client, "--", "curl", "--silent", "--max-time", "60"]
            .map(str::to_owned)
            .to_vec();
        arguments.extend(["--output", "/dev/null", "--write-out", "%{http_code}"].map(str::to_owned));
        let (scheme, port) = match self.trusted {
            Some(certificate) => {
                trusted.as_file().write_all(certificate.pem().as_bytes())?;
                arguments.extend(["--cacert".to_owned(), shown(&trusted)?]);
                ("https", 443)
            }
            None => ("http", 80),
        };
        let host = request.header("Host").context("every request names its host")?;
        arguments.extend(["--connect-to".to_owned(), format!("{host}:{port}:{}", self.address)]);
        for (name, value) in &request.headers {
            arguments.extend(["--header".to_owned(), format!("{name}: {value}")]);
        }
        if request.method == "POST" {
            arguments.extend(["--data-binary".to_owned(), format!("@{}", shown(&body)?)]);
        }
        arguments.extend(self.options.iter().map(|option| (*option).to_owned()));
        arguments.push(format!("{scheme}://{host}{}", request.target));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (answered, output) = try_run("tests/cluster/cluster", &arguments).await?;
        Ok(answered.then(|| output.trim().parse()).transpose()?)
    }

    /// Waits until a machine is answered so: what carries requests learns of an object a moment after the operator made it.
    pub async fn answers(&self, client: &str, request: &SignedRequest, status: u16) -> Result<()> {
        let mut last = None;
        let what = format!("{client} is answered {status}");
        let found = until(&what, async || {
            last = self.status(client, request).await?;
            Ok((last == Some(status)).then_some(()))
        });
        found.await.with_context(|| format!("it was answered {last:?}"))
    }
}

fn shown(file: &NamedTempFile) -> Result<String> {
    Ok(file.path().to_str().context("a path in UTF-8")?.to_owned())
}
