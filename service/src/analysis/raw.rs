//! Gives audio without a header the header that it lacks, when it is accepted: from then on it is a WAV file like any other,
//! for every analyzer. Called by `handler::analysis`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::domain::{RawFormat, RawSamples};

/// What a WAV file begins with: `RIFF`, a length, `WAVE`.
const MAGIC_BYTES: usize = 12;
/// What a header says of its own `fmt ` chunk.
const FORMAT_CHUNK_BYTES: u32 = 16;
const PCM: u16 = 1;
/// What follows the first length: `WAVE`, the `fmt ` chunk and the head of the `data` chunk.
const HEADER_AFTER_LENGTH_BYTES: u32 = 36;

/// Whether the file has a header of its own, whatever its format is said to be.
pub fn has_header(path: &Path) -> io::Result<bool> {
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    File::open(path)?.take(MAGIC_BYTES as u64).read_to_end(&mut magic)?;
    Ok(magic.starts_with(b"RIFF") && magic.ends_with(b"WAVE") && magic.len() == MAGIC_BYTES)
}

/// The header for this many bytes of samples. None: they are not whole frames, or more than a WAV file can hold.
#[must_use]
pub fn header(format: RawFormat, data_bytes: u64) -> Option<Vec<u8>> {
    let data_bytes = u32::try_from(data_bytes).ok()?;
    let length = data_bytes.checked_add(HEADER_AFTER_LENGTH_BYTES)?;
    let frame_bytes = format.frame_bytes();
    if data_bytes.checked_rem(frame_bytes)? != 0 {
        return None;
    }
    let block_align = u16::try_from(frame_bytes).ok()?;
    let bytes_per_second = format.sample_rate_hertz.checked_mul(frame_bytes)?;
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&length.to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&FORMAT_CHUNK_BYTES.to_le_bytes());
    header.extend_from_slice(&PCM.to_le_bytes());
    header.extend_from_slice(&format.channels.to_le_bytes());
    header.extend_from_slice(&format.sample_rate_hertz.to_le_bytes());
    header.extend_from_slice(&bytes_per_second.to_le_bytes());
    header.extend_from_slice(&block_align.to_le_bytes());
    header.extend_from_slice(&(format.samples.bytes() * 8).to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data_bytes.to_le_bytes());
    Some(header)
}

/// Writes samples as WAV has them: the lowest byte first, and eight bits unsigned. `block` holds whole samples.
pub fn convert(samples: RawSamples, block: &mut [u8]) {
    match samples {
        RawSamples::Unsigned8 | RawSamples::LittleEndian(_) => {}
        RawSamples::Signed8 => {
            for sample in block {
                *sample ^= 0x80;
            }
        }
        RawSamples::BigEndian(bytes) => {
            for sample in block.chunks_exact_mut(usize::from(bytes).max(1)) {
                sample.reverse();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::probe;

    fn format(samples: RawSamples, channels: u16) -> RawFormat {
        RawFormat {
            samples,
            channels,
            sample_rate_hertz: 8000,
        }
    }

    #[test]
    fn makes_a_wav_file_of_samples_in_every_form() -> Result<(), Box<dyn std::error::Error>> {
        use RawSamples::{BigEndian, LittleEndian, Signed8, Unsigned8};
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("audio");
        // A quarter of full scale.
        for (samples, sample) in [
            (Unsigned8, &[0xa0][..]),
            (Signed8, &[0x20]),
            (LittleEndian(2), &[0x00, 0x20]),
            (BigEndian(2), &[0x20, 0x00]),
            (LittleEndian(3), &[0x00, 0x00, 0x20]),
            (BigEndian(3), &[0x20, 0x00, 0x00]),
            (LittleEndian(4), &[0x00, 0x00, 0x00, 0x20]),
        ] {
            let mut data = sample.repeat(2 * 800);
            assert!(!{
                std::fs::write(&file, &data)?;
                has_header(&file)?
            });
            let mut wav = header(format(samples, 2), data.len() as u64).ok_or("whole frames")?;
            convert(samples, &mut data);
            wav.extend_from_slice(&data);
            std::fs::write(&file, &wav)?;
            assert!(has_header(&file)?);
            let probed = probe(&file)?;
            assert_eq!(
                (probed.channels, probed.sample_rate_hertz, probed.bits_per_sample),
                (2, 8000, samples.bytes() * 8)
            );
            assert!((probed.seconds - 0.1).abs() < 1e-9, "{samples:?}");
            let mut reader = hound::WavReader::open(&file)?;
            let full_scale = 1_i64 << (samples.bytes() * 8 - 1);
            for sample in reader.samples::<i32>() {
                assert_eq!(i64::from(sample?), full_scale / 4, "{samples:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn makes_no_header_for_what_is_not_whole_frames_or_does_not_fit() {
        let stereo = format(RawSamples::LittleEndian(2), 2);
        for (data_bytes, fits) in [
            (8, true),
            (0, true),
            (6, false),
            (7, false),
            (u64::from(u32::MAX) - 39, true),
            (u64::from(u32::MAX) - 35, false),
            (1 << 32, false),
        ] {
            assert_eq!(header(stereo, data_bytes).is_some(), fits, "{data_bytes}");
        }
        assert!(header(format(RawSamples::LittleEndian(2), 0), 8).is_none());
        assert!(header(format(RawSamples::LittleEndian(4), 65_535), 0).is_none());
    }
}
