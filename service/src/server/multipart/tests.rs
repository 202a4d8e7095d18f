//! Bodies in every order and beyond every limit, fed in pieces of every size.

use std::error::Error;
use std::path::Path;

use axum::body::{Body, Bytes};
use futures::stream;

use super::{Parts, UNPARSED_LIMIT_BYTES, boundary, receive};
use crate::admission::AudioPart;
use crate::limits::BodyLimits;
use crate::server::body::ReceiveBody;
use crate::server::inflow::Inflow;
use crate::server::room::Room;
use crate::spool::{Limits, Spool};

const BOUNDARY: &str = "XXboundaryXX";
const LIMITS: Limits = Limits {
    max_file_bytes: 1000,
    quarantine_bytes: 1500,
    quarantine_files: 2,
    spool_bytes: 1 << 40,
};

const PARTS_LIMIT: usize = 64;
const TEXT_PART_LIMIT_BYTES: usize = 64 * 1024;
const BODY_LIMITS: BodyLimits = BodyLimits {
    whole_bytes: 1024 * 1024,
    parameters: 100,
    parts: PARTS_LIMIT,
    text_part_bytes: TEXT_PART_LIMIT_BYTES,
    silence: std::time::Duration::from_secs(30),
    bytes_per_second: 1024,
};

fn part(head: &str, content: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
}

fn text(name: &str, content: &str) -> String {
    part(&format!("name=\"{name}\""), content)
}

fn file(name: &str, content: &str) -> String {
    part(
        &format!("name=\"{name}\"; filename=\"test.wav\"\r\nContent-Type: audio/x-wav"),
        content,
    )
}

fn whole(parts: &[String]) -> String {
    format!("{}--{BOUNDARY}--\r\n", parts.concat())
}

fn body(text: &str, piece_bytes: usize) -> Body {
    let pieces: Vec<_> = text
        .as_bytes()
        .chunks(piece_bytes)
        .map(Bytes::copy_from_slice)
        .collect();
    Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)))
}

async fn read(text: &str, piece_bytes: usize, spool: &Spool) -> Result<Parts, ReceiveBody> {
    let mut body = body(text, piece_bytes);
    let place = Room::new(1).enter(true).expect("the room is empty");
    let mut inflow = Inflow::new(&mut body, &BODY_LIMITS, &place);
    receive(&mut inflow, BOUNDARY.to_owned(), Some(("audio-data", spool))).await
}

fn quarantine_is_empty(folder: &Path) -> std::io::Result<bool> {
    Ok(folder.join("quarantine").read_dir()?.next().is_none())
}

#[tokio::test]
async fn takes_text_parts_before_and_after_the_file() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let content = "RIFF\r\n--XXboundaryX and more\r\n";
    let sent = whole(&[
        text("callback", "https://a"),
        file("audio-data", content),
        text("duration", "4"),
        text("e", ""),
    ]);
    for piece_bytes in [1, 7, 64, 100_000] {
        let mut parts = read(&sent, piece_bytes, &spool).await?;
        let pairs: Vec<_> = parts
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("callback", "https://a"), ("duration", "4"), ("e", "")],
            "{piece_bytes}"
        );
        assert_eq!(parts.audio, AudioPart::Received);
        let audio = parts.quarantined.as_mut().ok_or("the file was not kept")?;
        assert_eq!(std::fs::read_to_string(audio.path().await?)?, content, "{piece_bytes}");
    }
    assert!(quarantine_is_empty(folder.path())?, "what nobody stored is gone");
    Ok(())
}

#[tokio::test]
async fn keeps_one_file_and_says_what_was_wrong_with_it() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let (small, large) = ("a".repeat(1000), "a".repeat(1001));
    let cases = [
        ("none", vec![text("d", "4")], AudioPart::Missing),
        (
            "another file",
            vec![file("other", &large), text("d", "4")],
            AudioPart::Missing,
        ),
        (
            "one",
            vec![file("audio-data", &small), text("d", "4")],
            AudioPart::Received,
        ),
        (
            "too large",
            vec![file("audio-data", &large), text("d", "4")],
            AudioPart::TooLarge,
        ),
        (
            "two",
            vec![file("audio-data", "a"), text("d", "4"), file("audio-data", "b")],
            AudioPart::Repeated,
        ),
    ];
    for (name, sent, expected) in cases {
        let parts = read(&whole(&sent), 64, &spool).await?;
        assert_eq!(parts.audio, expected, "{name}");
        assert_eq!(parts.quarantined.is_some(), expected == AudioPart::Received, "{name}");
        assert_eq!(parts.parameters, [("d".to_owned(), "4".to_owned())], "{name}");
    }
    assert!(quarantine_is_empty(folder.path())?);
    Ok(())
}

#[tokio::test]
async fn refuses_what_is_beyond_a_limit_or_is_not_whole() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let many: Vec<_> = (0..=PARTS_LIMIT).map(|number| text(&number.to_string(), "")).collect();
    let good = whole(&[text("d", "4"), file("audio-data", "a")]);
    let cases = [
        ("as many parts as fit", whole(&many[1..]), None),
        ("a part more", whole(&many), Some("parts_too_many")),
        (
            "as much text as fits",
            whole(&[text("d", &"a".repeat(TEXT_PART_LIMIT_BYTES))]),
            None,
        ),
        (
            "a byte more",
            whole(&[text("d", &"a".repeat(TEXT_PART_LIMIT_BYTES + 1))]),
            Some("text_part_too_large"),
        ),
        (
            "an endless head",
            part(&"a".repeat(UNPARSED_LIMIT_BYTES), ""),
            Some("part_head_too_large"),
        ),
        (
            "no boundary at all",
            "a".repeat(UNPARSED_LIMIT_BYTES + 1),
            Some("part_head_too_large"),
        ),
        (
            "no last boundary",
            good[..good.len() - 6].to_owned(),
            Some("parts_malformed"),
        ),
        (
            "half a file",
            file("audio-data", "a")[..100].to_owned(),
            Some("parts_malformed"),
        ),
        ("nothing", String::new(), Some("parts_malformed")),
    ];
    for (name, sent, expected) in cases {
        let reason = match read(&sent, 1000, &spool).await {
            Ok(_) => None,
            Err(ReceiveBody::ReadParts(reason)) => Some(reason),
            Err(error) => return Err(error.into()),
        };
        assert_eq!(reason, expected, "{name}");
    }
    assert!(quarantine_is_empty(folder.path())?);
    Ok(())
}

#[tokio::test]
async fn asks_to_come_again_when_the_quarantine_is_full() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let sent = whole(&[file("audio-data", &"a".repeat(900))]);
    let first = read(&sent, 64, &spool).await?;
    let refused = read(&sent, 64, &spool).await;
    assert!(matches!(refused, Err(ReceiveBody::Quarantine(_))));
    drop(first);
    assert!(read(&sent, 64, &spool).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn tells_a_broken_connection_from_a_malformed_body() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let spool = Spool::open(folder.path(), LIMITS)?;
    let begun = Bytes::from(text("d", "4"));
    let pieces = [
        Ok(begun),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let mut broken = Body::from_stream(stream::iter(pieces));
    let place = Room::new(1).enter(true).expect("the room is empty");
    let mut inflow = Inflow::new(&mut broken, &BODY_LIMITS, &place);
    let read = receive(&mut inflow, BOUNDARY.to_owned(), Some(("audio-data", &spool))).await;
    assert!(matches!(read, Err(ReceiveBody::KeepConnection)));
    Ok(())
}

#[test]
fn takes_a_boundary_only_as_it_may_be() {
    let longest = "b".repeat(70);
    for (content_type, expected) in [
        ("multipart/form-data; boundary=XX", Some("XX")),
        ("multipart/form-data; boundary=\"X Y\"", Some("X Y")),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"\"", None),
        ("multipart/form-data", None),
        ("multipart/mixed; boundary=XX", None),
        (
            &format!("multipart/form-data; boundary={longest}"),
            Some(longest.as_str()),
        ),
        (&format!("multipart/form-data; boundary={longest}b"), None),
    ] {
        assert_eq!(boundary(content_type).as_deref(), expected, "{content_type}");
    }
}
