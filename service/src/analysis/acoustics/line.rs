//! What is wrong with the line: clipped peaks, and noise that never ends.

/// Peaks that are cut off stay at one level for so many samples.
const FLAT_SAMPLES: u64 = 3;
/// Lower, and equal samples are no clipped peak: mu-law ends at 0.98 of full scale.
const CLIPPED_FROM: f32 = 0.95;
/// Closer than this are equal samples of 16 bits.
const EQUAL_WITHIN: f32 = 2e-5;
/// From this part of all samples on clipping is heard: one in a thousand.
const CLIPPING_RATIO: f64 = 0.001;
/// A line that is nearly always louder than this is noisy: the bound of silence.
const NOISE_FROM_DBFS: f64 = -50.0;
/// Less than this tells nothing of a line: half a second.
const MIN_FRAMES: u64 = 31;
/// The part of the time that is at most as loud as the noise: whoever talks pauses for longer.
const QUIET_PART: u64 = 10;
/// Levels are counted by decibels, from here up.
const LOWEST_DBFS: i16 = -100;
const LEVELS: usize = 101;

/// Counts what is cut off on one channel.
#[derive(Debug, Default)]
pub(super) struct Clipping {
    samples: u64,
    clipped: u64,
    flat: u64,
    last: f32,
}

impl Clipping {
    pub(super) fn add(&mut self, samples: impl Iterator<Item = f32>) {
        for sample in samples {
            self.samples += 1;
            if sample.abs() < CLIPPED_FROM {
                self.flat = 0;
            } else {
                self.flat = if (sample - self.last).abs() < EQUAL_WITHIN {
                    self.flat + 1
                } else {
                    1
                };
                match self.flat {
                    FLAT_SAMPLES => self.clipped += FLAT_SAMPLES,
                    longer if longer > FLAT_SAMPLES => self.clipped += 1,
                    _ => {}
                }
            }
            self.last = sample;
        }
    }

    /// The part of all samples that is cut off.
    #[expect(clippy::cast_precision_loss, reason = "samples of a file")]
    pub(super) fn ratio(&self) -> f64 {
        self.clipped as f64 / self.samples.max(1) as f64
    }

    pub(super) fn is_heard(&self) -> bool {
        self.ratio() >= CLIPPING_RATIO
    }
}

/// How loud a channel is where it is quietest: in a tenth of its frames.
#[derive(Debug)]
pub(super) struct NoiseFloor {
    levels: [u64; LEVELS],
    frames: u64,
}

impl Default for NoiseFloor {
    fn default() -> Self {
        Self {
            levels: [0; LEVELS],
            frames: 0,
        }
    }
}

impl NoiseFloor {
    /// One frame of this power.
    pub(super) fn add(&mut self, power: f32) {
        let level = f64::from(10.0 * power.log10()).clamp(f64::from(LOWEST_DBFS), 0.0) - f64::from(LOWEST_DBFS);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the levels"
        )]
        if let Some(count) = self.levels.get_mut(level.round() as usize) {
            *count += 1;
        }
        self.frames += 1;
    }

    /// The level that a tenth of the frames do not exceed, to a decibel. None: it is too short, or that is digital silence.
    pub(super) fn dbfs(&self) -> Option<f64> {
        if self.frames < MIN_FRAMES {
            return None;
        }
        let mut below = 0;
        let quiet = self.levels.iter().position(|count| {
            below += count;
            below * QUIET_PART >= self.frames
        })?;
        let level = i16::try_from(quiet).ok()? + LOWEST_DBFS;
        (level > LOWEST_DBFS).then(|| f64::from(level))
    }

    pub(super) fn is_heard(&self) -> bool {
        self.dbfs().is_some_and(|level| level >= NOISE_FROM_DBFS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clipping(samples: &[f32]) -> f64 {
        let mut clipping = Clipping::default();
        clipping.add(samples.iter().copied());
        clipping.ratio()
    }

    #[test]
    fn a_peak_that_stays_at_one_level_is_clipped() {
        for (samples, ratio) in [
            (&[0.0, 0.99, 0.99, 0.99, 0.0][..], 0.6),
            (&[0.0, -1.0, -1.0, -1.0, -1.0], 0.8),
            (&[0.0, 0.99, 0.99, 0.0, 0.99], 0.0),
            (&[0.5, 0.5, 0.5, 0.5, 0.5], 0.0),
            (&[0.96, 0.98, 1.0, 0.98, 0.96], 0.0),
            (&[1.0, 1.0, -1.0, -1.0, 1.0], 0.0),
        ] {
            assert!(
                (clipping(samples) - ratio).abs() < 1e-9,
                "{samples:?}: {}",
                clipping(samples)
            );
        }
    }

    #[test]
    fn noise_is_what_is_heard_in_the_quietest_tenth() {
        let floor = |frames: &[(f32, u64)]| {
            let mut floor = NoiseFloor::default();
            for (level, count) in frames {
                (0..*count).for_each(|_| floor.add(level * level));
            }
            (floor.dbfs(), floor.is_heard())
        };
        assert_eq!(floor(&[(0.01, 10), (0.5, 40)]), (Some(-40.0), true));
        assert_eq!(floor(&[(0.001, 40)]), (Some(-60.0), false));
        assert_eq!(floor(&[(0.0, 10), (0.1, 40)]), (None, false));
        assert_eq!(floor(&[(0.1, 10)]), (None, false));
    }
}
