//! Measures how audio sounds without understanding it: length, loudness, who speaks how much and over whom, where nothing is
//! heard, and what is wrong with the line. One pass; memory does not grow with the length.

use std::path::Path;

use marketplace_crds::handler::analysis::Acoustics;
use schemars::JsonSchema;
use serde::Serialize;

use super::analyzer::Analyzer;
use super::audio::Audio;
use super::heard::Heard;
use super::pattern::ReadPattern;
use super::{AnalysisError, Halt};

mod line;
mod loudness;
mod peak;
mod silence;
mod talk;
mod voice;

use line::Clipping;
use loudness::Loudness;
use peak::Peak;
use silence::{SilenceFinder, SilenceReport};
use talk::{Monologue, Talk, TalkOver};
use voice::Voice;

/// What is wanted of the acoustics. Nothing can be set yet: the thresholds suit telephone audio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AcousticsPlan {}

/// How the recording sounds. A figure that has no value, such as the loudness of silence, is null.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AcousticsReport {
    /// How long it plays.
    pub duration_seconds: Option<f64>,
    /// How many channels it has.
    pub channels: u16,
    /// Samples per second of each channel.
    pub sample_rate_hertz: u32,
    /// Integrated loudness by EBU R 128, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// The highest sample of any channel.
    pub peak_dbfs: Option<f64>,
    /// The highest peak between samples.
    pub true_peak_dbtp: Option<f64>,
    /// The part in which a voice is heard on any channel.
    pub speech_ratio: Option<f64>,
    /// Where nothing is heard.
    pub silence: SilenceReport,
    /// Where several channels talk at once.
    pub talk_over: TalkOver,
    /// The longest of all speakers; null where nobody speaks.
    pub longest_monologue: Option<Monologue>,
    /// Whether peaks are cut off on some channel: at least one sample in a thousand.
    pub clipping: bool,
    /// Whether some channel is louder than -50 dBFS for nine tenths of the time and more: it hisses or hums.
    pub line_noise: bool,
    /// Channel by channel: in a recording of two channels each is one speaker.
    pub speakers: Vec<SpeakerReport>,
}

/// How one channel sounds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SpeakerReport {
    /// The channel, from 1.
    pub channel: u16,
    /// How long it talks, pauses of up to 0.3 s included.
    pub speech_seconds: f64,
    /// The part of the recording.
    pub speech_ratio: Option<f64>,
    /// The part of all that is said on all channels; null where nothing is.
    pub talk_ratio: Option<f64>,
    /// Its longest; null where it has none.
    pub longest_monologue: Option<Monologue>,
    /// The part of its samples that is cut off.
    pub clipped_ratio: f64,
    /// The level that a tenth of the time does not exceed, to a decibel: the noise of the line, heard in the pauses. Null for
    /// digital silence, or where there is less than half a second.
    pub noise_floor_dbfs: Option<f64>,
}

impl Analyzer for AcousticsPlan {
    type Settings = Acoustics;
    type Report = AcousticsReport;

    fn read(settings: &Acoustics) -> Result<Self, ReadPattern> {
        let Acoustics {} = settings;
        Ok(Self {})
    }

    fn analyze(&self, heard: &Heard<'_>) -> Result<AcousticsReport, AnalysisError> {
        measure(heard.audio, heard.halt)
    }
}

/// Everything that is measured of one channel by itself.
struct Channel {
    voice: Voice,
    clipping: Clipping,
    samples: Vec<f32>,
}

/// Measures the file.
pub fn measure(path: &Path, halt: &Halt) -> Result<AcousticsReport, AnalysisError> {
    let audio = Audio::open(path)?;
    let format = audio.format();
    let width = usize::from(format.channels);

    let mut loudness = Loudness::new(format.channels, format.sample_rate_hertz)?;
    let mut peak = Peak::new(format.channels, format.sample_rate_hertz)?;
    let mut silence = SilenceFinder::new(format.sample_rate_hertz);
    let mut talk = Talk::new(format.channels);
    let mut channels = (0..width)
        .map(|_| Channel::new(format.sample_rate_hertz))
        .collect::<Result<Vec<_>, _>>()?;
    audio.each_block(halt, |block| {
        loudness.add(block)?;
        peak.add(block)?;
        for frame in block.chunks_exact(width) {
            silence.add(frame);
        }
        for (place, channel) in channels.iter_mut().enumerate() {
            channel.add(block.iter().skip(place).step_by(width).copied())?;
        }
        follow(&mut talk, &mut channels);
        Ok(())
    })?;
    for channel in &mut channels {
        channel.voice.finish()?;
    }
    follow(&mut talk, &mut channels);
    talk.finish();

    let speakers: Vec<_> = (1..)
        .zip(&channels)
        .map(|(number, channel)| channel.report(number, &talk))
        .collect();
    let monologues = speakers.iter().filter_map(|speaker| speaker.longest_monologue);
    Ok(AcousticsReport {
        duration_seconds: rounded(format.seconds),
        channels: format.channels,
        sample_rate_hertz: format.sample_rate_hertz,
        integrated_lufs: loudness.integrated()?,
        peak_dbfs: peak.of_samples(),
        true_peak_dbtp: peak.between_samples(),
        speech_ratio: talk.speech_ratio(),
        silence: silence.finish().report(format.seconds),
        talk_over: talk.over(),
        longest_monologue: monologues.max_by(|one, other| one.seconds.total_cmp(&other.seconds)),
        clipping: channels.iter().any(|channel| channel.clipping.is_heard()),
        line_noise: channels.iter().any(|channel| channel.voice.noise.is_heard()),
        speakers,
    })
}

impl Channel {
    fn new(rate_hertz: u32) -> Result<Self, AnalysisError> {
        Ok(Self {
            voice: Voice::new(rate_hertz)?,
            clipping: Clipping::default(),
            samples: Vec::new(),
        })
    }

    fn add(&mut self, samples: impl Iterator<Item = f32>) -> Result<(), AnalysisError> {
        self.samples.clear();
        self.samples.extend(samples);
        self.clipping.add(self.samples.iter().copied());
        self.voice.add(&self.samples)
    }

    fn report(&self, number: u16, talk: &Talk) -> SpeakerReport {
        let place = usize::from(number - 1);
        let (speech_seconds, speech_ratio, talk_ratio) = talk.share(place);
        SpeakerReport {
            channel: number,
            speech_seconds,
            speech_ratio,
            talk_ratio,
            longest_monologue: talk.monologue(place),
            clipped_ratio: (self.clipping.ratio() * 1e6).round() / 1e6,
            noise_floor_dbfs: self.voice.noise.dbfs(),
        }
    }
}

/// Takes the frames that are ready on every channel.
fn follow(talk: &mut Talk, channels: &mut [Channel]) {
    let ready = channels.iter_mut().map(|channel| channel.voice.ready().len()).min();
    let mut frames = Vec::with_capacity(channels.len());
    for _ in 0..ready.unwrap_or(0) {
        frames.clear();
        frames.extend(
            channels
                .iter_mut()
                .filter_map(|channel| channel.voice.ready().pop_front()),
        );
        talk.add(&frames);
    }
}

/// Three digits after the point; a figure that is not finite, such as the loudness of silence, is null in JSON.
fn rounded(figure: f64) -> Option<f64> {
    figure.is_finite().then(|| (figure * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests;
