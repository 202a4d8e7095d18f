//! Tells Twilio a result: one POST with the account's credentials, through `egress`. Called by `worker`; what follows from
//! the answer is decided by `retry`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use reqwest::Body;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio_util::io::ReaderStream;
use url::Url;

use crate::domain::{CallbackUrl, Credentials};
use crate::egress::{Egress, Sent};
use crate::fingerprint::{self, Fingerprint};
use crate::spool::Opened;

/// The status with which a receiver says that the credentials are wrong.
const UNAUTHORIZED: u16 = 401;

/// What is read of a file at a time: each reading goes to another thread and back, and each callback holds a few of them.
const READ_BYTES: usize = 64 * 1024;

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempted {
    /// A request went out, or was tried.
    Sent(Sent),
    /// No token is loaded, so there was nothing to prove who calls.
    NoCredentials,
    /// The stored result could not be read, so there was nothing to send.
    Unreadable,
}

/// What is sent. A file is read as it is sent: a hundred megabytes for each callback at one time would be a lot of memory.
#[derive(Debug, Clone)]
pub enum Content {
    /// These bytes.
    Bytes(Bytes),
    /// The bytes of this file.
    File {
        /// Where it lies.
        path: PathBuf,
        /// How many there are.
        bytes: u64,
    },
}

impl Content {
    /// What can be read there, for as long as it is kept open.
    #[must_use]
    pub fn file(opened: &Opened) -> Self {
        Self::File {
            path: opened.path().to_owned(),
            bytes: opened.bytes(),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { bytes, .. } => *bytes,
        }
    }

    /// From the start, each time.
    async fn open(&self) -> std::io::Result<Body> {
        Ok(match self {
            Self::Bytes(bytes) => Body::from(bytes.clone()),
            Self::File { path, .. } => {
                let file = tokio::fs::File::open(path).await?;
                Body::wrap_stream(ReaderStream::with_capacity(file, READ_BYTES))
            }
        })
    }
}

/// The sender of results. Clones share what they remember.
#[derive(Debug, Clone)]
pub struct Callbacks {
    egress: Egress,
    credentials: watch::Receiver<Arc<Credentials>>,
    /// The token with which a callback last succeeded. By fingerprint, not by place: a rotation swaps the places.
    last_good: Arc<Mutex<Option<Fingerprint>>>,
}

impl Callbacks {
    /// Sends through this egress, with the credentials as they are at each attempt.
    #[must_use]
    pub fn new(egress: Egress, credentials: watch::Receiver<Arc<Credentials>>) -> Self {
        Self {
            egress,
            credentials,
            last_good: Arc::default(),
        }
    }

    /// Posts the result with the token that last succeeded. A 401 is answered with the other token, once: during a rotation
    /// Twilio may have promoted it already.
    pub async fn post(&self, callback: &CallbackUrl, content: Content, idempotency_key: &str) -> Attempted {
        let credentials = Arc::clone(&self.credentials.borrow());
        let tokens = in_order(&credentials.tokens, self.last_good());
        let Some((first, others)) = tokens.split_first() else {
            return Attempted::NoCredentials;
        };
        let message = Message {
            url: callback.expose(),
            content,
            idempotency_key,
            account_sid: &credentials.account_sid,
        };
        let answer = self.send(&message, first).await;
        match (&answer, others.first()) {
            (Attempted::Sent(Sent::Answered(UNAUTHORIZED)), Some(other)) => self.send(&message, other).await,
            _ => answer,
        }
    }

    async fn send(&self, message: &Message<'_>, token: &SecretString) -> Attempted {
        let Ok(body) = message.content.open().await else {
            return Attempted::Unreadable;
        };
        let sent = self
            .egress
            .post(message.url, message.content.bytes(), |request| {
                request
                    .basic_auth(message.account_sid, Some(token.expose_secret()))
                    .header(CONTENT_TYPE, "application/json")
                    .header(CONTENT_LENGTH, message.content.bytes())
                    .header("idempotency-key", message.idempotency_key)
                    .body(body)
            })
            .await;
        if matches!(sent, Sent::Answered(200..=299)) {
            *self.last_good.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint::of(token));
        }
        Attempted::Sent(sent)
    }

    fn last_good(&self) -> Option<Fingerprint> {
        *self.last_good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tokens in the order in which they are tried: the one that last succeeded, then the primary. A token that is no
/// longer loaded is not tried, whatever it did before.
fn in_order(tokens: &[SecretString], last_good: Option<Fingerprint>) -> Vec<&SecretString> {
    let mut ordered: Vec<_> = tokens.iter().collect();
    ordered.sort_by_key(|token| Some(fingerprint::of(token)) != last_good);
    ordered
}

struct Message<'a> {
    url: &'a Url,
    content: Content,
    idempotency_key: &'a str,
    account_sid: &'a str,
}

#[cfg(test)]
mod tests;
