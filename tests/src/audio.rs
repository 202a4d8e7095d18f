//! Recordings whose acoustics are known before anyone measures them: written from a seed and from spans of tone, noise
//! and silence.

pub mod compressed;
pub mod keys;

use std::f64::consts::TAU;
use std::io::Cursor;

use bytes::Bytes;
use hound::{SampleFormat, WavSpec, WavWriter};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// What is heard for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sound {
    /// A sine of this amplitude (full scale is 1).
    Tone {
        /// Its pitch.
        hertz: f64,
        /// Its peak.
        amplitude: f64,
    },
    /// White noise of this amplitude.
    Noise {
        /// Its peak.
        amplitude: f64,
    },
    /// Digital silence.
    Silence,
}

/// A recording in the making.
#[derive(Debug, Clone)]
pub struct Recording {
    channels: u16,
    rate_hertz: u32,
    seed: u64,
    spans: Vec<(Sound, f64)>,
}

impl Recording {
    /// Without a sound yet.
    pub fn new(channels: u16, rate_hertz: u32) -> Self {
        Self {
            channels,
            rate_hertz,
            seed: 0,
            spans: Vec::new(),
        }
    }

    /// Noise of another seed is other noise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a span, the same on every channel.
    #[must_use]
    pub fn then(mut self, sound: Sound, seconds: f64) -> Self {
        self.spans.push((sound, seconds));
        self
    }

    /// The recording as a WAV file of 16-bit PCM.
    pub fn wav(&self) -> Bytes {
        let spec = WavSpec {
            channels: self.channels,
            sample_rate: self.rate_hertz,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut file, spec).expect("memory takes the header");
        let mut noise = StdRng::seed_from_u64(self.seed);
        for (sound, seconds) in &self.spans {
            for frame in 0..frames(*seconds, self.rate_hertz) {
                let sample = sound.sample(f64::from(frame) / f64::from(self.rate_hertz), &mut noise);
                for _ in 0..self.channels {
                    writer.write_sample(to_pcm(sample)).expect("memory takes samples");
                }
            }
        }
        writer.finalize().expect("memory takes the lengths");
        file.into_inner().into()
    }
}

impl Sound {
    fn sample(self, seconds: f64, noise: &mut StdRng) -> f64 {
        match self {
            Self::Tone { hertz, amplitude } => amplitude * (TAU * hertz * seconds).sin(),
            Self::Noise { amplitude } => amplitude * noise.random_range(-1.0..1.0),
            Self::Silence => 0.0,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test's recording is shorter than a day"
)]
fn frames(seconds: f64, rate_hertz: u32) -> u32 {
    (seconds * f64::from(rate_hertz)).round() as u32
}

#[expect(clippy::cast_possible_truncation, reason = "a sample in -1..1 fits")]
fn to_pcm(sample: f64) -> i16 {
    (sample * f64::from(i16::MAX)).round() as i16
}

/// A WAV file of this many bytes, header included: 8 kHz, one channel, the same second of noise again and again.
pub fn wav_of_bytes(bytes: usize, seed: u64) -> Bytes {
    let second = Recording::new(1, 8000)
        .seed(seed)
        .then(Sound::Noise { amplitude: 0.25 }, 1.0)
        .wav();
    let (header, samples) = second.split_at(44);
    let data_bytes = bytes - header.len();
    let mut file = Vec::with_capacity(bytes);
    file.extend_from_slice(header);
    while file.len() < bytes {
        let piece = samples.len().min(bytes - file.len());
        file.extend_from_slice(&samples[..piece]);
    }
    write_length(&mut file, 4, bytes - 8);
    write_length(&mut file, 40, data_bytes);
    file.into()
}

fn write_length(file: &mut [u8], position: usize, length: usize) {
    let length = u32::try_from(length).expect("a WAV file is shorter than 4 GB");
    file[position..position + 4].copy_from_slice(&length.to_le_bytes());
}
