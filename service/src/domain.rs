//! The words of the service as types: who is asked (add-on, endpoint), by what request, about which audio, and by when.
//! No HTTP and no I/O. Everything between `server` and `egress` speaks in these.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

mod job;
mod raw;
mod remote;

pub use job::{
    AudioFormat, Credentials, Deadlines, Job, JobId, NewJob, RequestDetails, SpoolKey, StoredAudio, TwilioSids,
};
pub use raw::{RawFormat, RawSamples};
pub use remote::RemoteAudio;

/// The longest request SID that is taken. Twilio's own have 34 characters; the rest is room for what is not published.
pub const REQUEST_SID_MAX_BYTES: usize = 64;

/// Why a word from outside is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// The SID is empty, too long or holds something that is not printable ASCII.
    #[error("failed to read the request SID: want 1 to {REQUEST_SID_MAX_BYTES} printable ASCII characters")]
    ReadRequestSid,
    /// The callback is not an absolute URL with a host.
    #[error("failed to read the callback URL: want an absolute URL with a host")]
    ReadCallbackUrl,
    /// The URL of a recording is not an absolute URL with a host.
    #[error("failed to read the URL of the recording: want an absolute URL with a host")]
    ReadAudioUrl,
    /// The text is not a key that this service has made.
    #[error("failed to read the spool key: want 32 lower case hexadecimal digits")]
    ReadSpoolKey,
}

/// The add-on, by the namespace and name of its resource: every row, series and object is scoped by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddonKey(String);

impl AddonKey {
    /// The key of the resource `namespace/name`.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self(format!("{namespace}/{name}"))
    }

    /// `namespace/name`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AddonKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One URL of the add-on, by the name its resource gives it. Safe as a metric label: only the resource makes new ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointName(String);

impl EndpointName {
    /// Takes the name as the resource has it; the resource's own rules bound it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Twilio's name for one request. Opaque: both `MR...` and `XR...` have been seen, and nothing promises either.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RequestSid(String);

impl RequestSid {
    /// Takes what the header or field says, if it is short and printable.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let fits =
            (1..=REQUEST_SID_MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned())).ok_or(DomainError::ReadRequestSid)
    }

    /// The SID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestSid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What makes two requests the same one: the SID, or without one the hash of what was signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestKey(String);

impl RequestKey {
    /// The key of a request that carries a SID.
    #[must_use]
    pub fn from_sid(sid: &RequestSid) -> Self {
        Self(format!("sid:{}", sid.as_str()))
    }

    /// The key of a request without a SID. Two different keys can never be equal: each form has its own prefix.
    #[must_use]
    pub fn from_signed(signed: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(Sha256::digest(signed))))
    }

    /// The key as others are told it: the SID itself where there is one.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        self.0.strip_prefix("sid:").unwrap_or(&self.0)
    }

    /// Takes back what was stored.
    #[must_use]
    pub(crate) fn stored(key: String) -> Self {
        Self(key)
    }

    /// The key as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A URL that is a capability: whoever knows it may use it, so that only its host is ever shown.
macro_rules! capability_url {
    ($(#[$document:meta])* $name:ident, $unread:ident) => {
        $(#[$document])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Url);

        impl $name {
            /// Takes an absolute URL with a host; whether we may call it is `egress`'s to say.
            pub fn parse(text: &str) -> Result<Self, DomainError> {
                let url = Url::parse(text.trim()).map_err(|_| DomainError::$unread)?;
                url.host_str()
                    .is_some_and(|host| !host.is_empty())
                    .then_some(Self(url))
                    .ok_or(DomainError::$unread)
            }

            /// The whole URL, for the one who calls it or stores it.
            #[must_use]
            pub fn expose(&self) -> &Url {
                &self.0
            }

            /// The part that may be shown.
            #[must_use]
            pub fn host(&self) -> &str {
                self.0.host_str().unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.host())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.host())
            }
        }
    };
}

capability_url! {
    /// Where the result goes. Whoever knows the URL may post a result.
    CallbackUrl, ReadCallbackUrl
}

capability_url! {
    /// Where audio lies. Whoever knows the URL may hear the recording.
    AudioUrl, ReadAudioUrl
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_request_sid_that_is_short_and_printable() {
        let longest = "x".repeat(REQUEST_SID_MAX_BYTES);
        let too_long = "x".repeat(REQUEST_SID_MAX_BYTES + 1);
        for (text, taken) in [
            ("MR0123456789abcdef0123456789abcdef", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("MR 1", false),
            ("MR\n1", false),
            ("MRé", false),
        ] {
            assert_eq!(RequestSid::parse(text).is_ok(), taken, "{text:?}");
        }
    }

    #[test]
    fn a_sid_that_looks_like_a_hash_is_not_the_key_of_a_request_without_a_sid() -> Result<(), DomainError> {
        let by_hash = RequestKey::from_signed(b"signed");
        let by_sid = RequestKey::from_sid(&RequestSid::parse("sha256:0123")?);
        assert_eq!(by_hash.as_str().len(), "sha256:".len() + 64);
        assert!(by_hash.as_str().starts_with("sha256:"));
        assert!(by_sid.as_str().starts_with("sid:"));
        Ok(())
    }

    #[test]
    fn shows_only_the_host_of_a_callback() -> Result<(), DomainError> {
        let callback = CallbackUrl::parse("https://user:word@api.twilio.com:8443/secret/path?token=1")?;
        assert_eq!(callback.to_string(), "api.twilio.com");
        assert_eq!(format!("{callback:?}"), "CallbackUrl(api.twilio.com)");
        assert_eq!(callback.expose().path(), "/secret/path");
        Ok(())
    }

    #[test]
    fn refuses_a_callback_that_names_no_host() {
        for text in ["", "callback", "/path", "mailto:a@b", "file:///etc/passwd", "https://"] {
            assert!(CallbackUrl::parse(text).is_err(), "{text:?}");
        }
    }
}
