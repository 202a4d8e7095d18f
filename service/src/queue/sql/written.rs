//! What several statements write of a job, each in the one order in which all of them name it.

use super::{Value, integer};
use crate::domain::{AudioFormat, Deadlines, StoredAudio};

/// `audio_key, audio_bytes, audio_sha256, channels, sample_rate_hertz, bits_per_sample, audio_seconds`
pub(super) fn audio<'a>(audio: &'a StoredAudio, format: &AudioFormat) -> [Value<'a>; 7] {
    let StoredAudio { key, bytes, sha256_hex } = audio;
    let AudioFormat {
        channels,
        sample_rate_hertz,
        bits_per_sample,
        seconds,
    } = *format;
    [
        Value::Text(key.as_str()),
        integer(*bytes),
        Value::Text(sha256_hex),
        integer(channels),
        integer(sample_rate_hertz),
        integer(bits_per_sample),
        Value::Real(seconds),
    ]
}

/// `median_seconds, p99_seconds, cutoff_seconds`
pub(super) fn deadlines(deadlines: &Deadlines) -> [Value<'static>; 3] {
    let Deadlines {
        median_seconds,
        p99_seconds,
        cutoff_seconds,
    } = *deadlines;
    [median_seconds, p99_seconds, cutoff_seconds].map(Value::Real)
}
