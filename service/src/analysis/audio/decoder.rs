//! Turns bytes into samples, a little at a time. One small seam over the two libraries that do it: `hound` for linear PCM,
//! `symphonia` for everything that is compressed. Both are given a header of our own making, never the sender's: its
//! lengths are those that were measured. Called by `audio`.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read, Take};

use hound::{SampleFormat, WavReader};
use symphonia::core::audio::Channels;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource};
use symphonia::default::codecs::{AdpcmDecoder, MpaDecoder, PcmDecoder};
use symphonia::default::formats::{MpaReader, WavReader as PacketReader};

use super::riff::{Wave, tag};
use super::{explain, refuse};
use crate::analysis::AnalysisError;

/// The samples' bytes, from where they begin to where they end.
pub type Region = Take<BufReader<File>>;

/// Frames that are broken, one after the other, before the whole is taken for something that is no audio.
const BROKEN_PACKETS_LIMIT: u32 = 64;

/// Gives samples.
pub trait Decoder: Send {
    /// Adds at least one frame and at most about this many, channels interleaved, full scale 1.0; nothing at the end.
    fn decode(&mut self, frames: usize, into: &mut Vec<f32>) -> Result<(), AnalysisError>;
}

/// Linear PCM and floating point.
pub struct Pcm {
    reader: WavReader<Chain<Cursor<Vec<u8>>, Region>>,
    channels: usize,
    scale: f64,
}

impl Pcm {
    /// Reads the samples of this region.
    pub fn new(wave: &Wave, region: Region) -> Result<Self, AnalysisError> {
        let header = Cursor::new(header(wave, &format(wave, wave.bits)));
        let reader = WavReader::new(header.chain(region)).map_err(explain)?;
        Ok(Self {
            channels: usize::from(wave.channels),
            scale: f64::from(1_u32 << (wave.bits - 1).min(31)),
            reader,
        })
    }
}

impl Decoder for Pcm {
    fn decode(&mut self, frames: usize, into: &mut Vec<f32>) -> Result<(), AnalysisError> {
        let wanted = frames * self.channels;
        match self.reader.spec().sample_format {
            SampleFormat::Float => {
                for sample in self.reader.samples::<f32>().take(wanted) {
                    let sample = sample.map_err(explain)?;
                    into.push(if sample.is_finite() { sample } else { 0.0 });
                }
            }
            SampleFormat::Int => {
                for sample in self.reader.samples::<i32>().take(wanted) {
                    into.push(to_unit(sample.map_err(explain)?, self.scale));
                }
            }
        }
        Ok(())
    }
}

/// What most recordings are: linear PCM of 16 bits, taken as it lies in the file, eight times as fast.
pub struct Pcm16 {
    region: Region,
    channels: usize,
    bytes: Vec<u8>,
}

impl Pcm16 {
    /// Reads the samples of this region.
    pub fn new(wave: &Wave, region: Region) -> Self {
        Self {
            region,
            channels: usize::from(wave.channels),
            bytes: Vec::new(),
        }
    }
}

impl Decoder for Pcm16 {
    fn decode(&mut self, frames: usize, into: &mut Vec<f32>) -> Result<(), AnalysisError> {
        let wanted = frames.saturating_mul(self.channels).saturating_mul(2) as u64;
        self.bytes.clear();
        let mut next = (&mut self.region).take(wanted);
        let read = next.read_to_end(&mut self.bytes).map_err(AnalysisError::ReadFile)?;
        if (read as u64) < wanted && self.region.limit() > 0 {
            return refuse("it ends too early".to_owned());
        }
        let samples = self
            .bytes
            .chunks_exact(2)
            .map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]));
        into.extend(samples.map(|sample| f32::from(sample) / 32_768.0));
        Ok(())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a sample in -1..1 fits; more precision than f32 no analyzer uses"
)]
fn to_unit(sample: i32, scale: f64) -> f32 {
    (f64::from(sample) / scale) as f32
}

/// Anything that comes in packets.
pub struct Packets {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    channels: usize,
    rate_hertz: u32,
    decoded: Vec<f32>,
}

impl Packets {
    /// mu-law, A-law and ADPCM.
    pub fn wave(wave: &Wave, region: Region) -> Result<Self, AnalysisError> {
        let format = match wave.tag {
            tag::ADPCM_IMA | tag::ADPCM_MICROSOFT => wave.format.clone(),
            _ => format(wave, 8),
        };
        let source = Cursor::new(header(wave, &format)).chain(region);
        let stream = MediaSourceStream::new(
            Box::new(ReadOnlySource::new(source)),
            MediaSourceStreamOptions::default(),
        );
        let reader = PacketReader::try_new(stream, FormatOptions::default()).map_err(unreadable)?;
        Self::new(Box::new(reader))
    }

    /// MPEG layer 3, from its first frame on.
    pub fn mp3(region: Region) -> Result<Self, AnalysisError> {
        let stream = MediaSourceStream::new(
            Box::new(ReadOnlySource::new(region)),
            MediaSourceStreamOptions::default(),
        );
        let reader = MpaReader::try_new(stream, FormatOptions::default()).map_err(unreadable)?;
        Self::new(Box::new(reader))
    }

    fn new(reader: Box<dyn FormatReader>) -> Result<Self, AnalysisError> {
        let parameters = reader
            .default_track(TrackType::Audio)
            .and_then(|track| track.codec_params.as_ref())
            .and_then(CodecParameters::audio);
        let Some(parameters) = parameters else {
            return refuse("it has no samples".to_owned());
        };
        let (channels, rate_hertz) = (
            parameters.channels.as_ref().map_or(0, Channels::count),
            parameters.sample_rate,
        );
        Ok(Self {
            channels,
            rate_hertz: rate_hertz.unwrap_or_default(),
            decoder: decoder(parameters)?,
            reader,
            decoded: Vec::new(),
        })
    }

    /// How many channels the packets have.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Samples per second of each.
    pub fn rate_hertz(&self) -> u32 {
        self.rate_hertz
    }

    /// Goes to the end without decoding more than the first packet, and says how many frames there are. The work is
    /// bounded by the size of the file, whatever lengths it claims.
    pub fn count_frames(mut self) -> Result<u64, AnalysisError> {
        let mut first = Vec::new();
        self.decode(1, &mut first)?;
        let mut frames = (first.len() / self.channels.max(1)) as u64;
        while let Some(packet) = self.reader.next_packet().map_err(unreadable)? {
            frames = frames.saturating_add(packet.dur.get());
        }
        Ok(frames)
    }
}

fn decoder(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, AnalysisError> {
    let options = AudioDecoderOptions::default();
    if let Ok(decoder) = PcmDecoder::try_new(parameters, &options) {
        return Ok(Box::new(decoder));
    }
    if let Ok(decoder) = AdpcmDecoder::try_new(parameters, &options) {
        return Ok(Box::new(decoder));
    }
    let decoder = MpaDecoder::try_new(parameters, &options).map_err(unreadable)?;
    Ok(Box::new(decoder))
}

impl Decoder for Packets {
    fn decode(&mut self, _frames: usize, into: &mut Vec<f32>) -> Result<(), AnalysisError> {
        for _ in 0..BROKEN_PACKETS_LIMIT {
            let Some(packet) = self.reader.next_packet().map_err(unreadable)? else {
                return Ok(());
            };
            let buffer = match self.decoder.decode(&packet) {
                Ok(buffer) => buffer,
                // A broken packet is a click; the rest is heard.
                Err(Error::DecodeError(_)) => continue,
                Err(error) => return Err(unreadable(error)),
            };
            let spec = buffer.spec();
            if (spec.channels().count(), spec.rate()) != (self.channels, self.rate_hertz) {
                return refuse("its channels or its rate change on the way".to_owned());
            }
            buffer.copy_to_vec_interleaved(&mut self.decoded);
            if !self.decoded.is_empty() {
                into.append(&mut self.decoded);
                return Ok(());
            }
        }
        refuse("too much of it is broken".to_owned())
    }
}

/// A `fmt ` chunk of our own making.
fn format(wave: &Wave, bits: u16) -> Vec<u8> {
    let rate_bytes = wave.rate_hertz.saturating_mul(u32::from(wave.block_bytes));
    let extension: &[u8] = if wave.tag == tag::PCM || wave.tag == tag::FLOAT {
        &[]
    } else {
        &[0, 0]
    };
    [
        &wave.tag.to_le_bytes()[..],
        &wave.channels.to_le_bytes(),
        &wave.rate_hertz.to_le_bytes(),
        &rate_bytes.to_le_bytes(),
        &wave.block_bytes.to_le_bytes(),
        &bits.to_le_bytes(),
        extension,
    ]
    .concat()
}

/// A header whose lengths are true: those of the samples that were found.
fn header(wave: &Wave, format: &[u8]) -> Vec<u8> {
    let data_bytes = u32::try_from(wave.data_bytes).unwrap_or(u32::MAX - 1);
    let format_bytes = u32::try_from(format.len()).unwrap_or(u32::MAX);
    let whole_bytes = data_bytes.saturating_add(format_bytes).saturating_add(20);
    [
        b"RIFF".as_slice(),
        &whole_bytes.to_le_bytes(),
        b"WAVEfmt ",
        &format_bytes.to_le_bytes(),
        format,
        b"data",
        &data_bytes.to_le_bytes(),
    ]
    .concat()
}

/// Like hound's, an error of the system is the disk's, and any other the audio's.
fn unreadable(error: Error) -> AnalysisError {
    let reason = match error {
        Error::IoError(error) if error.raw_os_error().is_some() => return AnalysisError::ReadFile(error),
        Error::IoError(_) => "it ends too early".to_owned(),
        Error::DecodeError(reason) | Error::Unsupported(reason) => reason.to_owned(),
        _ => "it cannot be decoded".to_owned(),
    };
    AnalysisError::ReadAudio { reason }
}
