//! Runs the two networks of the model: one turns sound into what was heard, the other writes it down, token by token, each
//! time the likeliest. Called by `builtin` alone, one piece of audio at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{LoadError, Model, NodeId, RunError, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};

use super::guard::{self, Next};
use crate::analysis::{Halt, Halted};
use crate::speech::SPEECH_RATE;

/// The model of sound.
const ENCODER: &str = "encoder_model.onnx";
/// The model of words.
const DECODER: &str = "decoder_model_merged.onnx";
/// The token that every text begins with, unwritten.
const START: i32 = 1;
/// The token that ends it.
const END: u32 = 2;
/// Less audio than this the networks cannot take: their filters are longer.
const SHORTEST_SAMPLES: usize = SPEECH_RATE / 4;

/// Why the model is not there.
#[derive(Debug, thiserror::Error)]
pub enum LoadNetwork {
    /// A file is missing, or it is none of this format.
    #[error("failed to load {}", file.display())]
    LoadFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: LoadError,
    },
    /// A network of another kind.
    #[error("failed to use {}: it has no node {node}", file.display())]
    FindNode {
        /// The file.
        file: PathBuf,
        /// What it should have.
        node: String,
    },
}

/// Why a piece was not understood.
#[derive(Debug, thiserror::Error)]
pub enum RunNetwork {
    /// The work was told to stop.
    #[error("failed to go on: {0}")]
    GoOn(Halted),
    /// The network refuses its input.
    #[error("failed to run the model of speech")]
    RunModel(#[source] RunError),
    /// Its answer is of another shape than this model's.
    #[error("failed to read what the model of speech answers")]
    ReadAnswer,
}

/// A token that was written down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token {
    /// Which.
    pub id: u32,
    /// How likely it was among all others.
    pub probability: f32,
}

/// Both networks, loaded.
pub struct Network {
    encoder: Model,
    decoder: Model,
    input: NodeId,
    heard: NodeId,
    names: DecoderNodes,
}

struct DecoderNodes {
    token: NodeId,
    heard: NodeId,
    is_later: NodeId,
    likelihood: NodeId,
    /// What is remembered of the tokens before, and of the sound: what comes out of one step goes into the next.
    memory: Vec<Memory>,
}

struct Memory {
    from: NodeId,
    into: NodeId,
    /// What is remembered of the sound is made in the first step, and stays.
    is_of_sound: bool,
    shape: [usize; 4],
}

impl Network {
    /// Loads both files of the folder.
    pub fn load(folder: &Path) -> Result<Self, LoadNetwork> {
        let (encoder_file, decoder_file) = (folder.join(ENCODER), folder.join(DECODER));
        let load = |file: &PathBuf| {
            Model::load_file(file).map_err(|source| LoadNetwork::LoadFile {
                file: file.clone(),
                source,
            })
        };
        let (encoder, decoder) = (load(&encoder_file)?, load(&decoder_file)?);
        let first = |ids: &[NodeId], node: &str| {
            ids.first().copied().ok_or_else(|| LoadNetwork::FindNode {
                file: encoder_file.clone(),
                node: node.to_owned(),
            })
        };
        Ok(Self {
            input: first(encoder.input_ids(), "input")?,
            heard: first(encoder.output_ids(), "output")?,
            names: DecoderNodes::find(&decoder).map_err(|node| LoadNetwork::FindNode {
                file: decoder_file,
                node,
            })?,
            encoder,
            decoder,
        })
    }

    /// Writes down what is said in these samples.
    pub fn write(&self, samples: &[f32], pool: &Arc<ThreadPool>, halt: &Halt) -> Result<Vec<Token>, RunNetwork> {
        let options = || Some(RunOptions::default().with_thread_pool(Some(Arc::clone(pool))));
        let limit = guard::limit_tokens(samples.len());
        let mut padded = samples.to_vec();
        padded.resize(samples.len().max(SHORTEST_SAMPLES), 0.0);
        let sound = NdTensor::from_data([1, padded.len()], padded);
        let [heard] = self
            .encoder
            .run_n(vec![(self.input, sound.into())], [self.heard], options())
            .map_err(RunNetwork::RunModel)?;

        let names = &self.names;
        let mut memory: Vec<Value> = names.memory.iter().map(Memory::empty).collect();
        let outputs: Vec<NodeId> = std::iter::once(names.likelihood)
            .chain(names.memory.iter().map(|memory| memory.from))
            .collect();
        let (mut written, mut token) = (Vec::new(), START);
        while written.len() < limit {
            halt.check().map_err(RunNetwork::GoOn)?;
            let is_later = token != START || !written.is_empty();
            let inputs = names.inputs(token, &heard, is_later, &memory);
            let mut answers = self
                .decoder
                .run(inputs, &outputs, options())
                .map_err(RunNetwork::RunModel)?
                .into_iter();
            let next = next_token(&answers.next().ok_or(RunNetwork::ReadAnswer)?, written.is_empty())?;
            for ((kept, answer), of) in memory.iter_mut().zip(answers).zip(&names.memory) {
                if !is_later || !of.is_of_sound {
                    *kept = answer;
                }
            }
            if next.id == END {
                break;
            }
            written.push(next);
            if let Next::Stop { keep } = guard::next(&written) {
                written.truncate(keep);
                break;
            }
            token = i32::try_from(next.id).map_err(|_| RunNetwork::ReadAnswer)?;
        }
        Ok(written)
    }
}

impl DecoderNodes {
    fn find(decoder: &Model) -> Result<Self, String> {
        let node = |name: &str| decoder.find_node(name).ok_or_else(|| name.to_owned());
        let mut memory = Vec::new();
        for (index, &id) in decoder.input_ids().iter().enumerate() {
            let name = decoder
                .node_info(id)
                .and_then(|info| info.name().map(ToOwned::to_owned));
            let Some(name) = name.filter(|name| name.starts_with("past_key_values")) else {
                continue;
            };
            memory.push(Memory {
                from: node(&name.replacen("past_key_values", "present", 1))?,
                into: id,
                is_of_sound: name.contains(".encoder."),
                shape: memory_shape(decoder, index).ok_or(name)?,
            });
        }
        Ok(Self {
            token: node("input_ids")?,
            heard: node("encoder_hidden_states")?,
            is_later: node("use_cache_branch")?,
            likelihood: node("logits")?,
            memory,
        })
    }

    fn inputs<'a>(
        &self,
        token: i32,
        heard: &'a Value,
        is_later: bool,
        memory: &'a [Value],
    ) -> Vec<(NodeId, ValueOrView<'a>)> {
        let mut inputs: Vec<(NodeId, ValueOrView<'a>)> = vec![
            (self.token, NdTensor::from_data([1, 1], vec![token]).into()),
            (self.heard, heard.into()),
            (
                self.is_later,
                NdTensor::from_data([1], vec![i32::from(is_later)]).into(),
            ),
        ];
        inputs.extend(self.memory.iter().map(|of| of.into).zip(memory.iter().map(Into::into)));
        inputs
    }
}

/// What is remembered before the first step: nothing, in the shape that the network declares.
fn memory_shape(decoder: &Model, index: usize) -> Option<[usize; 4]> {
    let fixed = |dimension: &rten::Dimension| match dimension {
        rten::Dimension::Fixed(size) => Some(*size),
        rten::Dimension::Symbolic(_) => None,
    };
    match decoder.input_shape(index)?.as_slice() {
        [_, heads, _, width] => Some([0, fixed(heads)?, 1, fixed(width)?]),
        _ => None,
    }
}

impl Memory {
    fn empty(&self) -> Value {
        NdTensor::<f32, 4>::zeros(self.shape).into()
    }
}

/// The token that comes next. That a piece of speech has no words at all is believed only where it is more likely than not:
/// else the second likeliest beginning is one with words.
fn next_token(answer: &Value, is_first: bool) -> Result<Token, RunNetwork> {
    let next = likeliest(answer, None)?;
    if is_first && next.id == END && next.probability < 0.5 {
        return likeliest(answer, Some(END));
    }
    Ok(next)
}

/// The token that weighs most, but for this one, and its share of what all tokens weigh.
fn likeliest(answer: &Value, but: Option<u32>) -> Result<Token, RunNetwork> {
    let weights: NdTensorView<f32, 3> = answer.try_into().map_err(|_| RunNetwork::ReadAnswer)?;
    let [batch, steps, tokens] = weights.shape();
    if batch != 1 || steps == 0 || tokens == 0 {
        return Err(RunNetwork::ReadAnswer);
    }
    let weights = weights.slice((0, steps - 1));
    let (mut id, mut highest) = (0_u32, f32::NEG_INFINITY);
    for (candidate, &weight) in (0_u32..).zip(weights.iter()) {
        if weight > highest && Some(candidate) != but {
            (id, highest) = (candidate, weight);
        }
    }
    if !highest.is_finite() {
        return Err(RunNetwork::ReadAnswer);
    }
    let all: f32 = weights.iter().map(|weight| (weight - highest).exp()).sum();
    Ok(Token {
        id,
        probability: 1.0 / all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(weights: &[f32]) -> Value {
        NdTensor::from_data([1, 1, weights.len()], weights.to_vec()).into()
    }

    #[test]
    fn silence_is_believed_only_where_it_is_likely() -> Result<(), RunNetwork> {
        for (weights, is_first, expected) in [
            ([0.0, 0.0, 0.3, 0.2], true, 3),
            ([0.0, 0.0, 0.3, 0.2], false, END),
            ([0.0, 0.0, 9.0, 0.2], true, END),
            ([0.0, 5.0, 0.3, 0.2], true, 1),
        ] {
            let token = next_token(&answer(&weights), is_first)?;
            assert_eq!(token.id, expected, "{weights:?} {is_first}");
        }
        let even = likeliest(&answer(&[1.0; 4]), None)?;
        assert!((even.probability - 0.25).abs() < 1e-6, "{even:?}");
        assert!(likeliest(&answer(&[f32::NAN; 2]), None).is_err());
        Ok(())
    }
}
