//! Reads who may be called, and how. Called by `Config::from_addon`.

use marketplace_crds::audio_fetch::{AudioCredentials, AudioFetch};
use marketplace_crds::credentials::Callbacks;
use url::Url;

use super::ReadConfig;
use crate::egress::{CallbackPolicy, FetchCredentials, FetchPolicy, HostPattern, PatternError};

pub(super) fn callbacks(callbacks: &Callbacks) -> Result<CallbackPolicy, ReadConfig> {
    let Callbacks {
        allowed_hosts,
        allow_insecure,
        proxy_url,
    } = callbacks;
    let proxy = proxy_url.as_deref().map(Url::parse).transpose();
    Ok(CallbackPolicy {
        allowed_hosts: read_hosts(allowed_hosts).map_err(ReadConfig::ReadAllowedHost)?,
        allow_insecure: *allow_insecure,
        proxy: proxy.map_err(|_| ReadConfig::ReadProxyUrl)?,
    })
}

pub(super) fn audio_fetch(fetch: &AudioFetch) -> Result<FetchPolicy, ReadConfig> {
    let AudioFetch {
        allowed_hosts,
        allow_insecure,
        credentials,
        timeout_seconds,
    } = fetch;
    let allowed_hosts = allowed_hosts.as_deref().map(read_hosts).transpose();
    Ok(FetchPolicy {
        allowed_hosts: allowed_hosts.map_err(ReadConfig::ReadAudioHost)?,
        allow_insecure: *allow_insecure,
        credentials: match credentials {
            AudioCredentials::None => FetchCredentials::None,
            AudioCredentials::Account => FetchCredentials::Account,
        },
        timeout_seconds: f64::from(*timeout_seconds),
    })
}

fn read_hosts(hosts: &[String]) -> Result<Vec<HostPattern>, PatternError> {
    hosts.iter().map(|host| host.parse()).collect()
}
