//! Reads audio block by block, whatever it is written as: WAV files of linear PCM, floating point, mu-law, A-law, ADPCM and
//! mp3, and bare mp3. Decides what counts as audio: what no telephone ever made, or what is not
//! whole, is refused here, before anything is computed from it. Called at acceptance to measure, and by every analyzer.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::{AnalysisError, Halt};
use crate::domain::AudioFormat;

mod decoder;
mod riff;

use decoder::{Decoder, Packets, Pcm, Pcm16, Region};
use riff::{ReadWave, Wave, tag};

/// A conference leg per channel at the most; more is a broken header.
const MAX_CHANNELS: u16 = 8;
/// Half of telephone quality; below that, speech is not speech any more.
const MIN_SAMPLE_RATE_HERTZ: u32 = 4_000;
/// The most that studios use.
const MAX_SAMPLE_RATE_HERTZ: u32 = 192_000;
/// What is read at a time where a halt is to be noticed at once: a tenth of a second.
const BLOCKS_PER_SECOND: u32 = 10;
/// The tag that many mp3 files begin with has a head of this length.
const ID3_HEAD_BYTES: usize = 10;

/// Open audio whose head was checked.
pub struct Audio {
    decoder: Box<dyn Decoder>,
    format: AudioFormat,
    /// Decoded and not handed over yet: packets are not as long as blocks.
    waiting: Vec<f32>,
}

/// What the file is, by measure.
pub fn probe(path: &Path) -> Result<AudioFormat, AnalysisError> {
    Ok(Audio::open(path)?.format())
}

impl Audio {
    /// Opens the file and checks its head against the file.
    pub fn open(path: &Path) -> Result<Self, AnalysisError> {
        let mut file = File::open(path).map_err(AnalysisError::ReadFile)?;
        let file_bytes = file.metadata().map_err(AnalysisError::ReadFile)?.len();
        match mp3_start(&mut file).map_err(AnalysisError::ReadFile)? {
            Some(start) => Self::of_mp3(path, start, file_bytes.saturating_sub(start)),
            None => Self::of_wave(path, &riff::find(&mut file, file_bytes).map_err(explain_header)?),
        }
    }

    fn of_wave(path: &Path, wave: &Wave) -> Result<Self, AnalysisError> {
        if wave.tag == tag::MP3 {
            return Self::of_mp3(path, wave.data_start, wave.data_bytes);
        }
        let wave = &whole_blocks(wave.clone())?;
        let format = AudioFormat {
            channels: wave.channels,
            sample_rate_hertz: wave.rate_hertz,
            bits_per_sample: wave.bits,
            seconds: seconds(frames(wave), wave.rate_hertz),
        };
        let region = region(path, wave.data_start, wave.data_bytes)?;
        let decoder: Box<dyn Decoder> = match wave.tag {
            tag::PCM if wave.bits == 16 => Box::new(Pcm16::new(wave, region)),
            tag::PCM | tag::FLOAT => Box::new(Pcm::new(wave, region)?),
            _ => Box::new(Packets::wave(wave, region)?),
        };
        Ok(Self::new(decoder, format))
    }

    fn of_mp3(path: &Path, start: u64, bytes: u64) -> Result<Self, AnalysisError> {
        let counted = Packets::mp3(region(path, start, bytes)?)?;
        let (channels, rate_hertz) = (counted.channels(), counted.rate_hertz());
        let channels = u16::try_from(channels).unwrap_or(u16::MAX);
        check(channels, rate_hertz)?;
        let frames = counted.count_frames()?;
        let format = AudioFormat {
            channels,
            sample_rate_hertz: rate_hertz,
            bits_per_sample: 16,
            seconds: seconds(frames, rate_hertz),
        };
        let decoder = Packets::mp3(region(path, start, bytes)?)?;
        Ok(Self::new(Box::new(decoder), format))
    }

    fn new(decoder: Box<dyn Decoder>, format: AudioFormat) -> Self {
        Self {
            decoder,
            format,
            waiting: Vec::new(),
        }
    }

    /// What the file is.
    #[must_use]
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// Reads it to its end, a tenth of a second at a time, so that a halt is noticed at once; memory does not grow with the
    /// length.
    pub fn each_block(
        mut self,
        halt: &Halt,
        mut take: impl FnMut(&[f32]) -> Result<(), AnalysisError>,
    ) -> Result<(), AnalysisError> {
        let mut block = Vec::new();
        while self.next_block(halt, &mut block)? {
            take(&block)?;
        }
        Ok(())
    }

    /// The next tenth of a second, as in `read_block`; whether there is one.
    pub fn next_block(&mut self, halt: &Halt, block: &mut Vec<f32>) -> Result<bool, AnalysisError> {
        halt.check().map_err(AnalysisError::FinishInTime)?;
        let frames = self.format.sample_rate_hertz / BLOCKS_PER_SECOND;
        self.read_block(frames as usize, block)?;
        Ok(!block.is_empty())
    }

    /// Fills the block with up to `frames` frames, channels interleaved, full scale 1.0; empty at the end.
    pub fn read_block(&mut self, frames: usize, block: &mut Vec<f32>) -> Result<(), AnalysisError> {
        block.clear();
        let channels = usize::from(self.format.channels);
        let wanted = frames * channels;
        while self.waiting.len() < wanted {
            let before = self.waiting.len();
            self.decoder.decode((wanted - before) / channels, &mut self.waiting)?;
            if self.waiting.len() == before {
                break;
            }
        }
        block.extend(self.waiting.drain(..wanted.min(self.waiting.len())));
        Ok(())
    }
}

/// Checks what the header says against itself, and leaves out what is no whole block at the end.
fn whole_blocks(mut wave: Wave) -> Result<Wave, AnalysisError> {
    check(wave.channels, wave.rate_hertz)?;
    let frame_bits = u32::from(wave.block_bytes) * 8 / u32::from(wave.channels);
    let fits = match wave.tag {
        // The container's bits are what counts: 20 bits come in 24, the lowest of them zero.
        tag::PCM => {
            let said = u32::from(wave.bits);
            wave.bits = u16::try_from(frame_bits).unwrap_or_default();
            matches!(wave.bits, 8 | 16 | 24 | 32) && (1..=frame_bits).contains(&said)
        }
        tag::FLOAT => wave.bits == 32 && frame_bits == 32,
        tag::MU_LAW | tag::A_LAW => frame_bits == 8,
        tag::ADPCM_IMA => wave.bits == 4 && wave.channels <= 2 && wave.block_bytes > 4 * wave.channels,
        tag::ADPCM_MICROSOFT => wave.bits == 4 && wave.channels <= 2 && wave.block_bytes > 7 * wave.channels,
        _ => return refuse("it is neither PCM, float, mu-law, A-law, ADPCM nor mp3".to_owned()),
    };
    if !fits || !wave.block_bytes.is_multiple_of(wave.channels) {
        return refuse(format!(
            "samples of {} bits in blocks of {} bytes",
            wave.bits, wave.block_bytes
        ));
    }
    wave.data_bytes -= wave.data_bytes % u64::from(wave.block_bytes);
    Ok(wave)
}

/// An ADPCM block begins with whole samples; what follows are four bits each.
fn frames(wave: &Wave) -> u64 {
    let (block, channels) = (u64::from(wave.block_bytes), u64::from(wave.channels));
    let blocks = wave.data_bytes / block;
    let frames_of_block = match wave.tag {
        tag::ADPCM_IMA => (block - 4 * channels) * 2 / channels + 1,
        tag::ADPCM_MICROSOFT => (block - 7 * channels) * 2 / channels + 2,
        _ => 1,
    };
    blocks.saturating_mul(frames_of_block)
}

fn check(channels: u16, rate_hertz: u32) -> Result<(), AnalysisError> {
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return refuse(format!("{channels} channels, want 1 to {MAX_CHANNELS}"));
    }
    if !(MIN_SAMPLE_RATE_HERTZ..=MAX_SAMPLE_RATE_HERTZ).contains(&rate_hertz) {
        return refuse(format!(
            "{rate_hertz} samples per second, want {MIN_SAMPLE_RATE_HERTZ} to {MAX_SAMPLE_RATE_HERTZ}"
        ));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "frames of a file: exact for a thousand years")]
fn seconds(frames: u64, rate_hertz: u32) -> f64 {
    frames as f64 / f64::from(rate_hertz)
}

/// Where the first frame of an mp3 is, if the file begins like one.
fn mp3_start(file: &mut File) -> std::io::Result<Option<u64>> {
    let mut head = Vec::new();
    file.by_ref().take(ID3_HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(match head.as_slice() {
        [b'I', b'D', b'3', _, _, _, length @ ..] if length.len() == 4 => {
            let length = length.iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
            Some(ID3_HEAD_BYTES as u64 + length)
        }
        // Eleven bits of one, then a version and a layer that exist.
        [0xff, second, ..] if second & 0xe6 == 0xe2 && second & 0x18 != 0x08 => Some(0),
        _ => None,
    })
}

fn region(path: &Path, start: u64, bytes: u64) -> Result<Region, AnalysisError> {
    let mut file = File::open(path).map_err(AnalysisError::ReadFile)?;
    file.seek(SeekFrom::Start(start)).map_err(AnalysisError::ReadFile)?;
    Ok(BufReader::new(file).take(bytes))
}

fn refuse<T>(reason: String) -> Result<T, AnalysisError> {
    Err(AnalysisError::ReadAudio { reason })
}

fn explain_header(error: ReadWave) -> AnalysisError {
    match error {
        ReadWave::ReadFile(error) => AnalysisError::ReadFile(error),
        ReadWave::ReadHeader(reason) => AnalysisError::ReadAudio { reason },
    }
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
