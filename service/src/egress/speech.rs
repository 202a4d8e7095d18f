//! The way to a server of speech. The publisher names it in the resource, so that it may be any host; but that it is on a
//! private network, or without TLS, is for the resource to say as well.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use reqwest::multipart::{Form, Part};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::resolver::{CheckedResolver, Resolve};
use super::{BuildClient, UrlRefused, admits_url, builder, read_body, refusal_in};

/// Far more than the words of 30 s take, with every detail that servers add.
const ANSWER_LIMIT_BYTES: usize = 1 << 20;

/// What a server is asked.
pub struct Question<'a> {
    /// The sound.
    pub wav: Bytes,
    /// Which model is to hear it.
    pub model: &'a str,
    /// What is spoken, where that is known.
    pub language: Option<&'a str>,
    /// Who asks.
    pub key: Option<&'a SecretString>,
    /// From the connection to the end of the answer.
    pub timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskSpeech {
    /// The URL, or an address of its host, is not one to be called.
    #[error(transparent)]
    Call(UrlRefused),
    /// The Secret is not there yet.
    #[error("failed to find the key of the server of speech")]
    FindKey,
    /// It took too long.
    #[error("failed to await the server of speech")]
    AwaitAnswer,
    /// No connection came about, or it broke.
    #[error("failed to reach the server of speech")]
    Connect,
    /// The answer is larger than words can be.
    #[error("failed to accept what the server of speech answers: it is too large")]
    AcceptSize,
    /// The server does not want to.
    #[error("failed to ask the server of speech: it answers {status}")]
    Refuse {
        /// The status.
        status: u16,
        /// When it may want to.
        after: Option<Duration>,
    },
}

impl AskSpeech {
    /// The only part of the error that is told.
    #[must_use]
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Call(_) => "url_refused",
            Self::FindKey => "no_key",
            Self::AwaitAnswer => "timed_out",
            Self::Connect => "unreachable",
            Self::AcceptSize => "answer_too_large",
            Self::Refuse { status: 401 | 403, .. } => "unauthorized",
            Self::Refuse {
                status: 408 | 425 | 429,
                ..
            } => "busy",
            Self::Refuse { status: 500..=599, .. } => "server_error",
            Self::Refuse { status: 300..=399, .. } => "redirect",
            Self::Refuse { .. } => "client_error",
        }
    }

    /// When the server may want to, where it says so.
    #[must_use]
    pub const fn after(&self) -> Option<Duration> {
        match self {
            Self::Refuse { after, .. } => *after,
            Self::Call(_) | Self::FindKey | Self::AwaitAnswer | Self::Connect | Self::AcceptSize => None,
        }
    }

    /// Whether another try may do better.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Call(_) | Self::AcceptSize => false,
            Self::FindKey | Self::AwaitAnswer | Self::Connect => true,
            Self::Refuse { status, .. } => matches!(status, 401 | 408 | 425 | 429 | 500..=599),
        }
    }
}

/// A client that follows no redirect, uses no proxy, and connects to checked addresses alone.
#[derive(Debug, Clone)]
pub struct SpeechClient {
    client: reqwest::Client,
    allow_private: bool,
}

impl SpeechClient {
    /// Builds the client. A TLS provider must have been installed by the process.
    pub fn new(allow_private: bool, resolver: Arc<dyn Resolve>) -> Result<Self, BuildClient> {
        let checked = CheckedResolver::new(resolver, allow_private);
        let client = builder().no_proxy().dns_resolver(Arc::new(checked)).build();
        Ok(Self {
            client: client.map_err(BuildClient)?,
            allow_private,
        })
    }

    /// Asks, and reads the whole answer.
    pub async fn ask(&self, url: &Url, question: Question<'_>) -> Result<Vec<u8>, AskSpeech> {
        admits_url(None, self.allow_private, url).map_err(AskSpeech::Call)?;
        let Question {
            wav,
            model,
            language,
            key,
            timeout,
        } = question;
        let mut request = self.client.post(url.clone()).timeout(timeout);
        if let Some(key) = key {
            request = request.bearer_auth(key.expose_secret());
        }
        let answer = request
            .multipart(form(wav, model, language))
            .send()
            .await
            .map_err(|error| explain(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(AskSpeech::Refuse {
                status: answer.status().as_u16(),
                after: wait(&answer),
            });
        }
        let bytes = read_body(answer, ANSWER_LIMIT_BYTES)
            .await
            .map_err(|error| explain(&error))?;
        bytes.ok_or(AskSpeech::AcceptSize)
    }
}

fn form(wav: Bytes, model: &str, language: Option<&str>) -> Form {
    let length = wav.len() as u64;
    let file = Part::stream_with_length(wav, length).file_name("piece.wav");
    let file = file.mime_str("audio/wav").expect("it is a type of media");
    let form = Form::new()
        .part("file", file)
        .text("model", model.to_owned())
        .text("response_format", "verbose_json")
        .text("timestamp_granularities[]", "segment")
        .text("temperature", "0");
    match language {
        Some(language) => form.text("language", language.to_owned()),
        None => form,
    }
}

/// When to ask again, where the server says so in seconds.
fn wait(answer: &reqwest::Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The client's own error would name the whole URL.
fn explain(error: &reqwest::Error) -> AskSpeech {
    if let Some(refused) = refusal_in(error) {
        AskSpeech::Call(refused)
    } else if error.is_timeout() {
        AskSpeech::AwaitAnswer
    } else {
        AskSpeech::Connect
    }
}
