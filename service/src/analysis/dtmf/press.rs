//! Makes presses of what sounds window by window: long enough to be meant, and not ended by a gap that is shorter than a pause.

use super::Keyed;
use super::tones::Tones;

/// How finely presses are told apart: 5 ms.
const STEPS_PER_SECOND: u32 = 200;
/// For so many steps a tone must sound. With the window's length: 40 ms are a press, 23 ms are none (Q.24).
const MIN_STEPS: u64 = 5;
/// After so many steps without it a press has ended: 40 ms are a pause, 10 ms are none.
const MIN_PAUSE_STEPS: u64 = 5;
/// Eight thousand samples per second are enough for what is listened to: more are averaged.
const ENOUGH_HERTZ: u32 = 8_000;

/// A press that has not ended.
#[derive(Clone, Copy)]
struct Press {
    key: char,
    /// The step of its first and of its last window, and how many it had.
    first: u64,
    last: u64,
    steps: u64,
}

/// Listens to one channel.
pub(super) struct Presses {
    channel: u16,
    tones: Tones,
    /// How many samples are averaged to one.
    average: u32,
    sum: f32,
    summed: u32,
    step_samples: usize,
    steps_per_second: f64,
    /// The window that comes next, as far as it was heard.
    window: Vec<f32>,
    steps: u64,
    press: Option<Press>,
    found: Vec<Keyed>,
}

impl Presses {
    pub(super) fn new(channel: u16, rate_hertz: u32) -> Self {
        let average = (rate_hertz / ENOUGH_HERTZ).max(1);
        let rate = f64::from(rate_hertz) / f64::from(average);
        let step_samples = (rate_hertz / average / STEPS_PER_SECOND).max(1);
        #[expect(clippy::cast_possible_truncation, reason = "a rate of some thousand")]
        let tones = Tones::new(rate as f32);
        Self {
            channel,
            window: Vec::with_capacity(tones.window() + step_samples as usize),
            tones,
            average,
            sum: 0.0,
            summed: 0,
            step_samples: step_samples as usize,
            steps_per_second: rate / f64::from(step_samples),
            steps: 0,
            press: None,
            found: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, samples: impl Iterator<Item = f32>) {
        for sample in samples {
            self.sum += sample;
            self.summed += 1;
            if self.summed < self.average {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "at most 24")]
            self.window.push(self.sum / self.average as f32);
            (self.sum, self.summed) = (0.0, 0);
            if self.window.len() == self.tones.window() {
                let key = self.tones.key(&self.window);
                self.step(key);
                self.window.drain(..self.step_samples);
            }
        }
    }

    pub(super) fn finish(mut self) -> Vec<Keyed> {
        self.end_press();
        self.found
    }

    fn step(&mut self, key: Option<char>) {
        let step = self.steps;
        self.steps += 1;
        match (&mut self.press, key) {
            (Some(press), Some(key)) if press.key == key => {
                press.last = step;
                press.steps += 1;
            }
            (Some(press), None) if step - press.last <= MIN_PAUSE_STEPS => {}
            (_, key) => {
                self.end_press();
                self.press = key.map(|key| Press {
                    key,
                    first: step,
                    last: step,
                    steps: 1,
                });
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "steps of 5 ms: exact for a million years")]
    fn end_press(&mut self) {
        let Some(press) = self.press.take().filter(|press| press.steps >= MIN_STEPS) else {
            return;
        };
        // A window that a tone fills by four fifths is heard as the tone.
        let window_seconds = self.tones.window() as f64 / self.step_samples as f64 / self.steps_per_second;
        let (margin, rounded) = (0.2 * window_seconds, |seconds: f64| (seconds * 1000.0).round() / 1000.0);
        self.found.push(Keyed {
            key: press.key.to_string(),
            channel: self.channel,
            start_seconds: rounded(press.first as f64 / self.steps_per_second + margin),
            end_seconds: rounded(press.last as f64 / self.steps_per_second + window_seconds - margin),
        });
    }
}
