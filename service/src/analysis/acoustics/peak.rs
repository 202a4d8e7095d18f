//! How high the sound goes: its highest sample, and the highest point between samples, the true peak of EBU R 128.
//!
//! To look between samples is a good part of all the work. What is so low that nothing between its samples can exceed what
//! was found before is not looked at, which changes no figure.

use ebur128::{EbuR128, Mode};

use super::loudness::failed;
use super::rounded;
use crate::analysis::AnalysisError;

/// What is judged at a time: shorter than a syllable.
const PIECES_PER_SECOND: u32 = 100;
/// The meter looks at so many frames at the most for one point between them.
const MEMORY_FRAMES: usize = 24;
/// It computes four points a sample; from this rate on two, with a longer filter.
const TWO_POINTS_FROM_HERTZ: u32 = 96_000;
/// By how much a point may exceed every sample around it: the sum of the filter's factors without their signs.
const FOUR_POINTS_EXCEED: f32 = 1.87;
const TWO_POINTS_EXCEED: f32 = 2.31;

pub(super) struct Peak {
    meter: EbuR128,
    piece_samples: usize,
    memory_samples: usize,
    exceed: f32,
    /// The last frames that were heard, looked at or not.
    before: Vec<f32>,
    /// The highest sample of the last piece, and whether the meter has looked at that.
    last: f32,
    has_looked: bool,
    sample: f32,
    between: f64,
}

impl Peak {
    pub(super) fn new(channels: u16, rate_hertz: u32) -> Result<Self, AnalysisError> {
        let exceed = if rate_hertz < TWO_POINTS_FROM_HERTZ {
            FOUR_POINTS_EXCEED
        } else {
            TWO_POINTS_EXCEED
        };
        Ok(Self {
            meter: EbuR128::new(u32::from(channels), rate_hertz, Mode::TRUE_PEAK).map_err(failed)?,
            piece_samples: (rate_hertz / PIECES_PER_SECOND).max(1) as usize * usize::from(channels),
            memory_samples: MEMORY_FRAMES * usize::from(channels),
            exceed,
            before: Vec::new(),
            last: 0.0,
            has_looked: false,
            sample: 0.0,
            between: 0.0,
        })
    }

    pub(super) fn add(&mut self, block: &[f32]) -> Result<(), AnalysisError> {
        block
            .chunks(self.piece_samples)
            .try_for_each(|piece| self.add_piece(piece))
    }

    fn add_piece(&mut self, piece: &[f32]) -> Result<(), AnalysisError> {
        let high = piece.iter().fold(0.0_f32, |high, sample| high.max(sample.abs()));
        // The points near the end of a piece are computed with the next one.
        let can_exceed = f64::from(high.max(self.last) * self.exceed) > self.between;
        if can_exceed {
            if !self.has_looked {
                self.meter.seed_frames_f32(&self.before).map_err(failed)?;
            }
            self.look_at(piece)?;
        }
        (self.last, self.has_looked) = (high, can_exceed);
        self.sample = self.sample.max(high);
        self.before
            .extend_from_slice(&piece[piece.len().saturating_sub(self.memory_samples)..]);
        let too_many = self.before.len().saturating_sub(self.memory_samples);
        self.before.drain(..too_many);
        Ok(())
    }

    fn look_at(&mut self, piece: &[f32]) -> Result<(), AnalysisError> {
        self.meter.add_frames_f32(piece).map_err(failed)?;
        for channel in 0..self.meter.channels() {
            self.between = self.between.max(self.meter.true_peak(channel).map_err(failed)?);
        }
        Ok(())
    }

    /// The highest sample of any channel, in decibels; null for digital silence.
    pub(super) fn of_samples(&self) -> Option<f64> {
        decibels(f64::from(self.sample))
    }

    /// The highest point of any channel, in decibels; null for digital silence.
    pub(super) fn between_samples(&self) -> Option<f64> {
        decibels(self.between)
    }
}

fn decibels(height: f64) -> Option<f64> {
    rounded(20.0 * height.log10())
}

#[cfg(test)]
mod tests {
    use ebur128::{EbuR128, Mode};
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::{Peak, decibels};

    /// Bursts of noise of any level, as blocks of a tenth of a second.
    fn bursts(random: &mut StdRng, samples: usize) -> Vec<Vec<f32>> {
        let mut burst = |_| {
            let level = 10_f32.powf(random.random_range(-60.0..-1.0) / 20.0);
            (0..samples)
                .map(|_| level * random.random_range(-1.0..1.0_f32))
                .collect()
        };
        (0..40).map(&mut burst).collect()
    }

    #[test]
    fn what_is_not_looked_at_changes_no_figure() -> Result<(), Box<dyn std::error::Error>> {
        for (seed, (channels, rate)) in (0..).zip([(1, 8_000), (2, 8_000), (3, 44_100), (2, 96_000), (1, 4_000)]) {
            let mut random = StdRng::seed_from_u64(seed);
            let mut peak = Peak::new(channels, rate)?;
            let mut whole = EbuR128::new(u32::from(channels), rate, Mode::TRUE_PEAK)?;
            let mut looked = 0;
            for burst in bursts(&mut random, rate as usize / 10 * usize::from(channels)) {
                whole.add_frames_f32(&burst)?;
                peak.add(&burst)?;
                looked += usize::from(peak.has_looked);
                let all: Result<Vec<_>, _> = (0..u32::from(channels))
                    .map(|channel| whole.true_peak(channel))
                    .collect();
                let between = all?.into_iter().fold(0.0, f64::max);
                assert_eq!(
                    peak.between_samples(),
                    decibels(between),
                    "{channels} channels, {rate} Hz"
                );
            }
            assert!(looked < 40, "it looks at everything");
        }
        Ok(())
    }
}
