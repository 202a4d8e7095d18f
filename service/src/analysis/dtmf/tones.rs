//! Decides which key sounds in a window of a few milliseconds, if any: by Goertzel's filter at the eight frequencies.

use std::f32::consts::TAU;

const LOW_HERTZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HERTZ: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// Shorter than the shortest tone, long enough to tell the frequencies apart.
const WINDOWS_OF_SECOND: f32 = 40.0;
/// A tone as quiet as this is none: Q.24 asks for -25 dBm, some -28 dBFS; recordings may be quieter.
const MIN_TONE_DBFS: f32 = -42.0;
/// By how much the higher tone may be louder (4 dB in Q.24), and a margin.
const MAX_TWIST_DECIBELS: f32 = 5.0;
/// By how much the lower tone may be louder (8 dB), and a margin.
const MAX_REVERSE_TWIST_DECIBELS: f32 = 9.0;
/// The part of all power that the two tones must have: a voice has more around it.
const MIN_SHARE: f32 = 0.7;
/// Less than this at the eight frequencies cannot become enough near them.
const MIN_ROUGH_SHARE: f32 = 0.25;
/// A tone may be off by 1.5 %. What is nearer to 5 % off, so by more than 2.5 %, is another tone.
const OFF: f32 = 0.015;
const ELSEWHERE: f32 = 0.05;
/// How far below its tone the second harmonic must be: voices have harmonics, telephones do not.
const MIN_BELOW_TONE_DECIBELS: f32 = 12.0;

/// Which of the four, and its power.
type Loudest = (usize, f32);

/// Hears windows of one length.
pub(super) struct Tones {
    rate_hertz: f32,
    shape: Vec<f32>,
    shaped: Vec<f32>,
    /// Makes a filter's power the square of the amplitude.
    scale: f32,
    /// Makes the window's energy comparable to that.
    energy_scale: f32,
    coefficients: [f32; 8],
}

impl Tones {
    pub(super) fn new(rate_hertz: f32) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some hundred samples"
        )]
        let length = (rate_hertz / WINDOWS_OF_SECOND) as usize;
        #[expect(clippy::cast_precision_loss, reason = "some hundred samples")]
        let shape: Vec<f32> = (0..length)
            .map(|place| 0.5 - 0.5 * (TAU * (place as f32 + 0.5) / length as f32).cos())
            .collect();
        let sum: f32 = shape.iter().sum();
        let squares: f32 = shape.iter().map(|factor| factor * factor).sum();
        let mut coefficients = [0.0; 8];
        for (coefficient, hertz) in coefficients.iter_mut().zip(LOW_HERTZ.into_iter().chain(HIGH_HERTZ)) {
            *coefficient = 2.0 * (TAU * hertz / rate_hertz).cos();
        }
        Self {
            rate_hertz,
            shaped: Vec::with_capacity(length),
            shape,
            scale: 4.0 / (sum * sum),
            energy_scale: 2.0 / squares,
            coefficients,
        }
    }

    /// How many samples a window has.
    pub(super) fn window(&self) -> usize {
        self.shape.len()
    }

    /// The key that sounds in the window.
    pub(super) fn key(&mut self, window: &[f32]) -> Option<char> {
        self.shaped.clear();
        self.shaped
            .extend(window.iter().zip(&self.shape).map(|(sample, factor)| sample * factor));
        let energy = self.shaped.iter().map(|sample| sample * sample).sum::<f32>() * self.energy_scale;
        let quietest = power_of(MIN_TONE_DBFS);
        if energy < quietest {
            return None;
        }
        let powers = self.powers();
        let (low, high) = (loudest(&powers[..4])?, loudest(&powers[4..])?);
        if low.1 + high.1 < MIN_ROUGH_SHARE * energy {
            return None;
        }
        let low = (low.0, self.on_frequency(LOW_HERTZ[low.0])?);
        let high = (high.0, self.on_frequency(HIGH_HERTZ[high.0])?);
        // The harmonic of some lower tones is so near the higher one that it cannot be told from it.
        let is_beside_harmonic = (2.0 * LOW_HERTZ[low.0] - HIGH_HERTZ[high.0]).abs() < 2.0 * WINDOWS_OF_SECOND + 20.0;
        let is_key = low.1.min(high.1) >= quietest
            && low.1 + high.1 >= MIN_SHARE * energy
            && high.1 <= low.1 * power_of(MAX_TWIST_DECIBELS)
            && low.1 <= high.1 * power_of(MAX_REVERSE_TWIST_DECIBELS)
            && (is_beside_harmonic || self.has_no_harmonic(LOW_HERTZ[low.0], low.1))
            && self.has_no_harmonic(HIGH_HERTZ[high.0], high.1);
        is_key.then_some(KEYS[low.0][high.0])
    }

    /// The power at each frequency; all eight filters side by side, and two samples at a time: each step of a filter waits for
    /// the one before, so that half as many are nearly twice as fast.
    fn powers(&self) -> [f32; 8] {
        let (mut one, mut two) = ([0.0_f32; 8], [0.0_f32; 8]);
        let pairs = self.shaped.chunks_exact(2);
        let rest = pairs.remainder();
        for pair in pairs {
            for filter in 0..8 {
                let factor = self.coefficients[filter];
                let next = factor * one[filter] + (pair[0] - two[filter]);
                one[filter] =
                    (factor * factor - 1.0) * one[filter] + (pair[1] + factor * pair[0] - factor * two[filter]);
                two[filter] = next;
            }
        }
        for sample in rest {
            for filter in 0..8 {
                let next = self.coefficients[filter] * one[filter] + (sample - two[filter]);
                two[filter] = one[filter];
                one[filter] = next;
            }
        }
        let mut powers = [0.0; 8];
        for (filter, power) in powers.iter_mut().enumerate() {
            let (one, two) = (one[filter], two[filter]);
            *power = (one * one + two * two - self.coefficients[filter] * one * two) * self.scale;
        }
        powers
    }

    fn power_at(&self, hertz: f32) -> f32 {
        let coefficient = 2.0 * (TAU * hertz / self.rate_hertz).cos();
        let (one, two) = self.shaped.iter().fold((0.0_f32, 0.0_f32), |(one, two), sample| {
            (coefficient * one + (sample - two), one)
        });
        (one * one + two * two - coefficient * one * two) * self.scale
    }

    /// The power of a tone that is near enough to its frequency.
    fn on_frequency(&self, hertz: f32) -> Option<f32> {
        let centre = self.power_at(hertz);
        let is_here = [1.0 - ELSEWHERE, 1.0 + ELSEWHERE]
            .iter()
            .all(|factor| self.power_at(hertz * factor) < centre);
        let near = [1.0 - OFF, 1.0 + OFF].map(|factor| self.power_at(hertz * factor));
        is_here.then(|| near.into_iter().fold(centre, f32::max))
    }

    fn has_no_harmonic(&self, hertz: f32, power: f32) -> bool {
        let harmonic = 2.0 * hertz;
        harmonic >= 0.5 * self.rate_hertz || self.power_at(harmonic) <= power / power_of(MIN_BELOW_TONE_DECIBELS)
    }
}

fn power_of(decibels: f32) -> f32 {
    10.0_f32.powf(decibels / 10.0)
}

fn loudest(powers: &[f32]) -> Option<Loudest> {
    let all = powers.iter().copied().enumerate();
    all.max_by(|one, other| one.1.total_cmp(&other.1))
}
