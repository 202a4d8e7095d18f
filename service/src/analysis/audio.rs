//! Reads WAV files block by block. Decides what counts as audio: a header that promises what the file does not hold, or what
//! no telephone ever made, is refused here, before anything is computed from it.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec};

use super::AnalysisError;
use crate::domain::AudioFormat;

/// A conference leg per channel at the most; more is a broken header.
const MAX_CHANNELS: u16 = 8;
/// Half of telephone quality; below that, speech is not speech any more.
const MIN_SAMPLE_RATE_HERTZ: u32 = 4_000;
/// The most that studios use.
const MAX_SAMPLE_RATE_HERTZ: u32 = 192_000;

/// An open WAV file whose header was checked.
pub struct Wav {
    reader: WavReader<BufReader<File>>,
    format: AudioFormat,
    sample_format: SampleFormat,
}

/// What the file is, by measure.
pub fn probe(path: &Path) -> Result<AudioFormat, AnalysisError> {
    Ok(Wav::open(path)?.format())
}

impl Wav {
    /// Opens the file and checks its header against the file.
    pub fn open(path: &Path) -> Result<Self, AnalysisError> {
        let file = File::open(path).map_err(AnalysisError::ReadFile)?;
        let file_bytes = file.metadata().map_err(AnalysisError::ReadFile)?.len();
        let reader = WavReader::new(BufReader::new(file)).map_err(explain)?;
        let (spec, samples) = (reader.spec(), reader.len());
        check_spec(spec)?;
        let mut inner = reader.into_inner();
        let data_start = inner.stream_position().map_err(AnalysisError::ReadFile)?;
        check_length(spec, samples, file_bytes.saturating_sub(data_start))?;
        inner.rewind().map_err(AnalysisError::ReadFile)?;
        let reader = WavReader::new(inner).map_err(explain)?;
        let format = AudioFormat {
            channels: spec.channels,
            sample_rate_hertz: spec.sample_rate,
            bits_per_sample: spec.bits_per_sample,
            seconds: f64::from(reader.duration()) / f64::from(spec.sample_rate),
        };
        Ok(Self {
            reader,
            format,
            sample_format: spec.sample_format,
        })
    }

    /// What the file is.
    #[must_use]
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// Fills the block with up to `frames` frames, channels interleaved, full scale 1.0; empty at the end.
    pub fn read_block(&mut self, frames: usize, block: &mut Vec<f32>) -> Result<(), AnalysisError> {
        block.clear();
        let wanted = frames * usize::from(self.format.channels);
        match self.sample_format {
            SampleFormat::Float => {
                for sample in self.reader.samples::<f32>().take(wanted) {
                    let sample = sample.map_err(explain)?;
                    block.push(if sample.is_finite() { sample } else { 0.0 });
                }
            }
            SampleFormat::Int => {
                let scale = full_scale(self.format.bits_per_sample);
                for sample in self.reader.samples::<i32>().take(wanted) {
                    block.push(to_unit(sample.map_err(explain)?, scale));
                }
            }
        }
        Ok(())
    }
}

fn full_scale(bits_per_sample: u16) -> f64 {
    f64::from(1_u32 << (bits_per_sample - 1).min(31))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a sample in -1..1 fits; more precision than f32 no analyzer uses"
)]
fn to_unit(sample: i32, scale: f64) -> f32 {
    (f64::from(sample) / scale) as f32
}

fn check_spec(spec: WavSpec) -> Result<(), AnalysisError> {
    let WavSpec {
        channels,
        sample_rate,
        bits_per_sample,
        sample_format,
    } = spec;
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return refuse(format!("{channels} channels, want 1 to {MAX_CHANNELS}"));
    }
    if !(MIN_SAMPLE_RATE_HERTZ..=MAX_SAMPLE_RATE_HERTZ).contains(&sample_rate) {
        return refuse(format!(
            "{sample_rate} samples per second, want {MIN_SAMPLE_RATE_HERTZ} to {MAX_SAMPLE_RATE_HERTZ}"
        ));
    }
    match (sample_format, bits_per_sample) {
        (SampleFormat::Int, 8 | 16 | 24 | 32) | (SampleFormat::Float, 32) => Ok(()),
        (_, bits) => refuse(format!("samples of {bits} bits, want 8, 16, 24 or 32, or 32 as float")),
    }
}

/// The header's length is believed only as far as the file goes.
fn check_length(spec: WavSpec, samples: u32, data_bytes: u64) -> Result<(), AnalysisError> {
    if samples == 0 {
        return refuse("it holds no samples".to_owned());
    }
    let promised = u64::from(samples) * u64::from(spec.bits_per_sample / 8);
    if promised > data_bytes {
        return refuse(format!(
            "its header promises {promised} bytes of samples, the file has {data_bytes}"
        ));
    }
    Ok(())
}

fn refuse<T>(reason: String) -> Result<T, AnalysisError> {
    Err(AnalysisError::ReadAudio { reason })
}

/// The reader reports the end of the file as an error of its own making; only the system's own errors are the disk's.
fn explain(error: hound::Error) -> AnalysisError {
    let reason = match error {
        hound::Error::IoError(error) if error.raw_os_error().is_some() => return AnalysisError::ReadFile(error),
        hound::Error::IoError(_) => "it ends too early".to_owned(),
        hound::Error::FormatError(reason) => reason.to_owned(),
        hound::Error::TooWide | hound::Error::InvalidSampleFormat => {
            "its samples are not as its header says".to_owned()
        }
        hound::Error::UnfinishedSample => "its last frame is incomplete".to_owned(),
        hound::Error::Unsupported => "it is neither PCM nor float WAV".to_owned(),
    };
    AnalysisError::ReadAudio { reason }
}

#[cfg(test)]
mod tests;
