//! The one way out. Decides whether a callback may be sent to a URL, or audio fetched from one, and to which of the addresses
//! its host resolves to; and builds the clients that connect to exactly the addresses that were checked. `admission` asks
//! [`admits`] and [`admits_fetch`] before a request is accepted, `callback` sends through [`Egress`], `fetch` reads through
//! [`AudioClient`], `handler::http` asks through [`PartnerClient`].
//!
//! Why so strict: the URL comes from outside and the callback carries the account's credentials. A host outside the list
//! would be given them; a name that resolves to a private address would make us a way into the cluster.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};

mod address;
mod audio;
mod partner;
mod pattern;
mod resolver;
mod speech;
mod store;

pub use address::{AddressClass, classify};
pub use audio::{AudioClient, FetchCredentials, FetchPolicy, GetAudio, admits_fetch};
pub use partner::{CallPartner, PartnerClient, Reach};
pub use pattern::{HostPattern, PatternError};
pub use resolver::{Resolve, SystemResolver};
pub use speech::{AskSpeech, Question, SpeechClient};
pub use store::store_client;

use resolver::CheckedResolver;

/// The time limit for a connection, name resolution included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for one small request and its answer, together with [`CONNECT_TIMEOUT`] well inside a lease.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// A slower way than this is no way for a large result: one of 100 MB has about two minutes.
const SLOWEST_BYTES_PER_SECOND: u64 = 1 << 20;
/// Connections to one host that wait for the next callback.
const IDLE_CONNECTIONS_PER_HOST: usize = 4;
/// How a receiver may know us in its logs.
const USER_AGENT: &str = concat!("marketplace-service/", env!("CARGO_PKG_VERSION"));

/// Who may be given the credentials and the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackPolicy {
    /// The hosts, at least one.
    pub allowed_hosts: Vec<HostPattern>,
    /// For a local try: http and private addresses too. The hosts are bound all the same.
    pub allow_insecure: bool,
    /// Through whom callbacks are sent, if not directly. It resolves the hosts, so that the addresses are its to check.
    pub proxy: Option<Url>,
}

/// Why a URL is not called. None of these passes with time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    /// Plain http would show the credentials or the recording to everyone on the way.
    #[error("failed to admit the URL: its scheme is not https")]
    UseInsecureScheme,
    /// The URL brings a user or password of its own; ours are the only ones that are sent.
    #[error("failed to admit the URL: it carries credentials of its own")]
    CarryCredentials,
    /// The host is not on the list.
    #[error("failed to admit the URL: host {host} is not among the allowed hosts")]
    NameForeignHost {
        /// The host.
        host: String,
    },
    /// The host is, or resolves to, an address that is not public.
    #[error("failed to admit the URL: {host} leads to a {class} address")]
    ReachForbiddenAddress {
        /// The host.
        host: String,
        /// What kind of address it is.
        class: AddressClass,
    },
}

/// Whether a callback to this URL may be accepted. What its host resolves to is checked when it is sent.
pub fn admits(policy: &CallbackPolicy, url: &Url) -> Result<(), UrlRefused> {
    // Through a proxy there is https alone: plain http it could read.
    if policy.proxy.is_some() && url.scheme() != "https" {
        return Err(UrlRefused::UseInsecureScheme);
    }
    admits_url(Some(&policy.allowed_hosts), policy.allow_insecure, url)
}

/// Whether a URL may be called at all; without hosts that are allowed, every one is.
fn admits_url(allowed_hosts: Option<&[HostPattern]>, allow_insecure: bool, url: &Url) -> Result<(), UrlRefused> {
    let insecure_scheme = allow_insecure && url.scheme() == "http";
    if url.scheme() != "https" && !insecure_scheme {
        return Err(UrlRefused::UseInsecureScheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRefused::CarryCredentials);
    }
    let host = url.host_str().unwrap_or_default();
    if allowed_hosts.is_some_and(|allowed| !allowed.iter().any(|pattern| pattern.matches(host))) {
        return Err(UrlRefused::NameForeignHost { host: host.to_owned() });
    }
    match url.host() {
        // A literal address is never resolved, so it must be judged here.
        Some(Host::Ipv4(address)) => admits_address(allow_insecure, host, IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => admits_address(allow_insecure, host, IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => Ok(()),
    }
}

/// Whether a connection to this address of that host may be made.
fn admits_address(allow_insecure: bool, host: &str, address: IpAddr) -> Result<(), UrlRefused> {
    let class = classify(address);
    let admitted = match class {
        AddressClass::Public => true,
        // where a test network lies; link-local stays shut even then, because it is where clouds give out credentials
        AddressClass::Private | AddressClass::Loopback | AddressClass::Documentation => allow_insecure,
        AddressClass::LinkLocal
        | AddressClass::SharedAddressSpace
        | AddressClass::Multicast
        | AddressClass::Unspecified
        | AddressClass::Reserved => false,
    };
    if admitted {
        Ok(())
    } else {
        Err(UrlRefused::ReachForbiddenAddress {
            host: host.to_owned(),
            class,
        })
    }
}

/// Why the client could not be built.
#[derive(Debug, thiserror::Error)]
#[error("failed to build the client for callbacks, for audio or for a partner")]
pub struct BuildClient(#[source] reqwest::Error);

/// What happened to a request, as far as it matters for whether to send it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// An answer with this status.
    Answered(u16),
    /// The time limit passed; the receiver may have it or not.
    TimedOut,
    /// No connection came about, so the receiver cannot have it.
    Unconnected,
    /// The connection broke after sending began; the receiver may have it or not.
    Unanswered,
    /// It was not sent, and must not be.
    Refused(UrlRefused),
}

/// A client that follows no redirect, and connects to checked addresses alone or to the proxy of the resource.
#[derive(Debug, Clone)]
pub struct Egress {
    policy: Arc<CallbackPolicy>,
    client: reqwest::Client,
}

impl Egress {
    /// Builds the client. A TLS provider must have been installed by the process.
    pub fn new(policy: CallbackPolicy, resolver: Arc<dyn Resolve>) -> Result<Self, BuildClient> {
        let builder = if let Some(proxy) = &policy.proxy {
            builder().proxy(reqwest::Proxy::https(proxy.clone()).map_err(BuildClient)?)
        } else {
            let checked = CheckedResolver::new(resolver, policy.allow_insecure);
            builder().no_proxy().dns_resolver(Arc::new(checked))
        };
        let client = builder
            .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
            .build()
            .map_err(BuildClient)?;
        Ok(Self {
            policy: Arc::new(policy),
            client,
        })
    }

    /// Sends what `prepare` makes of an empty POST to the URL, if the URL is admitted. So many bytes may take longer.
    pub async fn post(
        &self,
        url: &Url,
        bytes: u64,
        prepare: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Sent {
        if let Err(refused) = admits(&self.policy, url) {
            return Sent::Refused(refused);
        }
        let timeout = REQUEST_TIMEOUT + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND);
        match prepare(self.client.post(url.clone()).timeout(timeout)).send().await {
            Ok(answer) => Sent::Answered(answer.status().as_u16()),
            Err(error) => explain(&error),
        }
    }
}

/// What all clients have in common.
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .connect_timeout(CONNECT_TIMEOUT)
}

/// Reads an answer, if it has at most so many bytes; none: it has more.
pub(crate) async fn read_body(
    mut response: reqwest::Response,
    limit_bytes: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    if response
        .content_length()
        .is_some_and(|length| length > limit_bytes as u64)
    {
        return Ok(None);
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > limit_bytes {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}

/// What a failed request means. The refusal of an address arrives wrapped in the client's own errors.
fn explain(error: &reqwest::Error) -> Sent {
    if let Some(refused) = refusal_in(error) {
        Sent::Refused(refused)
    } else if error.is_connect() {
        Sent::Unconnected
    } else if error.is_timeout() {
        Sent::TimedOut
    } else {
        Sent::Unanswered
    }
}

fn refusal_in(error: &reqwest::Error) -> Option<UrlRefused> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<UrlRefused>() {
            return Some(refused.clone());
        }
        cause = inner.source();
    }
    None
}

#[cfg(test)]
pub(crate) mod tests;
