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
        let mode = Mode::I | Mode::TRUE_PEAK | Mode::SAMPLE_PEAK | Mode::HISTOGRAM;
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

    /// The loudest channel's peak between the samples, in decibels; null for digital silence.
    pub(super) fn true_peak(&self) -> Result<Option<f64>, AnalysisError> {
        self.peak(EbuR128::true_peak)
    }

    /// The loudest channel's highest sample, in decibels; null for digital silence.
    pub(super) fn sample_peak(&self) -> Result<Option<f64>, AnalysisError> {
        self.peak(EbuR128::sample_peak)
    }

    fn peak(
        &self,
        of_channel: impl Fn(&EbuR128, u32) -> Result<f64, ebur128::Error>,
    ) -> Result<Option<f64>, AnalysisError> {
        let mut highest = 0.0_f64;
        for channel in 0..self.meter.channels() {
            highest = highest.max(of_channel(&self.meter, channel).map_err(failed)?);
        }
        Ok(rounded(20.0 * highest.log10()))
    }
}

fn failed(error: ebur128::Error) -> AnalysisError {
    AnalysisError::Analyze {
        part: "loudness",
        reason: error.to_string(),
    }
}
