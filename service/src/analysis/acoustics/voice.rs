//! Hears in which frames of 16 ms a channel speaks, and how loud it is where it is quietest.

use std::collections::VecDeque;

use earshot::Detector;

use super::line::NoiseFloor;
use crate::analysis::AnalysisError;
use crate::analysis::resample::{SPEECH_RATE_HERTZ, ToSpeechRate};

/// What the detector of speech takes at a time: 16 ms at 16 kHz.
const SPEECH_FRAME_SAMPLES: usize = 256;
/// The score from which on a frame is speech; the detector's authors recommend it.
const SPEECH_SCORE: f32 = 0.5;
/// Quieter than -60 dBFS, as a power, is nobody: ten decibels below the bound of silence.
const NOBODY_BELOW: f32 = 1e-6;
/// After so many frames of nobody the detector is not asked again before there is a sound: it is most of the work.
const ASKED_FRAMES: u32 = 5;
/// A pause of up to 0.3 s is within a word or between two: who pauses so is still talking.
const BRIDGED_FRAMES: usize = 19;
/// How many frames a second has.
pub(super) const FRAMES_PER_SECOND: f64 = 62.5;

/// One frame of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// A voice was heard.
    pub(super) is_voiced: bool,
    /// Somebody talks, short pauses included.
    pub(super) is_talking: bool,
}

/// Listens to one channel.
pub(super) struct Voice {
    stream: ToSpeechRate,
    frames: Frames,
    pub(super) noise: NoiseFloor,
}

struct Frames {
    detector: Box<Detector>,
    waiting: Vec<f32>,
    /// For how many frames nobody was heard.
    nobody: u32,
    bridge: Bridge,
}

impl Voice {
    pub(super) fn new(rate_hertz: u32) -> Result<Self, AnalysisError> {
        debug_assert_eq!(SPEECH_RATE_HERTZ, 16_000, "the detector's rate");
        let frames = Frames {
            detector: Detector::default_boxed(),
            waiting: Vec::new(),
            nobody: 0,
            bridge: Bridge::default(),
        };
        Ok(Self {
            stream: ToSpeechRate::new(rate_hertz)?,
            frames,
            noise: NoiseFloor::default(),
        })
    }

    pub(super) fn add(&mut self, samples: &[f32]) -> Result<(), AnalysisError> {
        let Self { stream, frames, noise } = self;
        stream.push(samples, |piece| frames.add(piece, noise))
    }

    /// After this every frame is ready.
    pub(super) fn finish(&mut self) -> Result<(), AnalysisError> {
        let Self { stream, frames, noise } = self;
        stream.finish(|piece| frames.add(piece, noise))?;
        frames.bridge.finish();
        Ok(())
    }

    /// The frames that nothing can change any more.
    pub(super) fn ready(&mut self) -> &mut VecDeque<Frame> {
        &mut self.frames.bridge.ready
    }
}

impl Frames {
    fn add(&mut self, samples: &[f32], noise: &mut NoiseFloor) {
        self.waiting
            .extend(samples.iter().map(|sample| sample.clamp(-1.0, 1.0)));
        let whole = self.waiting.len() - self.waiting.len() % SPEECH_FRAME_SAMPLES;
        for frame in self.waiting[..whole].chunks_exact(SPEECH_FRAME_SAMPLES) {
            let power = power(frame);
            noise.add(power);
            self.nobody = if power < NOBODY_BELOW {
                self.nobody.saturating_add(1)
            } else {
                0
            };
            let is_voiced = self.nobody <= ASKED_FRAMES && self.detector.predict_f32(frame) >= SPEECH_SCORE;
            self.bridge.add(is_voiced);
        }
        self.waiting.drain(..whole);
    }
}

#[expect(clippy::cast_precision_loss, reason = "some hundred samples")]
fn power(frame: &[f32]) -> f32 {
    frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len().max(1) as f32
}

/// Holds back what is silent until it is known whether it is only a short pause.
#[derive(Default)]
struct Bridge {
    ready: VecDeque<Frame>,
    was_voiced: bool,
    silent: usize,
}

impl Bridge {
    fn add(&mut self, is_voiced: bool) {
        if is_voiced {
            let is_pause = self.was_voiced;
            self.release(is_pause);
            self.ready.push_back(Frame {
                is_voiced: true,
                is_talking: true,
            });
            self.was_voiced = true;
            return;
        }
        self.silent += 1;
        if !self.was_voiced || self.silent > BRIDGED_FRAMES {
            self.release(false);
            self.was_voiced = false;
        }
    }

    fn release(&mut self, is_talking: bool) {
        let silent = std::mem::take(&mut self.silent);
        self.ready.extend((0..silent).map(|_| Frame {
            is_voiced: false,
            is_talking,
        }));
    }

    fn finish(&mut self) {
        self.release(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `v` voiced, `-` not; comes back as `t` talking.
    fn bridged(voiced: &str) -> String {
        let mut bridge = Bridge::default();
        voiced.chars().for_each(|char| bridge.add(char == 'v'));
        bridge.finish();
        bridge
            .ready
            .iter()
            .map(|frame| if frame.is_talking { 't' } else { '-' })
            .collect()
    }

    #[test]
    fn a_short_pause_is_talk_and_a_long_one_is_not() {
        let (short, long) = ("-".repeat(BRIDGED_FRAMES), "-".repeat(BRIDGED_FRAMES + 1));
        for (voiced, talking) in [
            (format!("v{short}v"), "t".repeat(BRIDGED_FRAMES + 2)),
            (format!("v{long}v"), format!("t{long}t")),
            (format!("{short}v{short}"), format!("{short}t{short}")),
            (format!("v{long}-v-v"), format!("t{long}-ttt")),
        ] {
            assert_eq!(bridged(&voiced), talking, "{voiced}");
        }
    }
}
