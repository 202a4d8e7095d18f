//! What a telephone sends while keys are pressed.

use std::f64::consts::TAU;
use std::io::Cursor;

use bytes::Bytes;
use hound::{SampleFormat, WavSpec, WavWriter};

const RATE_HERTZ: u32 = 8_000;
const KEYS: &str = "123A456B789C*0#D";
const LOW_HERTZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HERTZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// A tone and a pause of a tenth of a second each.
const FRAMES: u32 = RATE_HERTZ / 10;

/// A WAV file in which these keys are pressed on its second channel; what is no key is a pause.
pub fn pressed(keys: &str) -> Bytes {
    let spec = WavSpec {
        channels: 2,
        sample_rate: RATE_HERTZ,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).expect("memory takes the header");
    for key in keys.chars() {
        let place = KEYS.find(key);
        for frame in 0..2 * FRAMES {
            let time = f64::from(frame) / f64::from(RATE_HERTZ);
            let tone = |hertz: f64| 0.2 * (TAU * hertz * time).sin();
            let sample = match place {
                Some(place) if frame < FRAMES => tone(LOW_HERTZ[place / 4]) + tone(HIGH_HERTZ[place % 4]),
                _ => 0.0,
            };
            writer.write_sample(0_i16).expect("memory takes samples");
            writer
                .write_sample(super::to_pcm(sample))
                .expect("memory takes samples");
        }
    }
    writer.finalize().expect("memory takes the lengths");
    file.into_inner().into()
}
