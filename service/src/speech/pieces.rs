//! Reads a recording from its beginning to its end as pieces of speech: each channel by itself, at the rate of the engines,
//! cut at pauses. Memory does not grow with the length: no more is held than the longest piece of each channel. The same
//! recording gives the same pieces in the same order, so that a piece is known by its place. Called by `speech`.

use std::collections::VecDeque;
use std::path::Path;

use super::SPEECH_RATE;
use super::cut::{Cut, Cutter};
use crate::analysis::audio::Audio;
use crate::analysis::resample::ToSpeechRate;
use crate::analysis::{AnalysisError, Halt};

/// Something that was said on one channel without a longer pause.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The how-manieth it is of its recording.
    pub place: u32,
    /// From 1.
    pub channel: u16,
    /// Where speech begins, in seconds from the beginning.
    pub start_seconds: f64,
    /// Where it ends.
    pub end_seconds: f64,
    /// At 16 kHz, with a little of what is around.
    pub samples: Vec<f32>,
}

/// A recording that is being read.
pub struct Pieces {
    audio: Audio,
    channels: Vec<Channel>,
    block: Vec<f32>,
    mono: Vec<f32>,
    ready: VecDeque<Piece>,
    next_place: u32,
}

struct Channel {
    number: u16,
    stream: ToSpeechRate,
    cutter: Cutter,
}

impl Pieces {
    /// Opens the recording.
    pub fn open(path: &Path) -> Result<Self, AnalysisError> {
        let audio = Audio::open(path)?;
        let format = audio.format();
        let channels = (1..=format.channels)
            .map(|number| {
                Ok(Channel {
                    number,
                    stream: ToSpeechRate::new(format.sample_rate_hertz)?,
                    cutter: Cutter::new(),
                })
            })
            .collect::<Result<_, AnalysisError>>()?;
        Ok(Self {
            audio,
            channels,
            block: Vec::new(),
            mono: Vec::new(),
            ready: VecDeque::new(),
            next_place: 0,
        })
    }

    /// The next piece; none at the end.
    pub fn next(&mut self, halt: &Halt) -> Result<Option<Piece>, AnalysisError> {
        let of_all = usize::from(self.audio.format().channels);
        while self.ready.is_empty() && !self.channels.is_empty() {
            let more = self.audio.next_block(halt, &mut self.block)?;
            let (ready, next_place) = (&mut self.ready, &mut self.next_place);
            let mut take = |channel: u16, cut: Cut| {
                ready.push_back(piece(*next_place, channel, cut));
                *next_place += 1;
            };
            if !more {
                for channel in self.channels.drain(..) {
                    let Channel {
                        number,
                        mut stream,
                        mut cutter,
                    } = channel;
                    stream.finish(|samples| cutter.add(samples, |cut| take(number, cut)))?;
                    cutter.finish(|cut| take(number, cut));
                }
                break;
            }
            for (place, channel) in self.channels.iter_mut().enumerate() {
                self.mono.clear();
                self.mono.extend(self.block.iter().skip(place).step_by(of_all));
                let (number, cutter) = (channel.number, &mut channel.cutter);
                channel
                    .stream
                    .push(&self.mono, |samples| cutter.add(samples, |cut| take(number, cut)))?;
            }
        }
        Ok(self.ready.pop_front())
    }
}

fn piece(place: u32, channel: u16, cut: Cut) -> Piece {
    let Cut { start, end, samples } = cut;
    Piece {
        place,
        channel,
        start_seconds: seconds(start),
        end_seconds: seconds(end),
        samples,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "samples of a file: exact for ten thousand years"
)]
fn seconds(samples: u64) -> f64 {
    (samples as f64 / SPEECH_RATE as f64 * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
