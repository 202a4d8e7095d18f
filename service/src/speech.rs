//! Turns speech into words: the recording is read as pieces of speech, each of one channel and no longer than an engine
//! understands, and an engine writes down what is said in each. What is finished is kept with the job, so that one which
//! moves to another worker goes on where it was. Called by `worker` before the analyzers, which read the words.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::analysis::resample::SPEECH_RATE_HERTZ;
use crate::analysis::transcript::{Segment, Transcript};
use crate::analysis::{AnalysisError, Halt};

pub mod builtin;
mod cut;
pub mod kept;
pub mod openai;
pub mod pieces;

use builtin::{Builtin, Heard};
use kept::Keep;
use openai::{OpenAi, OpenAiPlan};
use pieces::{Piece, Pieces};

/// Samples per second of what the engines hear.
pub const SPEECH_RATE: usize = SPEECH_RATE_HERTZ as usize;
/// Pieces that wait for the engine, besides the one that it hears.
const WAITING_PIECES: usize = 1;
/// The part of the work that an error of an engine is told of.
const PART: &str = "speech";

/// What an endpoint wants of its recordings' words.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptionPlan {
    /// Who writes them down.
    pub engine: EnginePlan,
    /// Whether what is finished may be kept, in clear words, until the job is done.
    pub keep_pieces: bool,
}

/// The engines.
#[derive(Debug, Clone, PartialEq)]
pub enum EnginePlan {
    /// The model of the image.
    Builtin,
    /// A server.
    OpenAi(OpenAiPlan),
    /// None.
    None,
}

impl EnginePlan {
    /// Changes when the same audio may give other words.
    fn version(&self) -> String {
        match self {
            Self::Builtin => builtin::VERSION.to_owned(),
            Self::OpenAi(plan) => plan.version(),
            Self::None => String::new(),
        }
    }
}

/// The engines that this process has.
#[derive(Clone, Default)]
pub struct Engines {
    /// The loaded model, where an endpoint wants it.
    pub builtin: Option<Arc<Builtin>>,
    /// The servers, by what the resource says of them.
    pub openai: BTreeMap<OpenAiPlan, Arc<OpenAi>>,
}

/// One of them.
enum Engine {
    Builtin(Arc<Builtin>),
    OpenAi(Arc<OpenAi>),
}

impl Engines {
    /// Writes down what is said in the recording; none where nobody is asked to.
    pub async fn transcribe(
        &self,
        plan: &TranscriptionPlan,
        (audio, halt): (&Path, &Halt),
        keep: Option<&Keep<'_>>,
    ) -> Result<Option<Transcript>, AnalysisError> {
        let Some(engine) = self.find(&plan.engine)? else {
            return Ok(None);
        };
        let keep = keep.filter(|_| plan.keep_pieces);
        let version = plan.engine.version();
        tokio::select! {
            transcript = engine.transcribe(&version, (audio, halt), keep) => transcript.map(Some),
            halted = halt.reached() => Err(AnalysisError::FinishInTime(halted)),
        }
    }

    fn find(&self, plan: &EnginePlan) -> Result<Option<Engine>, AnalysisError> {
        let found = match plan {
            EnginePlan::None => return Ok(None),
            EnginePlan::Builtin => self.builtin.clone().map(Engine::Builtin),
            EnginePlan::OpenAi(plan) => self.openai.get(plan).cloned().map(Engine::OpenAi),
        };
        found.map(Some).ok_or_else(|| failed("the engine was not started"))
    }
}

impl Engine {
    async fn transcribe(
        &self,
        version: &str,
        (audio, halt): (&Path, &Halt),
        keep: Option<&Keep<'_>>,
    ) -> Result<Transcript, AnalysisError> {
        let mut kept = match keep {
            Some(keep) => keep.read(version).await?,
            None => BTreeMap::new(),
        };
        let mut transcript = Transcript {
            language: self.language(),
            segments: Vec::new(),
        };
        let (mut pieces, reader) = read(audio, halt);
        while let Some(piece) = pieces.recv().await {
            let place = piece.place;
            let segments = if let Some(segments) = kept.remove(&place) {
                segments
            } else {
                let segments = self.hear(piece, halt).await?;
                if let Some(keep) = keep {
                    keep.write(version, place, &segments).await?;
                }
                segments
            };
            transcript.segments.extend(segments);
        }
        reader
            .await
            .unwrap_or_else(|_| Err(failed("the reader of the recording ended")))?;
        transcript.segments.sort_by(|one, other| {
            let start = one.start_seconds.total_cmp(&other.start_seconds);
            start.then(one.channel.cmp(&other.channel))
        });
        Ok(transcript)
    }

    fn language(&self) -> Option<String> {
        match self {
            Self::Builtin(_) => Some(builtin::LANGUAGE.to_owned()),
            Self::OpenAi(server) => server.language(),
        }
    }

    async fn hear(&self, piece: Piece, halt: &Halt) -> Result<Vec<Segment>, AnalysisError> {
        match self {
            Self::Builtin(model) => {
                let Piece {
                    place: _,
                    channel,
                    start_seconds,
                    end_seconds,
                    samples,
                } = piece;
                let Heard { text, confidence } = model.hear(samples, halt.clone()).await.map_err(explain)?;
                let segment = Segment {
                    channel,
                    start_seconds,
                    end_seconds,
                    text,
                    confidence,
                };
                Ok(Some(segment)
                    .filter(|segment| !segment.text.is_empty())
                    .into_iter()
                    .collect())
            }
            Self::OpenAi(server) => server.hear(piece, halt).await,
        }
    }
}

/// Reads ahead of the engine, on a thread of its own that ends when nobody takes what it reads.
fn read(
    audio: &Path,
    halt: &Halt,
) -> (
    mpsc::Receiver<Piece>,
    tokio::task::JoinHandle<Result<(), AnalysisError>>,
) {
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    let (audio, halt) = (audio.to_owned(), halt.clone());
    let reader = tokio::task::spawn_blocking(move || {
        let mut pieces = Pieces::open(&audio)?;
        while let Some(piece) = pieces.next(&halt)? {
            if sender.blocking_send(piece).is_err() {
                break;
            }
        }
        Ok(())
    });
    (receiver, reader)
}

fn explain(error: builtin::RunNetwork) -> AnalysisError {
    match error {
        builtin::RunNetwork::GoOn(halted) => AnalysisError::FinishInTime(halted),
        error @ (builtin::RunNetwork::RunModel(_) | builtin::RunNetwork::ReadAnswer) => failed(&error.to_string()),
    }
}

fn failed(reason: &str) -> AnalysisError {
    AnalysisError::Analyze {
        part: PART,
        reason: reason.to_owned(),
    }
}
