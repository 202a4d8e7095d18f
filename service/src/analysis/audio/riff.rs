//! Finds the samples in a RIFF/WAVE file, by what is in the file and not by what its header says of itself. Pure but for the
//! reading; called by `audio`.
//!
//! Recorders lie in a few well-known ways: one that writes to a pipe leaves the lengths at 0 or at their maximum, because it
//! cannot come back to them; one that was cut off promises more than there is. The first is taken to the end of the file,
//! the second is refused, because it is an upload that is not whole.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// A length that says "to the end of the file".
const UNKNOWN_LENGTH: u32 = u32::MAX;
/// The parts of a `fmt ` chunk that are read; the rest of a longer one says nothing more.
const FORMAT_MAX_BYTES: u64 = 128;
/// Chunks before the samples; no recorder writes more than a handful.
const CHUNKS_LIMIT: usize = 1000;

/// The codes of how samples are written, in the first two bytes of a `fmt ` chunk.
pub mod tag {
    /// Linear PCM.
    pub const PCM: u16 = 0x0001;
    /// Microsoft's ADPCM.
    pub const ADPCM_MICROSOFT: u16 = 0x0002;
    /// Floating point.
    pub const FLOAT: u16 = 0x0003;
    /// A-law.
    pub const A_LAW: u16 = 0x0006;
    /// mu-law.
    pub const MU_LAW: u16 = 0x0007;
    /// The IMA's ADPCM.
    pub const ADPCM_IMA: u16 = 0x0011;
    /// MPEG layer 3.
    pub const MP3: u16 = 0x0055;
    /// The code is in the extension.
    pub const EXTENSIBLE: u16 = 0xfffe;
}

/// Where the samples are, and how they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// One of [`tag`], never `EXTENSIBLE`.
    pub tag: u16,
    /// How many channels.
    pub channels: u16,
    /// Samples per second of each.
    pub rate_hertz: u32,
    /// Bytes of one block: a frame, or of ADPCM many.
    pub block_bytes: u16,
    /// Bits of one sample.
    pub bits: u16,
    /// The whole `fmt ` chunk, for the decoders that read its extension.
    pub format: Vec<u8>,
    /// Where the first sample is in the file.
    pub data_start: u64,
    /// How many bytes of samples there are.
    pub data_bytes: u64,
}

/// Why there are no samples.
#[derive(Debug, thiserror::Error)]
pub enum ReadWave {
    /// The disk.
    #[error("failed to read the file")]
    ReadFile(#[source] io::Error),
    /// The bytes.
    #[error("failed to read the header: {0}")]
    ReadHeader(String),
}

struct Chunk {
    name: [u8; 4],
    start: u64,
    /// As the header has it.
    bytes: u32,
}

/// Walks the chunks up to the samples.
pub fn find(file: &mut (impl Read + Seek), file_bytes: u64) -> Result<Wave, ReadWave> {
    let mut head = [0; 12];
    read(file, 0, &mut head)?;
    if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
        return refuse("it is no WAV file");
    }
    let promised = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let (mut format, mut data, mut next) = (None, None, 12);
    for _ in 0..CHUNKS_LIMIT {
        if next + 8 > file_bytes || (format.is_some() && data.is_some()) {
            break;
        }
        let chunk = chunk(file, next)?;
        match &chunk.name {
            b"fmt " if format.is_none() => format = Some(read_format(file, &chunk)?),
            b"data" if data.is_none() => {
                let bytes = data_bytes(&chunk, promised, file_bytes)?;
                data = Some((chunk.start, bytes));
                // Nothing can follow samples that reach to the end.
                next = chunk.start + bytes + bytes % 2;
                continue;
            }
            _ => {}
        }
        // Every chunk ends on an even byte; where a recorder forgot that, the next name tells.
        next = after(file, &chunk, file_bytes)?;
    }
    match (format, data) {
        (Some(format), Some((data_start, data_bytes))) => read_wave(format, data_start, data_bytes),
        (None, _) => refuse("it does not say how its samples are written"),
        (_, None) => refuse("it has no samples"),
    }
}

fn chunk(file: &mut (impl Read + Seek), at: u64) -> Result<Chunk, ReadWave> {
    let mut head = [0; 8];
    read(file, at, &mut head)?;
    Ok(Chunk {
        name: [head[0], head[1], head[2], head[3]],
        start: at + 8,
        bytes: u32::from_le_bytes([head[4], head[5], head[6], head[7]]),
    })
}

fn after(file: &mut (impl Read + Seek), chunk: &Chunk, file_bytes: u64) -> Result<u64, ReadWave> {
    let end = chunk.start + u64::from(chunk.bytes);
    if chunk.bytes.is_multiple_of(2) || end + 8 > file_bytes {
        return Ok(end);
    }
    let mut name = [0; 4];
    read(file, end, &mut name)?;
    let forgotten = name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    Ok(if forgotten { end } else { end + 1 })
}

/// How many bytes of samples there are, given what the chunk and the whole file say of their lengths.
fn data_bytes(chunk: &Chunk, promised: u32, file_bytes: u64) -> Result<u64, ReadWave> {
    let there = file_bytes - chunk.start;
    let never_written = matches!(promised, 0 | UNKNOWN_LENGTH) || u64::from(promised) + 8 <= chunk.start;
    match chunk.bytes {
        UNKNOWN_LENGTH => Ok(there),
        0 if never_written => Ok(there),
        bytes if u64::from(bytes) <= there => Ok(bytes.into()),
        bytes => refuse(&format!(
            "its header promises {bytes} bytes of samples, the file has {there}"
        )),
    }
}

fn read_format(file: &mut (impl Read + Seek), chunk: &Chunk) -> Result<Vec<u8>, ReadWave> {
    if chunk.bytes < 16 {
        return refuse("its format is too short");
    }
    let bytes = u64::from(chunk.bytes).min(FORMAT_MAX_BYTES);
    let mut format = Vec::new();
    file.seek(SeekFrom::Start(chunk.start)).map_err(ReadWave::ReadFile)?;
    file.take(bytes).read_to_end(&mut format).map_err(ReadWave::ReadFile)?;
    if (format.len() as u64) < bytes {
        return refuse("it ends too early");
    }
    Ok(format)
}

fn read_wave(format: Vec<u8>, data_start: u64, data_bytes: u64) -> Result<Wave, ReadWave> {
    let two = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
    let tag = match two(0) {
        tag::EXTENSIBLE if format.len() >= 26 => two(24),
        tag::EXTENSIBLE => return refuse("its format is too short"),
        tag => tag,
    };
    Ok(Wave {
        tag,
        channels: two(2),
        rate_hertz: u32::from_le_bytes([format[4], format[5], format[6], format[7]]),
        block_bytes: two(12),
        bits: two(14),
        format,
        data_start,
        data_bytes,
    })
}

fn read(file: &mut (impl Read + Seek), at: u64, into: &mut [u8]) -> Result<(), ReadWave> {
    file.seek(SeekFrom::Start(at)).map_err(ReadWave::ReadFile)?;
    match file.read_exact(into) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => refuse("it ends too early"),
        read => read.map_err(ReadWave::ReadFile),
    }
}

fn refuse<T>(reason: &str) -> Result<T, ReadWave> {
    Err(ReadWave::ReadHeader(reason.to_owned()))
}

#[cfg(test)]
mod tests;
