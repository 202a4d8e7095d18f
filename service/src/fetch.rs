//! Brings audio that a request names by a URL: asked for, followed through redirects, streamed into quarantine. Called by
//! `worker`; whether to try again is decided here, by [`FetchAudio::meaning`], and when, by `retry`.

use std::sync::Arc;

use reqwest::header::LOCATION;
use secrecy::SecretString;
use tokio::sync::watch;
use url::Url;

use crate::analysis::JobErrorCode;
use crate::domain::{AudioFormat, Credentials, RemoteAudio};
use crate::egress::{AudioClient, FetchCredentials, GetAudio};
use crate::intake::{self, Claims, TakeIn};
use crate::spool::{Quarantined, Spool};

/// As many as Twilio itself follows.
const MAX_REDIRECTS: usize = 5;

/// Why there is no audio.
#[derive(Debug, thiserror::Error)]
pub enum FetchAudio {
    /// No answer, or not all of it.
    #[error(transparent)]
    Get(#[from] GetAudio),
    /// An answer that is not the audio.
    #[error("failed to fetch audio: its host answered {status}")]
    ReadAnswer {
        /// Its status.
        status: u16,
    },
    /// A redirect to nowhere, or one too many.
    #[error("failed to fetch audio: its host redirects to nowhere, or more than {MAX_REDIRECTS} times")]
    FollowRedirect,
    /// What came is not taken, or not yet.
    #[error(transparent)]
    TakeIn(#[from] TakeIn),
}

/// What follows from a fetch that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// May pass with time.
    Passing(&'static str),
    /// May pass, but not often: what is announced may simply be wrong.
    Doubtful(&'static str, JobErrorCode),
    /// Will not pass.
    Final(&'static str, JobErrorCode),
}

impl FetchAudio {
    /// What follows from it.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        use JobErrorCode::{AudioIncomplete, AudioTooLarge, AudioUnreachable, UnreadableAudio};
        match self {
            Self::Get(GetAudio::Refuse(_)) => Meaning::Final("refused", AudioUnreachable),
            Self::Get(GetAudio::AwaitHost) => Meaning::Passing("timed_out"),
            Self::Get(GetAudio::Connect) => Meaning::Passing("unconnected"),
            Self::Get(GetAudio::ReadWhole) => Meaning::Passing("broken_off"),
            Self::ReadAnswer { status } => match status {
                408 | 425 | 429 => Meaning::Passing("busy"),
                500..=599 => Meaning::Passing("server_error"),
                300..=399 => Meaning::Final("redirect", AudioUnreachable),
                _ => Meaning::Final("client_error", AudioUnreachable),
            },
            Self::FollowRedirect => Meaning::Final("redirect", AudioUnreachable),
            Self::TakeIn(TakeIn::ReceiveWhole { .. }) => Meaning::Doubtful("size_mismatch", AudioIncomplete),
            Self::TakeIn(TakeIn::ReadAudio) => Meaning::Final("unreadable", UnreadableAudio),
            Self::TakeIn(TakeIn::KeepTooLarge) => Meaning::Final("too_large", AudioTooLarge),
            Self::TakeIn(TakeIn::MeasureAudio(_) | TakeIn::StoreAudio(_)) => Meaning::Passing("spool"),
        }
    }
}

/// Who fetches.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: AudioClient,
    credentials: watch::Receiver<Arc<Credentials>>,
    max_bytes: u64,
}

impl Fetcher {
    /// Fetches through this client, with the credentials as they are at each attempt, files of at most so many bytes.
    #[must_use]
    pub fn new(client: AudioClient, credentials: watch::Receiver<Arc<Credentials>>, max_bytes: u64) -> Self {
        Self {
            client,
            credentials,
            max_bytes,
        }
    }

    /// Brings the audio into quarantine, and says what it is. During a rotation attempts take the tokens in turn.
    pub async fn fetch(
        &self,
        spool: &Spool,
        remote: &RemoteAudio,
        attempt: u32,
    ) -> Result<(Quarantined, AudioFormat), FetchAudio> {
        let RemoteAudio { url, bytes, raw } = remote;
        let claims = Claims {
            bytes: *bytes,
            raw: *raw,
        };
        let mut answer = self.follow(url.expose(), attempt).await?;
        self.judge_length(answer.content_length(), claims.bytes)?;
        let mut audio = spool.quarantine().await.map_err(TakeIn::StoreAudio)?;
        while let Some(piece) = answer.chunk().await.map_err(GetAudio::from)? {
            intake::write(&mut audio, &piece).await?;
        }
        Ok(intake::take_in(spool, audio, claims).await?)
    }

    /// The first answer that is no redirect. Each URL on the way is checked as the first one was.
    async fn follow(&self, first: &Url, attempt: u32) -> Result<reqwest::Response, FetchAudio> {
        let credentials = Arc::clone(&self.credentials.borrow());
        let token = self.token(&credentials, attempt);
        let mut url = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            // Whoever is redirected to brings a proof of its own in its URL, and is not to have ours.
            let basic = token.filter(|_| url.origin() == first.origin());
            let answer = self
                .client
                .get(&url, basic.map(|token| (credentials.account_sid.as_str(), token)))
                .await?;
            let status = answer.status().as_u16();
            match status {
                200 => return Ok(answer),
                301 | 302 | 303 | 307 | 308 => url = target(&url, &answer).ok_or(FetchAudio::FollowRedirect)?,
                _ => return Err(FetchAudio::ReadAnswer { status }),
            }
        }
        Err(FetchAudio::FollowRedirect)
    }

    fn token<'a>(&self, credentials: &'a Credentials, attempt: u32) -> Option<&'a SecretString> {
        match self.client.credentials() {
            FetchCredentials::None => None,
            FetchCredentials::Account => {
                let turn = usize::try_from(attempt.saturating_sub(1)).unwrap_or_default();
                credentials.tokens.iter().cycle().nth(turn)
            }
        }
    }

    /// What is announced is believed where it says that reading on is in vain.
    fn judge_length(&self, length: Option<u64>, announced: Option<u64>) -> Result<(), TakeIn> {
        match (length, announced) {
            (Some(length), _) if length > self.max_bytes => Err(TakeIn::KeepTooLarge),
            (Some(received), Some(announced)) if received != announced => {
                Err(TakeIn::ReceiveWhole { received, announced })
            }
            _ => Ok(()),
        }
    }
}

/// Where a redirect leads.
fn target(url: &Url, answer: &reqwest::Response) -> Option<Url> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    url.join(location).ok()
}

#[cfg(test)]
mod tests;
