//! The engine that is a server: each piece is sent as a WAV file, and what may pass is tried again for as long as the job
//! has time. Of an error a category is told and nothing else: neither words, nor keys, nor what the server wrote.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
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
const LONGEST_WAIT: Duration = Duration::from_mins(1);

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
        let wav = Bytes::from(wave(&piece.samples)?);
        let mut tried = 1;
        loop {
            match next(self.ask(wav.clone(), halt).await, &piece, tried) {
                Next::Heard(segments) => return Ok(segments),
                Next::GiveUp(category) => return Err(failed(category)),
                Next::Wait(after) => {
                    let usual = || Duration::from_secs_f64(retry::wait_seconds(tried, self.jitter.next()));
                    tokio::time::sleep(after.unwrap_or_else(usual)).await;
                    tried += 1;
                }
            }
        }
    }

    async fn ask(&self, wav: Bytes, halt: &Halt) -> Result<Vec<u8>, AskSpeech> {
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

/// What follows from an answer, or from there being none.
#[derive(Debug, PartialEq)]
enum Next {
    Heard(Vec<Segment>),
    /// For so long, where the server says it; and then again.
    Wait(Option<Duration>),
    GiveUp(&'static str),
}

fn next(answered: Result<Vec<u8>, AskSpeech>, piece: &Piece, tried: u32) -> Next {
    let (category, after) = match answered {
        Ok(answer) => match answer::read(&answer, piece) {
            Ok(segments) => return Next::Heard(segments),
            Err(error) => (error.category(), None),
        },
        Err(error) if !error.may_pass() => return Next::GiveUp(error.category()),
        Err(error) if error.after() > Some(LONGEST_WAIT) => return Next::GiveUp(error.category()),
        Err(error) => (error.category(), error.after()),
    };
    if tried >= TRIES {
        return Next::GiveUp(category);
    }
    Next::Wait(after)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn piece() -> Piece {
        Piece {
            place: 0,
            channel: 1,
            start_seconds: 0.0,
            end_seconds: 1.0,
            samples: vec![],
        }
    }

    fn refused(status: u16, after_seconds: Option<u64>) -> Result<Vec<u8>, AskSpeech> {
        Err(AskSpeech::Refuse {
            status,
            after: after_seconds.map(Duration::from_secs),
        })
    }

    #[test]
    fn what_may_pass_is_asked_again_six_times_in_all() {
        let seconds = |seconds| Next::Wait(Some(Duration::from_secs(seconds)));
        for (answered, tried, expected) in [
            (Ok(br#"{"text": ""}"#.to_vec()), 1, Next::Heard(vec![])),
            (Ok(b"<html>".to_vec()), 5, Next::Wait(None)),
            (Ok(b"<html>".to_vec()), 6, Next::GiveUp("answer_unreadable")),
            (Err(AskSpeech::Connect), 1, Next::Wait(None)),
            (Err(AskSpeech::AwaitAnswer), 1, Next::Wait(None)),
            (Err(AskSpeech::FindKey), 6, Next::GiveUp("no_key")),
            (Err(AskSpeech::AcceptSize), 1, Next::GiveUp("answer_too_large")),
            (refused(401, None), 1, Next::Wait(None)),
            (refused(403, None), 1, Next::GiveUp("unauthorized")),
            (refused(429, Some(7)), 1, seconds(7)),
            (refused(429, Some(61)), 1, Next::GiveUp("busy")),
            (refused(503, None), 6, Next::GiveUp("server_error")),
            (refused(307, None), 1, Next::GiveUp("redirect")),
            (refused(413, None), 1, Next::GiveUp("client_error")),
        ] {
            let case = format!("{answered:?} at try {tried}");
            assert_eq!(next(answered, &piece(), tried), expected, "{case}");
        }
    }

    #[test]
    fn a_piece_is_sent_as_16_bit_wav() -> Result<(), Box<dyn std::error::Error>> {
        let wav = wave(&[0.0, 1.0, -1.0, 7.0])?;
        let mut read = hound::WavReader::new(wav.as_slice())?;
        assert_eq!((read.spec().sample_rate, read.spec().channels), (16_000, 1));
        let samples: Vec<i16> = read.samples().collect::<Result<_, _>>()?;
        assert_eq!(samples, [0, 32_767, -32_767, 32_767]);
        Ok(())
    }
}
