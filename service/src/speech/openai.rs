//! The engine that is a server: each piece is sent as a WAV file, and what may pass is tried again for as long as the job
//! has time. Of an error a category is told and nothing else: neither words, nor keys, nor what the server wrote.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::watch;
use url::Url;

use super::pieces::Piece;
use super::{SPEECH_RATE, failed};
use crate::analysis::transcript::Segment;
use crate::analysis::{AnalysisError, Halt};
use crate::egress::{AskSpeech, Question, Resolve, SpeechClient};
use crate::retry::{self, Jitter};

mod answer;

/// Tries for one piece within one attempt at the job.
const TRIES: u32 = 6;
/// A server that asks for a longer wait is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A server, and what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenAiPlan {
    /// Where pieces are sent.
    pub url: Url,
    /// By the server's name for it.
    pub model: String,
    /// The Secret with its key.
    pub secret_name: Option<String>,
    /// What is spoken, where that is known.
    pub language: Option<String>,
    /// For one piece.
    pub timeout: Duration,
    /// Whether it may be on a private network, and without TLS.
    pub allow_private: bool,
}

impl OpenAiPlan {
    /// Changes when the same audio may give other words.
    pub(super) fn version(&self) -> String {
        let language = self.language.as_deref().unwrap_or_default();
        format!("openai {} {} {language}", self.url, self.model)
    }
}

/// One server.
pub struct OpenAi {
    plan: OpenAiPlan,
    client: SpeechClient,
    key: Option<watch::Receiver<Option<SecretString>>>,
    jitter: Jitter,
}

impl OpenAi {
    /// A server that is asked with the key of this channel.
    pub fn new(
        plan: OpenAiPlan,
        key: Option<watch::Receiver<Option<SecretString>>>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, crate::egress::BuildClient> {
        Ok(Self {
            client: SpeechClient::new(plan.allow_private, resolver)?,
            plan,
            key,
            jitter: Jitter::from_system(),
        })
    }

    /// What is spoken, where that is known.
    pub(super) fn language(&self) -> Option<String> {
        self.plan.language.clone()
    }

    /// What is said in a piece.
    pub(super) async fn hear(&self, piece: Piece, halt: &Halt) -> Result<Vec<Segment>, AnalysisError> {
        let wav = bytes::Bytes::from(wave(&piece.samples)?);
        let mut tried = 1;
        loop {
            let error = match self.ask(wav.clone(), halt).await {
                Ok(answered) => match answer::read(&answered, &piece) {
                    Ok(segments) => return Ok(segments),
                    Err(error) => error.category(),
                },
                Err(error) if !error.may_pass() => return Err(failed(error.category())),
                Err(AskSpeech::Refuse { after: Some(after), .. }) if after > LONGEST_WAIT => {
                    return Err(failed("busy"));
                }
                Err(AskSpeech::Refuse { after: Some(after), .. }) if tried < TRIES => {
                    tried += 1;
                    tokio::time::sleep(after).await;
                    continue;
                }
                Err(error) => error.category(),
            };
            if tried >= TRIES {
                return Err(failed(error));
            }
            let wait = retry::wait_seconds(tried, self.jitter.next());
            tried += 1;
            tokio::time::sleep(Duration::from_secs_f64(wait)).await;
        }
    }

    async fn ask(&self, wav: bytes::Bytes, halt: &Halt) -> Result<Vec<u8>, AskSpeech> {
        let key = match &self.key {
            Some(key) => Some(key.borrow().clone().ok_or(AskSpeech::FindKey)?),
            None => None,
        };
        let OpenAiPlan {
            url,
            model,
            secret_name: _,
            language,
            timeout,
            allow_private: _,
        } = &self.plan;
        let left = halt.left().unwrap_or(*timeout);
        let question = Question {
            wav,
            model,
            language: language.as_deref(),
            key: key.as_ref(),
            timeout: left.min(*timeout),
        };
        self.client.ask(url, question).await
    }
}

/// 16-bit WAV, which every server reads.
fn wave(samples: &[f32]) -> Result<Vec<u8>, AnalysisError> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: u32::try_from(SPEECH_RATE).expect("it is 16000"),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::with_capacity(samples.len() * 2 + 64));
    let unwritten = |_| failed("a piece cannot be written as WAV");
    let mut writer = hound::WavWriter::new(&mut bytes, spec).map_err(unwritten)?;
    for sample in samples {
        #[expect(clippy::cast_possible_truncation, reason = "clamped to what 16 bits hold")]
        let sample = (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16;
        writer.write_sample(sample).map_err(unwritten)?;
    }
    writer.finalize().map_err(unwritten)?;
    Ok(bytes.into_inner())
}
