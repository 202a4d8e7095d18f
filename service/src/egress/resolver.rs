//! Resolves a host and keeps only addresses that were checked. The client connects to what this returns and to nothing
//! else, so a name that changes its mind between check and connection gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolving};

use super::{UrlRefused, admits_address};

/// Turns a host name into addresses.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of the host.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0))
            .await?
            .map(|address| address.ip())
            .collect())
    }
}

/// Why a host gave no address to connect to.
#[derive(Debug, thiserror::Error)]
enum ResolveError {
    #[error("failed to resolve a host")]
    AskResolver(#[source] io::Error),
    #[error("failed to resolve a host: it has no address")]
    FindAddress,
}

pub(super) struct CheckedResolver {
    inner: Arc<dyn Resolve>,
    allow_insecure: bool,
}

impl CheckedResolver {
    pub(super) fn new(inner: Arc<dyn Resolve>, allow_insecure: bool) -> Self {
        Self { inner, allow_insecure }
    }
}

impl reqwest::dns::Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (inner, allow_insecure) = (Arc::clone(&self.inner), self.allow_insecure);
        Box::pin(async move {
            let addresses = inner.resolve(name.as_str()).await.map_err(ResolveError::AskResolver)?;
            let checked = check(allow_insecure, name.as_str(), &addresses)?;
            if checked.is_empty() {
                return Err(ResolveError::FindAddress.into());
            }
            // The port is the URL's; the client fills it in for zero.
            Ok(Box::new(checked.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// All or nothing: a host with one forbidden address among its addresses is not one that Twilio runs.
fn check(allow_insecure: bool, host: &str, addresses: &[IpAddr]) -> Result<Vec<IpAddr>, UrlRefused> {
    addresses
        .iter()
        .map(|address| admits_address(allow_insecure, host, *address).map(|()| *address))
        .collect()
}
