//! How loud it is, by EBU R 128.

use ebur128::{EbuR128, Mode};

use super::rounded;
use crate::analysis::AnalysisError;

pub(super) struct Loudness {
    meter: EbuR128,
}

impl Loudness {
    pub(super) fn new(channels: u16, rate_hertz: u32) -> Result<Self, AnalysisError> {
        // A histogram instead of every block's loudness: else memory grows with the length.
        let mode = Mode::I | Mode::HISTOGRAM;
        let meter = EbuR128::new(u32::from(channels), rate_hertz, mode).map_err(failed)?;
        Ok(Self { meter })
    }

    pub(super) fn add(&mut self, block: &[f32]) -> Result<(), AnalysisError> {
        self.meter.add_frames_f32(block).map_err(failed)
    }

    /// LUFS; null for silence and for what is too short to gate (0.4 s).
    pub(super) fn integrated(&self) -> Result<Option<f64>, AnalysisError> {
        self.meter.loudness_global().map(rounded).map_err(failed)
    }
}

pub(super) fn failed(error: ebur128::Error) -> AnalysisError {
    AnalysisError::Analyze {
        part: "loudness",
        reason: error.to_string(),
    }
}
