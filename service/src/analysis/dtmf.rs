//! Finds the keys that were pressed on a telephone, after ITU-T Q.24: two tones at once, near their frequencies and near each
//! other's level, without the harmonics that voices have, for long enough. Each channel by itself, in one pass.

use std::path::Path;

use marketplace_crds::handler::dtmf::Dtmf;
use schemars::JsonSchema;
use serde::Serialize;

use super::analyzer::Analyzer;
use super::audio::Audio;
use super::heard::Heard;
use super::pattern::ReadPattern;
use super::{AnalysisError, Halt};

mod press;
mod tones;

use press::Presses;

/// Who waits longer before the next key has begun another number.
const SEQUENCE_PAUSE_SECONDS: f64 = 3.0;

/// Nothing can be set: the standard says what a key is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DtmfPlan {}

/// A key that was pressed, or what stands in the place of several.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Keyed {
    /// `0` to `9`, `*`, `#`, `A` to `D`; or the name of what was taken out: `[CardNumber]`.
    pub key: String,
    /// The channel, from 1.
    pub channel: u16,
    /// When its tone began.
    pub start_seconds: f64,
    /// When it ended.
    pub end_seconds: f64,
}

/// Keys of a channel that follow each other without a longer pause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct KeySequence {
    /// The channel, from 1.
    pub channel: u16,
    /// The keys, one after the other.
    pub keys: String,
    /// When the first began.
    pub start_seconds: f64,
    /// When the last ended.
    pub end_seconds: f64,
}

/// The keys that were pressed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct DtmfReport {
    /// How many.
    pub count: usize,
    /// As numbers: what was keyed in one go.
    pub sequences: Vec<KeySequence>,
    /// One by one, in order of time.
    pub keys: Vec<Keyed>,
}

impl Analyzer for DtmfPlan {
    type Settings = Dtmf;
    type Report = DtmfReport;
    const LISTS: &'static [&'static str] = &["keys", "sequences"];

    fn read(settings: &Dtmf) -> Result<Self, ReadPattern> {
        let Dtmf {} = settings;
        Ok(Self {})
    }

    fn analyze(&self, heard: &Heard<'_>) -> Result<DtmfReport, AnalysisError> {
        Ok(DtmfReport {
            count: heard.keyed.len(),
            sequences: sequences(&heard.keyed),
            keys: heard.keyed.clone(),
        })
    }
}

/// Every key of the recording, in order of time.
pub fn listen(path: &Path, halt: &Halt) -> Result<Vec<Keyed>, AnalysisError> {
    let audio = Audio::open(path)?;
    let format = audio.format();
    let channels = usize::from(format.channels);
    let mut listeners: Vec<Presses> = (1..=format.channels)
        .map(|channel| Presses::new(channel, format.sample_rate_hertz))
        .collect();
    audio.each_block(halt, |block| {
        for (channel, listener) in listeners.iter_mut().enumerate() {
            listener.add(block.iter().skip(channel).step_by(channels).copied());
        }
        Ok(())
    })?;
    let mut keyed: Vec<Keyed> = listeners.into_iter().flat_map(Presses::finish).collect();
    keyed.sort_by(|one, other| one.start_seconds.total_cmp(&other.start_seconds));
    Ok(keyed)
}

fn sequences(keyed: &[Keyed]) -> Vec<KeySequence> {
    let mut found: Vec<KeySequence> = Vec::new();
    for Keyed {
        key,
        channel,
        start_seconds,
        end_seconds,
    } in keyed
    {
        let last = found.iter_mut().rev().find(|sequence| sequence.channel == *channel);
        match last {
            Some(last) if start_seconds - last.end_seconds <= SEQUENCE_PAUSE_SECONDS => {
                last.keys.push_str(key);
                last.end_seconds = *end_seconds;
            }
            _ => found.push(KeySequence {
                channel: *channel,
                keys: key.clone(),
                start_seconds: *start_seconds,
                end_seconds: *end_seconds,
            }),
        }
    }
    found
}

#[cfg(test)]
mod tests;
