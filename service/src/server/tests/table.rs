//! The verdict table on the wire: one row per way in which a request can end, the HTTP library's own answers included, each
//! with the word under which it is counted. What needs more than a request is in `unavailable`; `reasons` sees to it that no
//! word is missing.

use super::Outcome;
use super::harness::{Front, Setup};
use super::sent::{Sent, file_part, text_part, wav};
use crate::server::headers::{ADDON_SID, REQUEST_SID};

struct Row {
    name: &'static str,
    sent: Sent,
    status: u16,
    error_code: Option<&'static str>,
    reason: Option<&'static str>,
}

fn row(name: &'static str, sent: Sent, status: u16, error_code: impl Into<Option<&'static str>>) -> Row {
    Row {
        name,
        sent,
        status,
        error_code: error_code.into(),
        reason: None,
    }
}

fn sms() -> Sent {
    Sent::get("/incoming-sms?phone=%2B14155551212")
}

fn unverified() -> Vec<Row> {
    let json = || Sent::json("/lookup", r#"{"phone": "1"}"#);
    let large = vec![b'a'; 1024 * 1024 + 1];
    let texts = |count| Sent::multipart("/transcription", text_part("n", "1").repeat(count));
    let long_head = [b"--x\r\nx: ".to_vec(), vec![b'a'; 200_000]].concat();
    [
        ("no signature", sms().unsigned(), "signature_missing"),
        (
            "no signature on an unknown path",
            Sent::get("/nothing").unsigned(),
            "signature_missing",
        ),
        (
            "two signatures",
            sms().header("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            "signature_malformed",
        ),
        (
            "a signature that is none",
            sms().unsigned().header("x-twilio-signature", "FmjGtQSFzFYXtmA9"),
            "signature_malformed",
        ),
        (
            "another token",
            sms().signed_with("another token"),
            "signature_mismatch",
        ),
        ("another path of ours", sms().to("/lookup"), "signature_mismatch"),
        (
            "a forged host",
            sms().signed_over("https://evil.example.com"),
            "signature_mismatch",
        ),
        ("json without its hash", json().without_body_hash(), "body_hash_missing"),
        ("json under another hash", json().with_body("{}"), "body_hash_mismatch"),
        (
            "a compressed body",
            json().header("content-encoding", "gzip"),
            "body_compressed",
        ),
        (
            "a form that is too large",
            Sent::raw("/incoming-sms", "application/x-www-form-urlencoded", large),
            "body_too_large",
        ),
        (
            "a form with too many parameters",
            Sent::form("/incoming-sms", &"n=1&".repeat(10_000)),
            "parameters_too_many",
        ),
        (
            "a multipart body without a boundary",
            Sent::raw("/transcription", "multipart/form-data", vec![]),
            "boundary_missing",
        ),
        (
            "a multipart body that is none",
            Sent::raw("/transcription", "multipart/form-data; boundary=x", b"nothing".to_vec()),
            "parts_malformed",
        ),
        ("a multipart body of too many parts", texts(1000), "parts_too_many"),
        (
            "a part whose head has no end",
            Sent::raw("/transcription", "multipart/form-data; boundary=x", long_head),
            "part_head_too_large",
        ),
        (
            "a text part that is too large",
            Sent::multipart("/transcription", text_part("n", &"a".repeat(1024 * 1024))),
            "text_part_too_large",
        ),
        (
            "a body of another kind",
            Sent::raw("/lookup", "text/plain", b"1".to_vec()),
            "body_hash_missing",
        ),
    ]
    .into_iter()
    .map(|(name, sent, reason)| Row {
        reason: Some(reason),
        ..row(name, sent, 403, "unverified")
    })
    .collect()
}

fn refused() -> Vec<Row> {
    let mut recording_twice = file_part("audio-data", &wav(10));
    recording_twice.extend(file_part("audio-data", &wav(10)));
    let callback = text_part("callback", "https://api.twilio.com/result");
    let with_callback = |part: Vec<u8>| Sent::multipart("/transcription", [callback.clone(), part].concat());
    let callback_to = |url| {
        let parts = [text_part("callback", url), file_part("audio-data", &wav(10))].concat();
        Sent::multipart("/transcription", parts)
    };
    [
        ("unknown path", Sent::get("/nothing?phone=1"), "unknown_endpoint"),
        (
            "another method",
            Sent::form("/incoming-sms", "phone=1"),
            "method_not_accepted",
        ),
        ("an odd method", sms().method("DELETE"), "method_not_accepted"),
        (
            "another encoding",
            Sent::form("/lookup", "phone=1"),
            "encoding_not_accepted",
        ),
        (
            "another add-on",
            sms().header(ADDON_SID, "XB11111111111111111111111111111111"),
            "another_addon",
        ),
        (
            "no phone number",
            Sent::get("/incoming-sms?message=hi"),
            "field_missing",
        ),
        (
            "two phone numbers",
            Sent::get("/incoming-sms?phone=1&phone=2"),
            "field_ambiguous",
        ),
        (
            "json that is none",
            Sent::json("/lookup", "+14155551212"),
            "body_unreadable",
        ),
        (
            "no callback",
            Sent::multipart("/transcription", file_part("audio-data", &wav(10))),
            "field_missing",
        ),
        (
            "a foreign callback",
            callback_to("https://example.org/"),
            "callback_not_allowed",
        ),
        (
            "a callback inside",
            callback_to("https://169.254.169.254/"),
            "callback_not_allowed",
        ),
        ("no recording", with_callback(vec![]), "audio_missing"),
        ("two recordings", with_callback(recording_twice), "audio_ambiguous"),
        (
            "a recording that is too large",
            Sent::recording(&wav(20_000)),
            "audio_too_large",
        ),
        (
            "a recording that is none",
            Sent::recording(b"RIFF but not really"),
            "audio_unreadable",
        ),
    ]
    .into_iter()
    .map(|(name, sent, code)| Row {
        reason: Some(code),
        ..row(name, sent, 200, code)
    })
    .collect()
}

fn served() -> Vec<Row> {
    vec![
        row("a known number", sms(), 200, None),
        row(
            "an unknown number",
            Sent::get("/incoming-sms?phone=1"),
            200,
            "not_found",
        ),
        row(
            "a head that is odd but fine",
            sms().header("x-forwarded-host", "evil.example.com"),
            200,
            None,
        ),
        Row {
            reason: Some("database_url_missing"),
            ..row(
                "a database that is missing",
                Sent::json("/lookup", r#"{"phone": "1"}"#),
                503,
                "unavailable",
            )
        },
        row(
            "a recording",
            Sent::recording(&wav(100)).header(REQUEST_SID, "MR7"),
            202,
            None,
        ),
    ]
}

#[tokio::test]
async fn every_row_of_the_verdict_table_is_on_the_wire_as_it_is_written() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    for Row {
        name,
        sent,
        status,
        error_code,
        reason,
    } in unverified().into_iter().chain(refused()).chain(served())
    {
        let failures = || reason.map_or(Ok(0), |reason| front.failures(reason));
        let before = failures()?;
        let answer = front.ask(&sent).await?;
        assert_eq!(answer.status, status, "{name}: {}", answer.head);
        assert_eq!(failures()?, before + u64::from(reason.is_some()), "{name}: {reason:?}");
        assert!(
            answer
                .head
                .contains(&format!("content-length: {}\r\n", answer.body.len())),
            "{name}: {}",
            answer.head
        );
        assert!(
            !answer.head.contains("transfer-encoding") && !answer.head.contains("content-encoding"),
            "{name}"
        );
        if status == 202 {
            continue;
        }
        assert!(
            answer.head.contains("content-type: application/json\r\n"),
            "{name}: {}",
            answer.head
        );
        assert_eq!(answer.error_code()?.as_deref(), error_code, "{name}");
    }
    assert_eq!((front.files("quarantine")?, front.files("audio")?), (0, 1));
    Ok(())
}

#[tokio::test]
async fn what_the_http_library_refuses_by_itself_is_403_as_well() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    // One more than the default, and one more than the parser takes by itself.
    let (many, more) = ("x: 1\r\n".repeat(65), "x: 1\r\n".repeat(101));
    for (name, bytes, reason) in [
        ("no HTTP", "hello\r\n\r\n".to_owned(), "head_unreadable"),
        (
            "no such version",
            "GET / HTTP/9.9\r\n\r\n".to_owned(),
            "head_unreadable",
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(),
            "head_unreadable",
        ),
        (
            "too many headers",
            format!("GET / HTTP/1.1\r\n{many}\r\n"),
            "headers_too_many",
        ),
        (
            "even more headers",
            format!("GET / HTTP/1.1\r\n{more}\r\n"),
            "headers_too_many",
        ),
        (
            "a header that is too long",
            format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(70_000)),
            "head_too_large",
        ),
        (
            "a URL that is too long",
            format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)),
            "head_too_large",
        ),
    ] {
        let before = front.failures(reason)?;
        let mut connection = front.connect().await?;
        connection.write(bytes.as_bytes()).await?;
        let answer = connection
            .read_answer()
            .await
            .map_err(|error| format!("{name}: {error}"))?;
        assert_eq!(answer.status, 403, "{name}: {}", answer.head);
        assert_eq!(front.failures(reason)?, before + 1, "{name}: {}", front.metrics()?);
        assert_eq!(answer.error_code()?.as_deref(), Some("unverified"), "{name}");
        assert!(answer.head.contains("connection: close\r\n"), "{name}: {}", answer.head);
        assert!(
            answer
                .head
                .contains(&format!("content-length: {}\r\n", answer.body.len())),
            "{name}: {}",
            answer.head
        );
    }
    Ok(())
}
