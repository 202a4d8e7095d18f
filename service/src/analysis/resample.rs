//! Brings audio of any rate to 16 kHz, mono, piece by piece: what the models of speech expect.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use super::AnalysisError;

/// The rate that comes out.
pub const SPEECH_RATE_HERTZ: u32 = 16_000;
/// About 64 ms of telephone audio at a time: small against any recording, large against the cost of a call.
const CHUNK_FRAMES: usize = 512;

/// A stream of mono samples that leaves at 16 kHz.
pub struct ToSpeechRate {
    /// None where the rate is right already.
    resampler: Option<Fft<f32>>,
    waiting: Vec<f32>,
    ready: Vec<f32>,
}

impl ToSpeechRate {
    /// A stream that comes in at this rate.
    pub fn new(rate_hertz: u32) -> Result<Self, AnalysisError> {
        let resampler = if rate_hertz == SPEECH_RATE_HERTZ {
            None
        } else {
            let (from, to) = (rate_hertz as usize, SPEECH_RATE_HERTZ as usize);
            Some(Fft::new(from, to, CHUNK_FRAMES, 1, FixedSync::Input).map_err(|error| failed(&error))?)
        };
        Ok(Self {
            resampler,
            waiting: Vec::new(),
            ready: Vec::new(),
        })
    }

    /// Takes samples, and hands over what they have become so far.
    pub fn push(&mut self, samples: &[f32], take: impl FnMut(&[f32])) -> Result<(), AnalysisError> {
        self.waiting.extend_from_slice(samples);
        self.drain(take)
    }

    /// Hands over what still waits, filled up with silence.
    pub fn finish(&mut self, take: impl FnMut(&[f32])) -> Result<(), AnalysisError> {
        if let Some(resampler) = &self.resampler {
            // The filter holds back as many frames as it delays; silence pushes them out.
            let chunk = resampler.input_frames_next();
            let chunks = (self.waiting.len() + resampler.output_delay()).div_ceil(chunk.max(1));
            self.waiting.resize(chunks * chunk, 0.0);
        }
        self.drain(take)
    }

    fn drain(&mut self, mut take: impl FnMut(&[f32])) -> Result<(), AnalysisError> {
        let Some(resampler) = &mut self.resampler else {
            take(&self.waiting);
            self.waiting.clear();
            return Ok(());
        };
        let mut used = 0;
        loop {
            let chunk = resampler.input_frames_next();
            let Some(piece) = self.waiting.get(used..used + chunk) else {
                break;
            };
            let room = resampler.output_frames_next();
            self.ready.resize(room, 0.0);
            let input = InterleavedSlice::new(piece, 1, chunk).map_err(|error| failed(&error))?;
            let mut output = InterleavedSlice::new_mut(&mut self.ready, 1, room).map_err(|error| failed(&error))?;
            let (taken, made) = resampler
                .process_into_buffer(&input, &mut output, None)
                .map_err(|error| failed(&error))?;
            used += taken;
            take(&self.ready[..made]);
        }
        self.waiting.drain(..used);
        Ok(())
    }
}

fn failed(error: &impl std::fmt::Display) -> AnalysisError {
    AnalysisError::Analyze {
        part: "resampling",
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resampled(rate_hertz: u32, seconds: u32) -> Result<Vec<f32>, AnalysisError> {
        let mut out = Vec::new();
        let mut stream = ToSpeechRate::new(rate_hertz)?;
        let step = std::f32::consts::TAU * 440.0 / f32::from(u16::try_from(rate_hertz).unwrap_or(u16::MAX));
        let mut phase = 0.0_f32;
        for _ in 0..seconds * 10 {
            let block: Vec<f32> = (0..rate_hertz / 10)
                .map(|_| {
                    phase = (phase + step) % std::f32::consts::TAU;
                    0.5 * phase.sin()
                })
                .collect();
            stream.push(&block, |piece| out.extend_from_slice(piece))?;
        }
        stream.finish(|piece| out.extend_from_slice(piece))?;
        Ok(out)
    }

    /// Rises past half of the tone's height, so that what rings after its end does not count.
    fn cycles(samples: &[f32]) -> usize {
        samples
            .windows(2)
            .filter(|pair| pair[0] < 0.25 && pair[1] >= 0.25)
            .count()
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_its_length_from_any_rate() -> Result<(), AnalysisError> {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
            let out = resampled(rate, 2)?;
            let cycles = cycles(&out);
            assert!(
                (875..=885).contains(&cycles),
                "{rate}: {cycles} cycles in 2 s of 440 Hz"
            );
            assert!((32_000..36_000).contains(&out.len()), "{rate}: {} samples", out.len());
        }
        Ok(())
    }
}
