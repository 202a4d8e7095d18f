//! Finds the stretches in which nothing is heard on any channel.

use schemars::JsonSchema;
use serde::Serialize;

use super::rounded;

/// What is measured at a time: shorter than a syllable, longer than a period of the lowest voice.
const WINDOWS_PER_SECOND: u32 = 100;
/// Quieter than this is silence: active speech on a telephone lies near -26 dBFS (ITU-T P.56), a voice that trails off
/// some 20 dB below, the noise of an idle line under -55.
const SILENCE_BELOW_DBFS: f64 = -50.0;
/// A shorter pause belongs to the sentence.
const SILENCE_MIN_SECONDS: f64 = 0.5;
/// A result stays small however long the audio. What comes later is counted, not listed.
pub(super) const MAX_SPANS: usize = 500;

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Span {
    /// Its beginning.
    pub start_seconds: f64,
    /// Its end.
    pub end_seconds: f64,
}

/// Where nothing is heard on any channel for at least half a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct SilenceReport {
    /// All of it.
    pub seconds: Option<f64>,
    /// The part of the recording.
    pub ratio: Option<f64>,
    /// How often.
    pub count: u64,
    /// Where; of many the first five hundred.
    pub spans: Vec<Span>,
}

/// All silence of a file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Silence {
    pub(super) spans: Vec<Span>,
    pub(super) count: u64,
    pub(super) seconds: f64,
}

impl Silence {
    pub(super) fn report(&self, duration_seconds: f64) -> SilenceReport {
        let to_milliseconds = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
        let span = |span: &Span| Span {
            start_seconds: to_milliseconds(span.start_seconds),
            end_seconds: to_milliseconds(span.end_seconds),
        };
        SilenceReport {
            seconds: rounded(self.seconds),
            ratio: rounded((self.seconds / duration_seconds).min(1.0)),
            count: self.count,
            spans: self.spans.iter().map(span).collect(),
        }
    }
}

/// Listens frame by frame.
pub(super) struct SilenceFinder {
    rate_hertz: f64,
    window_frames: u64,
    quiet_below_power: f64,
    window_power: f64,
    frames_in_window: u64,
    frames: u64,
    quiet_since_frame: Option<u64>,
    found: Silence,
}

impl SilenceFinder {
    pub(super) fn new(rate_hertz: u32) -> Self {
        Self {
            rate_hertz: f64::from(rate_hertz),
            window_frames: u64::from((rate_hertz / WINDOWS_PER_SECOND).max(1)),
            quiet_below_power: 10_f64.powf(SILENCE_BELOW_DBFS / 10.0),
            window_power: 0.0,
            frames_in_window: 0,
            frames: 0,
            quiet_since_frame: None,
            found: Silence::default(),
        }
    }

    /// One frame: a sample of each channel. The loudest counts, so that one party's silence hides no other's voice.
    pub(super) fn add(&mut self, frame: &[f32]) {
        let power = frame
            .iter()
            .map(|sample| f64::from(*sample).powi(2))
            .fold(0.0, f64::max);
        self.window_power += power;
        self.frames_in_window += 1;
        self.frames += 1;
        if self.frames_in_window == self.window_frames {
            self.end_window();
        }
    }

    pub(super) fn finish(mut self) -> Silence {
        if self.frames_in_window > 0 {
            self.end_window();
        }
        self.end_span(self.frames);
        self.found
    }

    #[expect(clippy::cast_precision_loss, reason = "a window has at most a few thousand frames")]
    fn end_window(&mut self) {
        let start = self.frames - self.frames_in_window;
        let quiet = self.window_power / (self.frames_in_window as f64) < self.quiet_below_power;
        (self.window_power, self.frames_in_window) = (0.0, 0);
        if !quiet {
            self.end_span(start);
        } else if self.quiet_since_frame.is_none() {
            self.quiet_since_frame = Some(start);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "exact for a thousand years of audio")]
    fn end_span(&mut self, end_frame: u64) {
        let Some(start_frame) = self.quiet_since_frame.take() else {
            return;
        };
        let (start_seconds, end_seconds) = (start_frame as f64 / self.rate_hertz, end_frame as f64 / self.rate_hertz);
        if end_seconds - start_seconds < SILENCE_MIN_SECONDS {
            return;
        }
        self.found.count += 1;
        self.found.seconds += end_seconds - start_seconds;
        if self.found.spans.len() < MAX_SPANS {
            self.found.spans.push(Span {
                start_seconds,
                end_seconds,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stretches of sound and silence at 1000 frames per second, on the second of two channels.
    fn listen(stretches: &[(f32, u32)]) -> Silence {
        let mut finder = SilenceFinder::new(1_000);
        for &(level, frames) in stretches {
            (0..frames).for_each(|_| finder.add(&[0.0, level]));
        }
        finder.finish()
    }

    #[test]
    fn a_span_is_a_stretch_of_half_a_second_below_the_threshold() {
        for (stretches, spans) in [
            (vec![(0.1, 1000)], vec![]),
            (vec![(0.0, 1000)], vec![(0.0, 1.0)]),
            (vec![(0.1, 500), (0.0, 490), (0.1, 500)], vec![]),
            (vec![(0.1, 500), (0.0, 500), (0.1, 500)], vec![(0.5, 1.0)]),
            (vec![(0.1, 500), (0.0, 700)], vec![(0.5, 1.2)]),
            (vec![(0.0, 600), (0.1, 10), (0.0, 600)], vec![(0.0, 0.6), (0.61, 1.21)]),
            // -49 dBFS is heard, -51 is not.
            (vec![(0.0035, 1000)], vec![]),
            (vec![(0.0028, 1000)], vec![(0.0, 1.0)]),
        ] {
            let expected: Vec<Span> = spans
                .into_iter()
                .map(|(start_seconds, end_seconds)| Span {
                    start_seconds,
                    end_seconds,
                })
                .collect();
            assert_eq!(listen(&stretches).spans, expected, "{stretches:?}");
        }
    }

    #[test]
    fn a_result_lists_so_many_spans_and_counts_them_all() {
        let stretches: Vec<_> = (0..MAX_SPANS + 7).flat_map(|_| [(0.1, 100), (0.0, 600)]).collect();
        let silence = listen(&stretches);
        assert_eq!(silence.spans.len(), MAX_SPANS);
        assert_eq!(silence.count, MAX_SPANS as u64 + 7);
    }
}
