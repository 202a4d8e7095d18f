//! Decides what a request says of its recording: how large it is, and how to read it if it has no header of its own. Pure.

use std::borrow::Cow;

use super::ReadFields;
use super::mapping::FieldSources;
use super::source::Source;
use super::values::Values;
use crate::domain::{RawFormat, RawSamples};

/// What documents promise where nothing is sent: recordings of one channel, of 16 bits.
const DEFAULT_CHANNELS: u16 = 1;
const DEFAULT_SAMPLE_BYTES: u16 = 2;

/// What is said of a recording beside its bytes. The duration is not among it: its unit is disputed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioClaims {
    /// How many bytes there are.
    pub bytes: Option<u64>,
    /// What the samples are, if the format has no header.
    pub raw: Option<RawFormat>,
}

impl AudioClaims {
    /// Reads the mapped fields. What describes samples is looked at only if the format is one without a header.
    pub fn read(fields: &FieldSources, values: &Values<'_>) -> Result<Self, ReadFields> {
        let format = get(values, fields.format.as_ref())?;
        let raw = match format.as_deref().map(Format::parse) {
            None | Some(None) => None,
            Some(Some(format)) => Some(format.complete(fields, values)?),
        };
        Ok(Self {
            bytes: number(values, fields.size.as_ref())?,
            raw,
        })
    }
}

/// A format without a header, as its name has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Format {
    samples: Samples,
    sample_rate_hertz: Option<u32>,
    channels: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Samples {
    Known(RawSamples),
    /// Signed and little-endian, of a size that another field says.
    OfSomeSize,
}

impl Format {
    /// Knows the names under which linear samples without a header go. None: a file, with a header of its own.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_uppercase();
        let samples = samples(name.strip_prefix("AUDIO/").unwrap_or(&name))?;
        let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let parameter = |name: &str| {
            let mut found = parameters.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| *value)
        };
        Some(Self {
            samples,
            sample_rate_hertz: parameter("rate").and_then(|rate| rate.parse().ok()),
            channels: parameter("channels").and_then(|channels| channels.parse().ok()),
        })
    }

    fn complete(self, fields: &FieldSources, values: &Values<'_>) -> Result<RawFormat, ReadFields> {
        let sample_bytes = number::<u16>(values, fields.sample_size.as_ref())?;
        let sample_rate = number::<u32>(values, fields.sample_rate.as_ref())?.or(self.sample_rate_hertz);
        let channels = number::<u16>(values, fields.channels.as_ref())?.or(self.channels);
        let samples = match (self.samples, sample_bytes) {
            (Samples::Known(samples), None) => samples,
            (Samples::Known(samples), Some(bytes)) if samples.bytes() == bytes => samples,
            (Samples::Known(_), Some(_)) => return Err(ReadFields::ReadValue),
            (Samples::OfSomeSize, bytes) => little_endian(bytes.unwrap_or(DEFAULT_SAMPLE_BYTES))?,
        };
        let format = RawFormat {
            samples,
            channels: channels.unwrap_or(DEFAULT_CHANNELS),
            sample_rate_hertz: sample_rate.ok_or(ReadFields::FindValue)?,
        };
        if format.channels == 0 || format.sample_rate_hertz == 0 {
            return Err(ReadFields::ReadValue);
        }
        Ok(format)
    }
}

fn samples(name: &str) -> Option<Samples> {
    match name {
        "L8" | "U8" | "PCM_U8" => return Some(Samples::Known(RawSamples::Unsigned8)),
        // RFC 2586: the order of the network.
        "L16" | "S16BE" | "PCM_S16BE" => return Some(Samples::Known(RawSamples::BigEndian(2))),
        "L24" | "S24BE" | "PCM_S24BE" => return Some(Samples::Known(RawSamples::BigEndian(3))),
        "S16LE" | "PCM_S16LE" | "LINEAR16" => return Some(Samples::Known(RawSamples::LittleEndian(2))),
        "S24LE" | "PCM_S24LE" => return Some(Samples::Known(RawSamples::LittleEndian(3))),
        "PCM" | "X-PCM" | "RAW" | "X-RAW" | "SLIN" | "SLINEAR" | "SLINER" => return Some(Samples::OfSomeSize),
        _ => {}
    }
    // The documented example is SIGNED_16BIT_SLINER.
    let (bits, kind) = name.strip_prefix("SIGNED_")?.split_once("BIT_")?;
    if !["SLINER", "SLINEAR", "LINEAR", "SLIN", "PCM"].contains(&kind) {
        return None;
    }
    let bits: u16 = bits.parse().ok()?;
    match bits {
        8 => Some(Samples::Known(RawSamples::Signed8)),
        16 | 24 | 32 => Some(Samples::Known(RawSamples::LittleEndian(bits / 8))),
        _ => None,
    }
}

fn little_endian(bytes: u16) -> Result<RawSamples, ReadFields> {
    match bytes {
        1 => Ok(RawSamples::Signed8),
        2..=4 => Ok(RawSamples::LittleEndian(bytes)),
        _ => Err(ReadFields::ReadValue),
    }
}

fn get<'a>(values: &'a Values<'_>, source: Option<&Source>) -> Result<Option<Cow<'a, str>>, ReadFields> {
    source.map_or(Ok(None), |source| values.get(source))
}

fn number<T: std::str::FromStr>(values: &Values<'_>, source: Option<&Source>) -> Result<Option<T>, ReadFields> {
    let Some(text) = get(values, source)? else {
        return Ok(None);
    };
    text.trim().parse().map(Some).map_err(|_| ReadFields::ReadValue)
}

#[cfg(test)]
mod tests {
    use super::super::{Sent, SentBody};
    use super::*;

    fn fields() -> FieldSources {
        let source = |name: &str| Some(Source::Parameter(name.to_owned()));
        FieldSources {
            size: source("size"),
            format: source("format"),
            sample_size: source("sample_size"),
            sample_rate: source("sample_rate"),
            channels: source("channels"),
            ..FieldSources::default()
        }
    }

    fn read(pairs: &[(&str, &str)]) -> Result<AudioClaims, ReadFields> {
        let sent = Sent {
            query: Vec::new(),
            body: SentBody::Parameters(super::super::tests::parameters(pairs)),
            headers: Vec::new(),
        };
        AudioClaims::read(&fields(), &Values::read(&sent)?)
    }

    fn raw(samples: RawSamples, channels: u16, sample_rate_hertz: u32) -> RawFormat {
        RawFormat {
            samples,
            channels,
            sample_rate_hertz,
        }
    }

    #[test]
    fn knows_audio_without_a_header_by_its_format() {
        use RawSamples::{BigEndian, LittleEndian, Signed8, Unsigned8};
        for (format, expected) in [
            ("SIGNED_16BIT_SLINER", Some(raw(LittleEndian(2), 1, 8000))),
            ("signed_24bit_slinear", Some(raw(LittleEndian(3), 1, 8000))),
            ("SIGNED_8BIT_PCM", Some(raw(Signed8, 1, 8000))),
            ("audio/L16", Some(raw(BigEndian(2), 1, 8000))),
            ("audio/L16; rate=16000; channels=2", Some(raw(BigEndian(2), 1, 8000))),
            ("audio/l8", Some(raw(Unsigned8, 1, 8000))),
            ("audio/pcm", Some(raw(LittleEndian(2), 1, 8000))),
            ("audio/x-wav", None),
            ("audio/wav", None),
            ("SIGNED_16BIT_ULAW", None),
            ("SIGNED_12BIT_PCM", None),
        ] {
            let read = read(&[("format", format), ("sample_rate", "8000"), ("channels", "1")]);
            assert_eq!(read.map(|claims| claims.raw), Ok(expected), "{format}");
        }
    }

    #[test]
    fn completes_a_format_from_the_fields_and_from_itself() {
        use RawSamples::{BigEndian, LittleEndian};
        for (fields, expected) in [
            (
                &[("format", "audio/L16;rate=16000;channels=2")][..],
                Ok(Some(raw(BigEndian(2), 2, 16_000))),
            ),
            (
                &[("format", "audio/L16;rate=16000"), ("sample_rate", "8000")],
                Ok(Some(raw(BigEndian(2), 1, 8000))),
            ),
            (
                &[
                    ("format", "PCM"),
                    ("sample_size", "4"),
                    ("sample_rate", "44100"),
                    ("channels", "8"),
                ],
                Ok(Some(raw(LittleEndian(4), 8, 44_100))),
            ),
            (&[("format", "PCM")], Err(ReadFields::FindValue)),
            (
                &[("format", "PCM"), ("sample_rate", "fast")],
                Err(ReadFields::ReadValue),
            ),
            (&[("format", "PCM"), ("sample_rate", "0")], Err(ReadFields::ReadValue)),
            (
                &[("format", "PCM"), ("sample_rate", "8000"), ("channels", "0")],
                Err(ReadFields::ReadValue),
            ),
            (
                &[("format", "PCM"), ("sample_rate", "8000"), ("sample_size", "5")],
                Err(ReadFields::ReadValue),
            ),
            (
                &[("format", "audio/L16"), ("sample_rate", "8000"), ("sample_size", "1")],
                Err(ReadFields::ReadValue),
            ),
            (&[("format", "audio/x-wav"), ("sample_rate", "fast")], Ok(None)),
            (&[], Ok(None)),
        ] {
            assert_eq!(read(fields).map(|claims| claims.raw), expected, "{fields:?}");
        }
    }

    #[test]
    fn reads_the_size_where_there_is_one() {
        for (sent, expected) in [
            (&[("size", "117868")][..], Ok(Some(117_868))),
            (&[("size", "")], Ok(None)),
            (&[], Ok(None)),
            (&[("size", "-1")], Err(ReadFields::ReadValue)),
            (&[("size", "12 kB")], Err(ReadFields::ReadValue)),
            (&[("size", "1"), ("size", "2")], Err(ReadFields::ChooseValue)),
        ] {
            assert_eq!(read(sent).map(|claims| claims.bytes), expected, "{sent:?}");
        }
    }
}
