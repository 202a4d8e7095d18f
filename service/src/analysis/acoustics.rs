//! Measures how audio sounds without understanding it: length, loudness, how much of it is speech, and where nothing is
//! heard. One pass; memory does not grow with the length.

use std::path::Path;

use earshot::Detector;
use ebur128::{EbuR128, Mode};
use serde_json::{Value, json};

use super::audio::Audio;
use super::resample::{SPEECH_RATE_HERTZ, ToSpeechRate};
use super::{AnalysisError, Halt};

mod silence;

use silence::SilenceFinder;

/// What is fed to every measure at a time: a tenth of a second, so that a halt is noticed at once.
const BLOCKS_PER_SECOND: u32 = 10;
/// What the detector of speech takes at a time: 16 ms at 16 kHz.
const SPEECH_FRAME_SAMPLES: usize = 256;
/// The score from which on a frame is speech; the detector's authors recommend it.
const SPEECH_SCORE: f32 = 0.5;

/// What is wanted of the acoustics. Nothing can be set yet: the thresholds suit telephone audio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AcousticsPlan {}

/// Measures the file.
pub fn measure(path: &Path, _plan: &AcousticsPlan, halt: &Halt) -> Result<Value, AnalysisError> {
    let mut audio = Audio::open(path)?;
    let format = audio.format();
    let channels = usize::from(format.channels);
    let frames = (format.sample_rate_hertz / BLOCKS_PER_SECOND) as usize;

    let mut loudness = Loudness::new(format.channels, format.sample_rate_hertz)?;
    let mut speech = Speech::new(format.sample_rate_hertz)?;
    let mut silence = SilenceFinder::new(format.sample_rate_hertz);
    let (mut block, mut mono) = (Vec::new(), Vec::new());
    loop {
        halt.check().map_err(AnalysisError::FinishInTime)?;
        audio.read_block(frames, &mut block)?;
        if block.is_empty() {
            break;
        }
        loudness.add(&block)?;
        for frame in block.chunks_exact(channels) {
            silence.add(frame);
        }
        mix(&block, format.channels, &mut mono);
        speech.add(&mono)?;
    }

    let silence = silence.finish();
    Ok(json!({
        "duration_seconds": rounded(format.seconds),
        "channels": format.channels,
        "sample_rate_hertz": format.sample_rate_hertz,
        "integrated_lufs": loudness.integrated()?,
        "peak_dbfs": loudness.peak(EbuR128::sample_peak)?,
        "true_peak_dbtp": loudness.peak(EbuR128::true_peak)?,
        "speech_ratio": speech.ratio()?,
        "silence": silence.to_json(format.seconds),
    }))
}

/// All channels as one, each with the same weight.
fn mix(block: &[f32], channels: u16, mono: &mut Vec<f32>) {
    mono.clear();
    let share = 1.0 / f32::from(channels);
    mono.extend(
        block
            .chunks_exact(usize::from(channels))
            .map(|frame| frame.iter().sum::<f32>() * share),
    );
}

/// Three digits after the point; a figure that is not finite, such as the loudness of silence, is null in JSON.
fn rounded(figure: f64) -> Option<f64> {
    figure.is_finite().then(|| (figure * 1000.0).round() / 1000.0)
}

struct Loudness {
    meter: EbuR128,
}

impl Loudness {
    fn new(channels: u16, rate_hertz: u32) -> Result<Self, AnalysisError> {
        // A histogram instead of every block's loudness: else memory grows with the length.
        let mode = Mode::I | Mode::TRUE_PEAK | Mode::SAMPLE_PEAK | Mode::HISTOGRAM;
        let meter = EbuR128::new(u32::from(channels), rate_hertz, mode).map_err(failed)?;
        Ok(Self { meter })
    }

    fn add(&mut self, block: &[f32]) -> Result<(), AnalysisError> {
        self.meter.add_frames_f32(block).map_err(failed)
    }

    /// LUFS by EBU R 128; null for silence and for what is too short to gate (0.4 s).
    fn integrated(&self) -> Result<Option<f64>, AnalysisError> {
        self.meter.loudness_global().map(rounded).map_err(failed)
    }

    /// The loudest channel's peak in decibels; null for digital silence.
    fn peak(
        &self,
        of_channel: impl Fn(&EbuR128, u32) -> Result<f64, ebur128::Error>,
    ) -> Result<Option<f64>, AnalysisError> {
        let mut highest = 0.0_f64;
        for channel in 0..self.meter.channels() {
            highest = highest.max(of_channel(&self.meter, channel).map_err(failed)?);
        }
        Ok(rounded(20.0 * highest.log10()))
    }
}

fn failed(error: ebur128::Error) -> AnalysisError {
    AnalysisError::Analyze {
        part: "loudness",
        reason: error.to_string(),
    }
}

struct Speech {
    stream: ToSpeechRate,
    frames: SpeechFrames,
}

struct SpeechFrames {
    detector: Box<Detector>,
    waiting: Vec<f32>,
    all: u64,
    spoken: u64,
}

impl Speech {
    fn new(rate_hertz: u32) -> Result<Self, AnalysisError> {
        debug_assert_eq!(SPEECH_RATE_HERTZ, 16_000, "the detector's rate");
        let frames = SpeechFrames {
            detector: Detector::default_boxed(),
            waiting: Vec::new(),
            all: 0,
            spoken: 0,
        };
        Ok(Self {
            stream: ToSpeechRate::new(rate_hertz)?,
            frames,
        })
    }

    fn add(&mut self, mono: &[f32]) -> Result<(), AnalysisError> {
        let frames = &mut self.frames;
        self.stream.push(mono, |piece| frames.add(piece))
    }

    /// The part of all frames that is speech.
    fn ratio(mut self) -> Result<Option<f64>, AnalysisError> {
        let frames = &mut self.frames;
        self.stream.finish(|piece| frames.add(piece))?;
        Ok(frames.ratio())
    }
}

impl SpeechFrames {
    fn add(&mut self, samples: &[f32]) {
        self.waiting
            .extend(samples.iter().map(|sample| sample.clamp(-1.0, 1.0)));
        let whole = self.waiting.len() - self.waiting.len() % SPEECH_FRAME_SAMPLES;
        for frame in self.waiting[..whole].chunks_exact(SPEECH_FRAME_SAMPLES) {
            self.all += 1;
            self.spoken += u64::from(self.detector.predict_f32(frame) >= SPEECH_SCORE);
        }
        self.waiting.drain(..whole);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "frames of 16 ms: exact for four million years"
    )]
    fn ratio(&self) -> Option<f64> {
        rounded(self.spoken as f64 / self.all as f64)
    }
}

#[cfg(test)]
mod tests;
