//! Audio without a header: linear samples, one frame after the other, as a request describes them.

use serde::{Deserialize, Serialize};

/// How the samples of audio without a header are written. Stored as JSON, with a job whose audio is still to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawFormat {
    /// How one sample is written.
    pub samples: RawSamples,
    /// How many channels.
    pub channels: u16,
    /// Samples per second of each channel.
    pub sample_rate_hertz: u32,
}

/// How one linear sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawSamples {
    /// Eight bits with silence at 128.
    Unsigned8,
    /// Eight bits with silence at 0.
    Signed8,
    /// Signed, of this many bytes, the lowest first.
    LittleEndian(u16),
    /// Signed, of this many bytes, the highest first.
    BigEndian(u16),
}

impl RawSamples {
    /// The size of one sample of one channel.
    #[must_use]
    pub const fn bytes(self) -> u16 {
        match self {
            Self::Unsigned8 | Self::Signed8 => 1,
            Self::LittleEndian(bytes) | Self::BigEndian(bytes) => bytes,
        }
    }
}

impl RawFormat {
    /// The size of one sample of all channels.
    #[must_use]
    pub fn frame_bytes(self) -> u32 {
        u32::from(self.samples.bytes()) * u32::from(self.channels)
    }
}
