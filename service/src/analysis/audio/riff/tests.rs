//! Headers that lie, and headers that are only odd.

use std::io::Cursor;

use super::{ReadWave, Wave, find, tag};

fn chunk(name: &str, length: u32, content: &[u8]) -> Vec<u8> {
    [name.as_bytes(), &length.to_le_bytes(), content].concat()
}

fn own_length(name: &str, content: &[u8]) -> Vec<u8> {
    chunk(name, u32::try_from(content.len()).unwrap_or(u32::MAX), content)
}

/// One channel of 16 bits at 8 kHz.
fn format() -> Vec<u8> {
    own_length("fmt ", &[1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0])
}

fn riff(length: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    [chunk("RIFF", length, b"WAVE"), chunks.concat()].concat()
}

fn found(bytes: &[u8]) -> Result<Wave, ReadWave> {
    find(&mut Cursor::new(bytes), bytes.len() as u64)
}

#[test]
fn the_samples_are_found_whatever_stands_around_them() {
    let (samples, note) = ([7_u8; 100], own_length("note", b"odd"));
    let data = || own_length("data", &samples);
    for (name, bytes) in [
        ("plain", riff(136, &[format(), data()])),
        (
            "lengths never written",
            riff(0, &[format(), chunk("data", 0, &samples)]),
        ),
        (
            "a length of the header alone",
            riff(36, &[format(), chunk("data", 0, &samples)]),
        ),
        (
            "lengths at their maximum",
            riff(u32::MAX, &[format(), chunk("data", u32::MAX, &samples)]),
        ),
        (
            "the data's length at its maximum",
            riff(136, &[format(), chunk("data", u32::MAX, &samples)]),
        ),
        ("a wrong length of the whole", riff(7, &[format(), data()])),
        (
            "an odd chunk with its padding",
            riff(200, &[note.clone(), vec![0], format(), data()]),
        ),
        (
            "an odd chunk without its padding",
            riff(200, &[note.clone(), format(), data()]),
        ),
        ("the format after the samples", riff(200, &[data(), format()])),
        ("something after the samples", riff(200, &[format(), data(), note])),
        (
            "a second format",
            riff(200, &[format(), own_length("fmt ", &[0; 16]), data()]),
        ),
    ] {
        let wave = found(&bytes);
        let at = wave.as_ref().map(|wave| {
            let start = usize::try_from(wave.data_start).unwrap_or(usize::MAX);
            (
                wave.tag,
                wave.channels,
                wave.rate_hertz,
                wave.data_bytes,
                bytes.get(start),
            )
        });
        assert!(matches!(at, Ok((tag::PCM, 1, 8000, 100, Some(7)))), "{name}: {wave:?}");
    }
}

#[test]
fn an_extension_says_how_the_samples_are_written() {
    let mut extension = vec![
        0xfe, 0xff, 2, 0, 0x40, 0x1f, 0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 22, 0, 8, 0, 3, 0, 0, 0,
    ];
    extension.extend([7, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    let wave = found(&riff(
        100,
        &[own_length("fmt ", &extension), own_length("data", &[0; 4])],
    ));
    assert!(
        matches!(
            wave,
            Ok(Wave {
                tag: tag::MU_LAW,
                channels: 2,
                bits: 8,
                ..
            })
        ),
        "{wave:?}"
    );
}

#[test]
fn no_samples_are_samples_of_no_length() {
    let wave = found(&riff(36, &[format(), own_length("data", &[])]));
    assert!(matches!(wave, Ok(Wave { data_bytes: 0, .. })), "{wave:?}");
}

#[test]
fn what_is_not_whole_is_refused_with_a_reason() {
    let good = riff(136, &[format(), own_length("data", &[0; 100])]);
    for (name, bytes, reason) in [
        ("nothing", vec![], "too early"),
        ("a text", b"these are not the bytes of a sound".to_vec(), "no WAV"),
        (
            "an AIFF",
            good.iter()
                .map(|byte| if *byte == b'W' { b'A' } else { *byte })
                .collect(),
            "no WAV",
        ),
        ("half a header", good[..30].to_vec(), "too early"),
        ("no data chunk", good[..36].to_vec(), "no samples"),
        (
            "no format chunk",
            riff(100, &[own_length("data", &[0; 4])]),
            "does not say",
        ),
        (
            "a format that is too short",
            riff(100, &[own_length("fmt ", &[0; 14])]),
            "too short",
        ),
        (
            "cut off in the samples",
            good[..good.len() - 1].to_vec(),
            "promises 100",
        ),
        (
            "a chunk beyond the file",
            riff(100, &[format(), chunk("LIST", 1_000_000, b"INFO")]),
            "no samples",
        ),
        (
            "an extension that is not there",
            riff(
                100,
                &[
                    own_length("fmt ", &[&[0xfe, 0xff], [0; 14].as_slice()].concat()),
                    own_length("data", &[]),
                ],
            ),
            "too short",
        ),
    ] {
        let refused = found(&bytes);
        assert!(
            matches!(&refused, Err(ReadWave::ReadHeader(said)) if said.contains(reason)),
            "{name}: {refused:?}"
        );
    }
}
