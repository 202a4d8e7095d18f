//! The way to a partner's own code. Its URL stands in the resource, so that no list of hosts is needed; where its host leads
//! is checked as for callbacks, unless the resource allows the private network, or the code runs in a container of the pod.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::resolver::{CheckedResolver, Resolve};
use super::{BuildClient, UrlRefused, admits_url, builder, refusal_in};

/// How long a connection waits for the next call. Servers give up idle ones after two seconds and more (gunicorn 2, Node 5);
/// a call that is sent into a connection that is just being closed fails.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Which addresses are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public ones, over https.
    Public,
    /// Private ones too, and over plain http: the resource says so.
    Private,
    /// A container of the same pod, on the loopback address.
    Beside,
}

/// Why a call came to nothing on its way. The client's own error would name the whole URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallPartner {
    /// The URL, or an address of its host, is not one to be called.
    #[error(transparent)]
    Refuse(UrlRefused),
    /// No connection came about, so that nothing was sent.
    #[error("failed to connect to the partner")]
    Connect,
    /// The connection broke.
    #[error("failed to read the partner's answer: the connection broke")]
    ReadWhole,
}

impl From<reqwest::Error> for CallPartner {
    fn from(error: reqwest::Error) -> Self {
        if let Some(refused) = refusal_in(&error) {
            Self::Refuse(refused)
        } else if error.is_connect() {
            Self::Connect
        } else {
            Self::ReadWhole
        }
    }
}

/// A client that follows no redirect, uses no proxy, and connects to checked addresses alone.
#[derive(Debug, Clone)]
pub struct PartnerClient {
    url: Url,
    client: reqwest::Client,
}

impl PartnerClient {
    /// Builds the client. A TLS provider must have been installed by the process.
    pub fn new(url: Url, reach: Reach, resolver: Arc<dyn Resolve>) -> Result<Self, BuildClient> {
        let checked = CheckedResolver::new(resolver, reach != Reach::Public);
        let client = builder()
            .no_proxy()
            .dns_resolver(Arc::new(checked))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(BuildClient)?;
        Ok(Self { url, client })
    }

    /// Whether the URL may be called at all. What its host resolves to is checked when it is called.
    pub fn admits(url: &Url, reach: Reach) -> Result<(), UrlRefused> {
        admits_url(None, reach != Reach::Public, url)
    }

    /// Begins a POST to the URL.
    pub fn post(&self) -> reqwest::RequestBuilder {
        self.client.post(self.url.clone())
    }
}
