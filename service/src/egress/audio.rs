//! The way to audio that a request names by a URL. The same checks of the address as for callbacks; but any public host may
//! have the audio, because such a URL is signed by who stores it, and leads to whatever storage Twilio rents.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::pattern::HostPattern;
use super::resolver::{CheckedResolver, Resolve};
use super::{BuildClient, UrlRefused, admits_url, builder, refusal_in};

/// How long a host may be silent, before its head or in the middle of the audio.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);

/// From where audio is fetched, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchPolicy {
    /// The hosts; none: any whose addresses are public.
    pub allowed_hosts: Option<Vec<HostPattern>>,
    /// For a local try: http and private addresses too.
    pub allow_insecure: bool,
    /// Who we say we are.
    pub credentials: FetchCredentials,
    /// For how long it is tried, from acceptance on.
    pub timeout_seconds: f64,
}

/// What is sent to prove who fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchCredentials {
    /// Nothing: the URL itself is the proof.
    None,
    /// The account and its token, to the host of the request's own URL and to none that it redirects to.
    Account,
}

/// Whether audio may be fetched from this URL. What its host resolves to is checked when it is fetched.
pub fn admits_fetch(policy: &FetchPolicy, url: &Url) -> Result<(), UrlRefused> {
    admits_url(policy.allowed_hosts.as_deref(), policy.allow_insecure, url)
}

/// Why there is no answer, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GetAudio {
    /// The URL, or an address of its host, is not one to be called.
    #[error(transparent)]
    Refuse(UrlRefused),
    /// The host was silent for too long.
    #[error("failed to read audio: its host was silent for {} s", SILENCE_TIMEOUT.as_secs())]
    AwaitHost,
    /// No connection came about.
    #[error("failed to connect to the host of audio")]
    Connect,
    /// The connection broke.
    #[error("failed to read audio: the connection broke")]
    ReadWhole,
}

impl From<reqwest::Error> for GetAudio {
    /// The client's own error would name the whole URL.
    fn from(error: reqwest::Error) -> Self {
        if let Some(refused) = refusal_in(&error) {
            Self::Refuse(refused)
        } else if error.is_timeout() {
            Self::AwaitHost
        } else if error.is_connect() {
            Self::Connect
        } else {
            Self::ReadWhole
        }
    }
}

/// A client that follows no redirect by itself, uses no proxy, and connects to checked addresses alone.
#[derive(Debug, Clone)]
pub struct AudioClient {
    policy: Arc<FetchPolicy>,
    client: reqwest::Client,
}

impl AudioClient {
    /// Builds the client. A TLS provider must have been installed by the process.
    pub fn new(policy: FetchPolicy, resolver: Arc<dyn Resolve>) -> Result<Self, BuildClient> {
        let checked = CheckedResolver::new(resolver, policy.allow_insecure);
        let client = builder()
            .no_proxy()
            .dns_resolver(Arc::new(checked))
            .read_timeout(SILENCE_TIMEOUT)
            .build()
            .map_err(BuildClient)?;
        Ok(Self {
            policy: Arc::new(policy),
            client,
        })
    }

    /// Who we say we are.
    #[must_use]
    pub fn credentials(&self) -> FetchCredentials {
        self.policy.credentials
    }

    /// Asks for what is at the URL, if it is admitted; says no more than the head.
    pub async fn get(&self, url: &Url, basic: Option<(&str, &SecretString)>) -> Result<reqwest::Response, GetAudio> {
        admits_fetch(&self.policy, url).map_err(GetAudio::Refuse)?;
        let mut request = self.client.get(url.clone());
        // What is compressed has another length than what is announced.
        request = request.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some((account_sid, token)) = basic {
            request = request.basic_auth(account_sid, Some(token.expose_secret()));
        }
        Ok(request.send().await?)
    }
}
