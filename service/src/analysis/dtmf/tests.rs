//! Keys of which everything is known, by the bounds of ITU-T Q.24.

use std::error::Error;
use std::f64::consts::TAU;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::analysis::tests::wav;

type Tested = Result<(), Box<dyn Error>>;

const KEYS: &str = "123A456B789C*0#D";
const LOW: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// How a telephone sends.
#[derive(Clone, Copy)]
struct Sender {
    rate_hertz: u32,
    tone_seconds: f64,
    pause_seconds: f64,
    /// Of each tone, in decibels below full scale.
    low_dbfs: f64,
    high_dbfs: f64,
    /// By how much both are off.
    off: f64,
    /// Of white noise, in decibels below full scale.
    noise_dbfs: f64,
}

const USUAL: Sender = Sender {
    rate_hertz: 8_000,
    tone_seconds: 0.08,
    pause_seconds: 0.08,
    low_dbfs: -13.0,
    high_dbfs: -11.0,
    off: 0.0,
    noise_dbfs: -90.0,
};

impl Sender {
    fn send(self, keys: &str) -> Vec<f32> {
        let mut noise = StdRng::seed_from_u64(7);
        let mut sound = |frames: f64, tones: Option<(f64, f64)>| -> Vec<f32> {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a short sound")]
            let frames = (frames * f64::from(self.rate_hertz)).round() as u32;
            let amplitude = |dbfs: f64| 10_f64.powf(dbfs / 20.0) * 2_f64.sqrt();
            (0..frames)
                .map(|frame| {
                    let time = f64::from(frame) / f64::from(self.rate_hertz);
                    let tones = tones.map_or(0.0, |(low, high)| {
                        amplitude(self.low_dbfs) * (TAU * low * time).sin()
                            + amplitude(self.high_dbfs) * (TAU * high * time).sin()
                    });
                    // White noise between -1 and 1 has a third of the power.
                    let hiss = 3_f64.sqrt() * 10_f64.powf(self.noise_dbfs / 20.0) * noise.random_range(-1.0..1.0);
                    #[expect(clippy::cast_possible_truncation, reason = "a sample")]
                    let sample = (tones + hiss) as f32;
                    sample
                })
                .collect()
        };
        let mut all = sound(0.1, None);
        for key in keys.chars() {
            let place = KEYS.find(key).unwrap_or_default();
            let tones = (LOW[place / 4] * (1.0 + self.off), HIGH[place % 4] * (1.0 + self.off));
            all.extend(sound(self.tone_seconds, Some(tones)));
            all.extend(sound(self.pause_seconds, None));
        }
        all.extend(sound(0.1, None));
        all
    }

    fn heard(self, keys: &str) -> Result<String, Box<dyn Error>> {
        let file = wav(self.rate_hertz, &[self.send(keys)])?;
        Ok(listen(file.path(), &Halt::never())?
            .into_iter()
            .map(|key| key.key)
            .collect())
    }
}

#[test]
fn every_key_is_heard_at_every_rate() -> Tested {
    for rate_hertz in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
        assert_eq!(Sender { rate_hertz, ..USUAL }.heard(KEYS)?, KEYS, "{rate_hertz}");
    }
    Ok(())
}

#[test]
fn a_key_is_told_with_its_channel_and_its_time() -> Tested {
    let file = wav(8_000, &[USUAL.send(""), USUAL.send("42")])?;
    let keyed = listen(file.path(), &Halt::never())?;
    assert_eq!(keyed.len(), 2, "{keyed:?}");
    for (keyed, (key, start, end)) in keyed.iter().zip([("4", 0.1, 0.18), ("2", 0.26, 0.34)]) {
        assert_eq!((keyed.key.as_str(), keyed.channel), (key, 2));
        assert!((keyed.start_seconds - start).abs() < 0.01, "{keyed:?}");
        assert!((keyed.end_seconds - end).abs() < 0.01, "{keyed:?}");
    }
    Ok(())
}

#[test]
fn forty_milliseconds_are_a_tone_and_a_pause_and_less_is_not() -> Tested {
    let short = Sender {
        tone_seconds: 0.04,
        pause_seconds: 0.04,
        ..USUAL
    };
    assert_eq!(short.heard(KEYS)?, KEYS);
    assert_eq!(short.heard("1111")?, "1111", "the same key again");
    let click = Sender {
        tone_seconds: 0.02,
        ..short
    };
    assert_eq!(click.heard(KEYS)?, "");
    let interrupted = Sender {
        pause_seconds: 0.01,
        ..short
    };
    assert_eq!(interrupted.heard("555")?, "5", "a gap of 10 ms is no pause");
    Ok(())
}

#[test]
fn tones_may_be_off_by_as_much_as_the_standard_allows() -> Tested {
    for (off, heard) in [(0.015, KEYS), (-0.015, KEYS), (0.035, ""), (-0.035, "")] {
        assert_eq!(Sender { off, ..USUAL }.heard(KEYS)?, heard, "{off}");
    }
    Ok(())
}

#[test]
fn levels_may_differ_by_as_much_as_the_standard_allows() -> Tested {
    for (low_dbfs, high_dbfs, heard) in [
        (-14.0, -10.0, KEYS),
        (-10.0, -18.0, KEYS),
        (-18.0, -10.0, ""),
        (-8.0, -20.0, ""),
        (-28.0, -28.0, KEYS),
        (-50.0, -50.0, ""),
    ] {
        let sender = Sender {
            low_dbfs,
            high_dbfs,
            ..USUAL
        };
        assert_eq!(sender.heard(KEYS)?, heard, "{low_dbfs} and {high_dbfs}");
    }
    Ok(())
}

#[test]
fn noise_hides_no_key_and_is_none() -> Tested {
    let noisy = Sender {
        noise_dbfs: -26.0,
        ..USUAL
    };
    assert_eq!(noisy.heard(KEYS)?, KEYS, "some 15 dB below the tones");
    for seed in 0..3 {
        let mut random = StdRng::seed_from_u64(seed);
        let hiss: Vec<f32> = (0..8_000 * 60).map(|_| random.random_range(-0.3..0.3)).collect();
        assert_eq!(listen(wav(8_000, &[hiss])?.path(), &Halt::never())?, []);
    }
    Ok(())
}

#[test]
fn a_voice_at_the_frequencies_is_no_key() -> Tested {
    // Two vowels sung at once, with harmonics at a third of the fundamental.
    let tone = |hertz: f64| move |time: f64| (TAU * hertz * time).sin() + 0.4 * (TAU * 2.0 * hertz * time).sin();
    for (low, high) in [(697.0, 1209.0), (852.0, 1477.0)] {
        let (low, high) = (tone(low), tone(high));
        #[expect(clippy::cast_possible_truncation, reason = "a sample")]
        let sung: Vec<f32> = (0..8_000)
            .map(|frame| f64::from(frame) / 8_000.0)
            .map(|time| (0.2 * (low(time) + high(time))) as f32)
            .collect();
        assert_eq!(listen(wav(8_000, &[sung])?.path(), &Halt::never())?, []);
    }
    Ok(())
}

#[test]
fn keys_in_one_go_are_a_number() {
    let key = |key: &str, channel, start_seconds| Keyed {
        key: key.to_owned(),
        channel,
        start_seconds,
        end_seconds: start_seconds + 0.1,
    };
    let keyed = [
        key("1", 1, 0.0),
        key("7", 2, 0.5),
        key("2", 1, 1.0),
        key("[CardNumber]", 1, 3.0),
        key("3", 1, 7.0),
    ];
    let numbers: Vec<_> = sequences(&keyed)
        .into_iter()
        .map(|number| (number.channel, number.keys))
        .collect();
    let expected = [(1, "12[CardNumber]"), (2, "7"), (1, "3")];
    assert_eq!(numbers, expected.map(|(channel, keys)| (channel, keys.to_owned())));
}
