//! An accepted request for later: what is worked on, with which audio, and by when. Made by `admission`, kept by `queue`,
//! worked on by `worker`.

use std::collections::BTreeMap;
use std::fmt;

use marketplace_crds::endpoint::IntegrationKey;
use marketplace_crds::fingerprint::TokenRole;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CallbackUrl, DomainError, EndpointName, RemoteAudio, RequestKey};

/// The name of a job in the database, and the token by which a receiver may recognise a repeated callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// A new name that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Reads a stored name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.as_simple())
    }
}

/// The name of a file in the spool. Random, so that no two uploads meet; checked, so that no row can name another path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpoolKey(String);

impl SpoolKey {
    /// A new name that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().as_simple().to_string())
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let fits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned())).ok_or(DomainError::ReadSpoolKey)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SIDs that come with a request. All optional: which of them Twilio sends differs between captured requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwilioSids {
    /// The request, as Twilio bills and debugs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addon: Option<String>,
    /// The version of the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addon_version: Option<String>,
    /// The customer's installation of the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addon_install: Option<String>,
    /// The account, by the documented header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The account, by the header that captured requests carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_account: Option<String>,
    /// The customer's configuration of the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
}

/// What else a request says that its result repeats. Stored as JSON: a row of an earlier version has none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDetails {
    /// The kind of recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration_key: Option<IntegrationKey>,
    /// The customer's choices, by our names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configuration: BTreeMap<String, String>,
}

/// What the audio is, measured and never believed: the unit of the duration field is disputed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AudioFormat {
    /// How many channels.
    pub channels: u16,
    /// Samples per second of each channel.
    pub sample_rate_hertz: u32,
    /// Bits of one sample.
    pub bits_per_sample: u16,
    /// How long it plays.
    pub seconds: f64,
}

/// Audio that survives a crash: it lies synced in the spool under this key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAudio {
    /// Its name in the spool.
    pub key: SpoolKey,
    /// Its size.
    pub bytes: u64,
    /// Its hash, to tell a repeated upload from a changed one.
    pub sha256_hex: String,
}

/// Seconds from acceptance until the result is due; computed once by `deadline` and stored, so that ordering, cut-off and
/// metrics can never disagree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deadlines {
    /// Half of all results must be there by now. Work is ordered by it.
    pub median_seconds: f64,
    /// Nearly all results must be there by now.
    pub p99_seconds: f64,
    /// Twilio gives up.
    pub cutoff_seconds: f64,
}

/// A verified and admitted request for later, ready to be stored. The queue knows the add-on: it is opened for one.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Which endpoint was called.
    pub endpoint: EndpointName,
    /// What makes a repetition of this request the same request.
    pub request: RequestKey,
    /// What Twilio calls the parties.
    pub sids: TwilioSids,
    /// What else the result repeats.
    pub details: RequestDetails,
    /// Where the result goes.
    pub callback: CallbackUrl,
    /// The audio, already safe; or, while there is a `remote`, only the place that is kept for it.
    pub audio: StoredAudio,
    /// What the audio was measured to be; nothing is known of it while there is a `remote`.
    pub format: AudioFormat,
    /// Where the audio is still to be fetched from.
    pub remote: Option<RemoteAudio>,
    /// Hash over the signed fields except the callback and the URL of the audio: another one under the same request key is
    /// another request.
    pub fields_digest: String,
    /// When the result is due.
    pub deadlines: Deadlines,
}

/// A stored job as the one who works on it sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// The how-manieth try this is, from 1.
    pub attempt: u32,
    /// What was accepted.
    pub work: NewJob,
}

/// What proves to Twilio who calls back, as the mounted secret has it now.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The account.
    pub account_sid: String,
    /// Its tokens, the one to try first in front. Empty: none is loaded.
    pub tokens: Vec<SecretString>,
    /// Whether the last of them was taken out of the Secret, and is good for a while yet.
    pub has_previous: bool,
}

impl Credentials {
    /// An account with one token or two. A secondary token that repeats the primary is none.
    #[must_use]
    pub fn new(account_sid: String, primary: SecretString, secondary: Option<SecretString>) -> Self {
        let secondary = secondary.filter(|token| token.expose_secret() != primary.expose_secret());
        Self {
            account_sid,
            tokens: std::iter::once(primary).chain(secondary).collect(),
            has_previous: false,
        }
    }

    /// With a token that was taken out of the Secret. One that is in it still is none.
    #[must_use]
    pub fn with_previous(mut self, previous: SecretString) -> Self {
        let mut present = self.tokens.iter();
        if !self.has_previous && present.all(|token| token.expose_secret() != previous.expose_secret()) {
            self.tokens.push(previous);
            self.has_previous = true;
        }
        self
    }

    /// The tokens with what each is to Twilio.
    pub fn by_role(&self) -> impl Iterator<Item = (TokenRole, &SecretString)> {
        let last = self.tokens.len().saturating_sub(1);
        let role = move |place| match place {
            place if self.has_previous && place == last => TokenRole::Previous,
            0 => TokenRole::Primary,
            _ => TokenRole::Secondary,
        };
        let tokens = self.tokens.iter().enumerate();
        tokens.map(move |(place, token)| (role(place), token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_key_can_never_leave_its_folder() {
        for (text, taken) in [
            ("0123456789abcdef0123456789abcdef", true),
            (SpoolKey::random().as_str(), true),
            ("0123456789ABCDEF0123456789ABCDEF", false),
            ("../../../../../../../etc/passwd0", false),
            ("", false),
            ("0123", false),
        ] {
            assert_eq!(SpoolKey::parse(text).is_ok(), taken, "{text:?}");
        }
    }

    #[test]
    fn a_job_id_reads_back_as_it_was_written() {
        let id = JobId::random();
        assert_eq!(JobId::parse(&id.to_string()), Some(id));
        assert_eq!(JobId::parse("no id"), None);
    }

    #[test]
    fn sids_that_did_not_come_are_not_written() -> Result<(), serde_json::Error> {
        let sids = TwilioSids {
            request: Some("MR1".into()),
            ..TwilioSids::default()
        };
        assert_eq!(serde_json::to_string(&sids)?, r#"{"request":"MR1"}"#);
        Ok(())
    }
}
