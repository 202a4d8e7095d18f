//! mu-law and A-law as G.711 defines them, written from its formulas: another hand than the product's own library.

use bytes::Bytes;

/// The two laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Of North America and Japan.
    Mu,
    /// Of the rest of the world.
    A,
}

/// A WAV file of one channel.
pub fn wav(law: Law, rate_hertz: u32, samples: impl Iterator<Item = f64>) -> Bytes {
    let data: Vec<u8> = samples.map(|sample| law.compress(sample)).collect();
    let tag: u16 = match law {
        Law::Mu => 7,
        Law::A => 6,
    };
    let length = |bytes: usize| u32::try_from(bytes).expect("a test's recording is short").to_le_bytes();
    let mut file = [
        b"RIFF".as_slice(),
        &length(38 + data.len()),
        b"WAVEfmt ",
        &18_u32.to_le_bytes(),
    ]
    .concat();
    file.extend(tag.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(rate_hertz.to_le_bytes());
    file.extend(rate_hertz.to_le_bytes());
    file.extend([1, 0, 8, 0, 0, 0]);
    file.extend(b"data");
    file.extend(length(data.len()));
    file.extend(data);
    file.into()
}

impl Law {
    /// One sample, full scale 1.
    #[expect(clippy::cast_possible_truncation, reason = "a sample in -1..1 fits")]
    pub fn compress(self, sample: f64) -> u8 {
        let sample = (sample * f64::from(i16::MAX)).round() as i32;
        match self {
            Self::Mu => mu(sample),
            Self::A => a(sample),
        }
    }
}

/// The bias moves every segment to a power of two.
fn mu(sample: i32) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.abs().min(32_635) + 132;
    let segment = (magnitude >> 7).ilog2();
    let step = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | low_bits(segment << 4) | low_bits(step.unsigned_abs()))
}

/// The first segment has the steps of the second.
fn a(sample: i32) -> u8 {
    let (magnitude, mask) = if sample < 0 {
        ((-sample - 1) >> 3, 0x55)
    } else {
        (sample >> 3, 0xd5)
    };
    let segment = if magnitude < 32 { 0 } else { magnitude.ilog2() - 4 };
    let step = (magnitude >> segment.max(1)) & 0x0f;
    (low_bits(segment << 4) | low_bits(step.unsigned_abs())) ^ mask
}

fn low_bits(number: u32) -> u8 {
    number.to_le_bytes()[0]
}
