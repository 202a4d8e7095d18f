//! Reads the secrets' files, again and again, and publishes what it finds; called by `cli`, read by `server` and
//! `callback` through `tokio::sync::watch`.
//!
//! A Secret is a folder with a file per key, as Kubernetes mounts it. Kubernetes replaces such a folder through the link
//! `..data`, so all keys of one reading come through one resolved link. What cannot be read whole never replaces what
//! was read before: a rotation that is half written keeps the last good tokens. Before the first good reading there is
//! no token, and without a token nothing is verified. On a laptop a file of variables may stand in for the Secret with the
//! account and its tokens.

mod basic;
mod constants;
mod env_file;
mod key_pair;
mod secret;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use marketplace_crds::credentials::{
    ACCOUNT_SID, AUTH_TOKEN, AUTH_TOKEN_PREVIOUS, AUTH_TOKEN_PREVIOUS_UNTIL, AUTH_TOKEN_SECONDARY,
};
use marketplace_crds::handler::http::AUTHORIZATION;
use marketplace_crds::handler::transcription::API_KEY;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::basic::{BasicCredentials, Carried};
pub use self::env_file::ReadEnvFile;
pub use self::key_pair::KeyPair;
pub use self::secret::{ReadSecret, SecretFolder};

use crate::clock;
use crate::config::TableEntries;
use crate::domain::Credentials;
use crate::request::{ConstantSecrets, NamedKeys};

const DATABASE_URL: &str = "DATABASE_URL";

/// Before the first good reading.
const NOT_LOADED: Credentials = Credentials {
    account_sid: String::new(),
    tokens: Vec::new(),
    has_previous: false,
};

/// How often the files are read when nothing else is asked for.
pub const REREAD_INTERVAL: Duration = Duration::from_secs(10);

/// Which Secrets an add-on names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretNames {
    /// The Secret with the account and its tokens.
    pub credentials: String,
    /// Every Secret with a `DATABASE_URL`.
    pub databases: BTreeSet<String>,
    /// Every Secret with the key pair of an S3 store.
    pub object_stores: BTreeSet<String>,
    /// Every Secret with the password of an endpoint.
    pub basic_auth: BTreeSet<String>,
    /// Every Secret with the key of a server of speech.
    pub api_keys: BTreeSet<String>,
    /// Every Secret with constants, and the keys that hold them.
    pub constants: NamedKeys,
    /// Every Secret with what a partner is sent as its `Authorization`.
    pub authorizations: BTreeSet<String>,
    /// Every Secret with a table.
    pub tables: BTreeSet<String>,
}

/// Where the Secrets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPlaces {
    /// A folder with a folder for each Secret.
    pub folder: PathBuf,
    /// A file of variables in the place of the Secret with the account and its tokens.
    pub env_file: Option<PathBuf>,
}

/// Why there are no credentials, or no new ones.
#[derive(Debug, thiserror::Error)]
pub enum ReadCredentials {
    /// In the Secret.
    #[error(transparent)]
    ReadSecret(ReadSecret),
    /// In the file of variables.
    #[error(transparent)]
    ReadEnvFile(ReadEnvFile),
}

/// What the rest of the program sees of the files: always the last good reading.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The account and its tokens.
    pub credentials: watch::Receiver<Arc<Credentials>>,
    /// The database URL of each Secret that `SecretNames::databases` names; none before the first good reading.
    pub database_urls: BTreeMap<String, watch::Receiver<Option<SecretString>>>,
    /// The key pair of each Secret of `SecretNames::object_stores`; none before the first good reading.
    pub key_pairs: BTreeMap<String, watch::Receiver<Option<KeyPair>>>,
    /// What each Secret of `SecretNames::basic_auth` has; none before the first good reading.
    pub basic_credentials: BTreeMap<String, watch::Receiver<Option<BasicCredentials>>>,
    /// The key that each Secret of `SecretNames::api_keys` has; none before the first good reading.
    pub api_keys: BTreeMap<String, watch::Receiver<Option<SecretString>>>,
    /// What the Secrets of `SecretNames::constants` hold of them; of each nothing before its first good reading.
    pub constants: watch::Receiver<Arc<ConstantSecrets>>,
    /// What each Secret of `SecretNames::authorizations` has; none before the first good reading.
    pub authorizations: BTreeMap<String, watch::Receiver<Option<SecretString>>>,
    /// The table of each Secret of `SecretNames::tables`; none before the first good reading.
    pub tables: BTreeMap<String, watch::Receiver<Option<Arc<TableEntries>>>>,
    /// How many complaints the last reading had.
    pub unreadable: watch::Receiver<usize>,
}

/// Reads the files on a timer and publishes what changed.
pub struct SecretFiles {
    places: SecretPlaces,
    names: SecretNames,
    credentials: watch::Sender<Arc<Credentials>>,
    database_urls: BTreeMap<String, watch::Sender<Option<SecretString>>>,
    key_pairs: BTreeMap<String, watch::Sender<Option<KeyPair>>>,
    basic_credentials: BTreeMap<String, watch::Sender<Option<BasicCredentials>>>,
    api_keys: BTreeMap<String, watch::Sender<Option<SecretString>>>,
    constants: watch::Sender<Arc<ConstantSecrets>>,
    authorizations: BTreeMap<String, watch::Sender<Option<SecretString>>>,
    tables: BTreeMap<String, watch::Sender<Option<Arc<TableEntries>>>>,
    unreadable: watch::Sender<usize>,
    /// What failed at the last reading, so that it is told once and not at every reading.
    complaints: BTreeSet<String>,
}

impl SecretFiles {
    /// Reads once. That something is missing is no error here: it may be mounted later, until then requests get 503.
    #[must_use]
    pub fn open(places: SecretPlaces, names: SecretNames) -> (Self, Secrets) {
        let (credentials, credentials_seen) = watch::channel(Arc::new(NOT_LOADED));
        let (database_urls, database_urls_seen) = channels(&names.databases);
        let (key_pairs, key_pairs_seen) = channels(&names.object_stores);
        let (basic_credentials, basic_credentials_seen) = channels(&names.basic_auth);
        let (api_keys, api_keys_seen) = channels(&names.api_keys);
        let (constants, constants_seen) = watch::channel(Arc::default());
        let (authorizations, authorizations_seen) = channels(&names.authorizations);
        let (tables, tables_seen) = channels(&names.tables);
        let (unreadable, unreadable_seen) = watch::channel(0);
        let mut files = Self {
            places,
            names,
            credentials,
            database_urls,
            key_pairs,
            basic_credentials,
            api_keys,
            constants,
            authorizations,
            tables,
            unreadable,
            complaints: BTreeSet::new(),
        };
        files.reread();
        (
            files,
            Secrets {
                credentials: credentials_seen,
                database_urls: database_urls_seen,
                key_pairs: key_pairs_seen,
                basic_credentials: basic_credentials_seen,
                api_keys: api_keys_seen,
                constants: constants_seen,
                authorizations: authorizations_seen,
                tables: tables_seen,
                unreadable: unreadable_seen,
            },
        )
    }

    /// Reads again at every interval until it is told to stop.
    pub async fn run(mut self, interval: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.reread();
        }
    }

    /// Reads everything once and publishes what is good and differs.
    pub fn reread(&mut self) {
        let folder = &self.places.folder;
        let mut complaints = BTreeSet::new();
        match read_once(&self.places, &self.names.credentials) {
            Ok(read) => {
                let changed = self.credentials.send_if_modified(|last| replace_if_changed(last, read));
                if changed {
                    tracing::info!(tokens = self.credentials.borrow().tokens.len(), "credentials loaded");
                }
            }
            Err(error) => {
                complaints.insert(error.to_string());
            }
        }
        let is_same = |last: &SecretString, read: &SecretString| last.expose_secret() == read.expose_secret();
        let urls = self.database_urls.iter().map(|url| (DATABASE_URL, url));
        let authorizations = self.authorizations.iter().map(|value| (AUTHORIZATION, value));
        let api_keys = self.api_keys.iter().map(|key| (API_KEY, key));
        for (key, (name, sender)) in urls.chain(authorizations).chain(api_keys) {
            let read = SecretFolder::open(folder, name).and_then(|secret| secret.required(key));
            complaints.extend(publish(sender, read, is_same));
        }
        for (name, sender) in &self.tables {
            complaints.extend(publish(sender, table::read(folder, name), PartialEq::eq));
        }
        for (name, sender) in &self.key_pairs {
            let read = SecretFolder::open(folder, name).and_then(|secret| KeyPair::read(&secret));
            complaints.extend(publish(sender, read, KeyPair::is_same));
        }
        for (name, sender) in &self.basic_credentials {
            let read = read_password_once(&self.places, name);
            complaints.extend(publish(sender, read, BasicCredentials::is_same));
        }
        complaints.extend(constants::reread(folder, &self.names.constants, &self.constants));
        for complaint in complaints.difference(&self.complaints) {
            tracing::warn!(
                reason = complaint,
                "a secret cannot be read; what was read before stays in use"
            );
        }
        self.unreadable
            .send_if_modified(|last| std::mem::replace(last, complaints.len()) != complaints.len());
        self.complaints = complaints;
    }
}

/// Publishes what is good and differs; else says what is wrong with it.
fn publish<T>(
    sender: &watch::Sender<Option<T>>,
    read: Result<T, ReadSecret>,
    is_same: impl Fn(&T, &T) -> bool,
) -> Option<String> {
    let read = match read {
        Ok(read) => read,
        Err(error) => return Some(error.to_string()),
    };
    sender.send_if_modified(|last| {
        let changed = last.as_ref().is_none_or(|last| !is_same(last, &read));
        *last = Some(read);
        changed
    });
    None
}

type Channels<T> = (
    BTreeMap<String, watch::Sender<Option<T>>>,
    BTreeMap<String, watch::Receiver<Option<T>>>,
);

/// A channel for each Secret.
fn channels<T>(names: &BTreeSet<String>) -> Channels<T> {
    let channels = names.iter().map(|name| {
        let (sender, receiver) = watch::channel(None);
        ((name.clone(), sender), (name.clone(), receiver))
    });
    channels.unzip()
}

/// Reads the credentials once.
pub fn read_once(places: &SecretPlaces, secret: &str) -> Result<Credentials, ReadCredentials> {
    match &places.env_file {
        Some(file) => env_file::read(file).map_err(ReadCredentials::ReadEnvFile),
        None => SecretFolder::open(&places.folder, secret)
            .and_then(|folder| read_credentials(&folder))
            .map_err(ReadCredentials::ReadSecret),
    }
}

/// Reads the password of an endpoint once, for a program that ends soon.
pub fn read_password_once(places: &SecretPlaces, secret: &str) -> Result<BasicCredentials, ReadSecret> {
    SecretFolder::open(&places.folder, secret).and_then(|folder| BasicCredentials::read(&folder))
}

/// Reads what the Secrets hold of the constants once, for a start and for a program that ends soon.
pub fn read_constants_once(places: &SecretPlaces, named: &NamedKeys) -> Result<ConstantSecrets, ReadSecret> {
    constants::read_all(&places.folder, named)
}

/// The tokens are good together with an account only: the callback needs both.
fn read_credentials(folder: &SecretFolder) -> Result<Credentials, ReadSecret> {
    let account_sid = folder.required(ACCOUNT_SID)?.expose_secret().to_owned();
    let primary = folder.required(AUTH_TOKEN)?;
    let secondary = folder.optional(AUTH_TOKEN_SECONDARY)?;
    let credentials = Credentials::new(account_sid, primary, secondary);
    Ok(match previous(folder, clock::now()) {
        Some(previous) => credentials.with_previous(previous),
        None => credentials,
    })
}

/// The token that the operator took out of the Secret, for as long as it says so: it ends here by itself, whether or not
/// the operator is there to remove it. What cannot be read whole is no token, and keeps nothing else from being read.
fn previous(folder: &SecretFolder, now: Timestamp) -> Option<SecretString> {
    let key = |key| folder.optional(key).ok().flatten();
    let until: Timestamp = key(AUTH_TOKEN_PREVIOUS_UNTIL)?.expose_secret().parse().ok()?;
    key(AUTH_TOKEN_PREVIOUS).filter(|_| now < until)
}

fn replace_if_changed(last: &mut Arc<Credentials>, read: Credentials) -> bool {
    let changed = !same(last, &read);
    if changed {
        *last = Arc::new(read);
    }
    changed
}

fn same(one: &Credentials, other: &Credentials) -> bool {
    let exposed = |credentials: &Credentials| -> Vec<String> {
        credentials
            .tokens
            .iter()
            .map(|token| token.expose_secret().to_owned())
            .collect()
    };
    one.account_sid == other.account_sid && one.has_previous == other.has_previous && exposed(one) == exposed(other)
}

#[cfg(test)]
mod tests;
