//! Bodies that nobody sends who means well, each over the wire: what is answered, and that the next request is.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use marketplace_tests::addon::{KNOWN, home, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::Connection;
use marketplace_tests::patience::until;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, pairs};

use super::recording::PATH;

const BOUNDARY: &str = "----hostile";
const AUDIO_BYTES: usize = 60_000;

/// Where the file part stands among the text parts.
#[derive(Clone, Copy, Debug)]
enum Place {
    First,
    Middle,
    Last,
}

/// Signed over its two text parts, with the file part at this place.
fn recording(callback: &str, place: Place) -> Result<SignedRequest> {
    let fields = pairs(&[("callback", callback), ("format", "audio/x-wav")]);
    let texts = fields
        .iter()
        .map(|(name, value)| part(&format!("name=\"{name}\""), value.as_bytes()));
    let mut parts: Vec<Vec<u8>> = texts.collect();
    let file = part(
        "name=\"audio-data\"; filename=\"test.wav\"",
        &wav_of_bytes(AUDIO_BYTES, 1),
    );
    parts.insert(
        match place {
            Place::First => 0,
            Place::Middle => 1,
            Place::Last => 2,
        },
        file,
    );
    let payload = Payload::Multipart {
        fields,
        file: None,
        order: marketplace_tests::twilio::FileOrder::Last,
    };
    let request = twilio(Sdk::Node).request(PATH, &request_sid(), payload)?;
    let request = request.with_header("Content-Type", &format!("multipart/form-data; boundary={BOUNDARY}"));
    Ok(with_body(request, parts.concat(), true))
}

fn part(head: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn with_body(mut request: SignedRequest, mut body: Vec<u8>, ended: bool) -> SignedRequest {
    if ended {
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    }
    request.body = vec![Bytes::from(body)];
    request
}

/// The same with another body.
fn bent(request: &SignedRequest, bend: impl FnOnce(Vec<u8>) -> Vec<u8>) -> SignedRequest {
    with_body(request.clone(), bend(request.body.concat()), false)
}

fn find(body: &[u8], text: &str) -> Result<usize> {
    let found = body.windows(text.len()).position(|window| window == text.as_bytes());
    found.with_context(|| format!("{text:?} is in the body"))
}

/// That the service still answers, on a connection of its own.
async fn assert_alive(service: &Service<'_>, after: &str) -> Result<()> {
    let question = twilio(Sdk::Node).request("/query", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))?;
    assert_eq!(question.send(service.address()).await?.status, 200, "after {after}");
    Ok(())
}

/// Sends each and asserts its status, that nothing is kept of it, and that the next request is answered.
async fn assert_statuses(rows: Vec<(String, SignedRequest, u16)>) -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    for (name, request, status) in rows {
        let answer = request.send(service.address()).await.with_context(|| name.clone())?;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert_alive(&service, &name).await?;
    }
    until("the quarantine is empty", async || {
        Ok(home.data_files("quarantine").is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn takes_the_file_part_wherever_it_stands_and_only_whole() -> Result<()> {
    let receiver = CallbackReceiver::start(&[]).await?;
    let mut rows = Vec::new();
    for place in [Place::First, Place::Middle, Place::Last] {
        let whole = recording(&receiver.url("hostile"), place)?;
        let body = whole.body.concat();
        let file = find(&body, "RIFF")?;
        let callback = find(&body, "name=\"callback\"")?;
        for (cut, at) in [
            ("in the samples", file + AUDIO_BYTES / 2),
            ("in the head of the file part", file - 20),
            ("in a text part", callback + 30),
            ("in the head of a text part", callback - 5),
            ("after the file part", file + AUDIO_BYTES),
            ("in the last boundary", body.len() - 6),
        ] {
            let row = bent(&whole, |body| body[..at].to_vec());
            rows.push((format!("{place:?}, cut {cut}"), row, 403));
        }
        rows.push((format!("{place:?}, whole"), whole, 202));
    }
    assert_statuses(rows).await
}

#[tokio::test]
async fn refuses_boundaries_that_are_none() -> Result<()> {
    let receiver = CallbackReceiver::start(&[]).await?;
    let good = recording(&receiver.url("hostile"), Place::Last)?;
    let typed = |value: &str| good.clone().with_header("Content-Type", value);
    let nested = "name=\"audio-data\"; filename=\"a\"\r\nContent-Type: multipart/mixed; boundary=inner";
    let inner =
        b"--inner\r\nContent-Disposition: form-data; name=\"callback\"\r\n\r\nhttps://evil.example.com\r\n--inner--";
    let callback = receiver.url("hostile");
    let texts = pairs(&[("callback", &callback), ("format", "audio/x-wav")]);
    let mut with_nested: Vec<u8> = texts
        .iter()
        .flat_map(|(name, value)| part(&format!("name=\"{name}\""), value.as_bytes()))
        .collect();
    with_nested.extend(part(nested, inner));
    let rows = [
        ("none", typed("multipart/form-data"), 403),
        ("an empty one", typed("multipart/form-data; boundary="), 403),
        ("another", typed("multipart/form-data; boundary=other"), 403),
        (
            "one of 200 characters",
            typed(&format!("multipart/form-data; boundary={}", "b".repeat(200))),
            403,
        ),
        (
            "two",
            typed(&format!("multipart/form-data; boundary=other; boundary={BOUNDARY}")),
            403,
        ),
        (
            "one that the file has as well",
            bent(&good, |mut body| {
                let at = body.len() - AUDIO_BYTES / 2;
                body.splice(at..at, format!("\r\n--{BOUNDARY}\r\n").into_bytes());
                body
            }),
            403,
        ),
        (
            "nothing but boundaries",
            bent(&good, |_| format!("--{BOUNDARY}\r\n").repeat(1000).into_bytes()),
            403,
        ),
        ("an empty body", bent(&good, |_| Vec::new()), 403),
        (
            "nothing but the end",
            bent(&good, |_| format!("--{BOUNDARY}--\r\n").into_bytes()),
            403,
        ),
        (
            "a multipart body in a part",
            with_body(good.clone(), with_nested, true),
            200,
        ),
    ];
    let rows = rows.map(|(name, request, status)| (name.to_owned(), request, status));
    assert_statuses(rows.to_vec()).await
}

#[tokio::test]
async fn refuses_every_compression_of_a_body() -> Result<()> {
    let receiver = CallbackReceiver::start(&[]).await?;
    let mut rows = Vec::new();
    for coding in ["gzip", "br", "deflate", "zstd", "identity", "gzip, br", ""] {
        let good = recording(&receiver.url("hostile"), Place::Last)?;
        rows.push((format!("{coding:?}"), good.with_header("Content-Encoding", coding), 403));
        let form = twilio(Sdk::Node).request("/form", &request_sid(), Payload::Form(pairs(&[("phone", KNOWN)])))?;
        rows.push((
            format!("a form, {coding:?}"),
            form.with_header("Content-Encoding", coding),
            403,
        ));
    }
    assert_statuses(rows).await
}

#[tokio::test]
async fn survives_lengths_and_chunks_that_lie() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let good = recording(&receiver.url("hostile"), Place::Last)?;
    let (length, body) = (format!("Content-Length: {}", good.body_bytes()), good.body.concat());
    let chunked = good.head().replace(&length, "Transfer-Encoding: chunked");
    for (name, head, body, status) in [
        (
            "a length that is too short",
            good.head().replace(&length, "Content-Length: 20000"),
            body.as_slice(),
            403,
        ),
        ("a chunk without a length", chunked.clone(), b"zz\r\n".as_slice(), 503),
        ("a chunk of 2^64 bytes", chunked.clone(), b"10000000000000000\r\n", 503),
        (
            "a chunk longer than it says",
            chunked.clone(),
            b"3\r\nabcdef\r\n0\r\n\r\n",
            503,
        ),
        ("chunks that end at once", chunked, b"0\r\n\r\n", 403),
        (
            "a negative length",
            good.head().replace(&length, "Content-Length: -1"),
            b"",
            403,
        ),
        (
            "no number",
            good.head().replace(&length, "Content-Length: many"),
            b"",
            403,
        ),
        (
            "an expectation that nobody has",
            good.clone().with_header("Expect", "a-miracle").head(),
            body.as_slice(),
            202,
        ),
    ] {
        let mut connection = Connection::open(service.address()).await?;
        connection.send(head.as_bytes()).await?;
        // Whoever is refused early may find that nobody reads any more.
        let _ = connection.send(body).await;
        let answer = connection.answer().await.context(name)?;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert_alive(&service, name).await?;
    }
    // More is promised than comes, and then the sender is gone.
    let begun = good.begin(service.address(), body.len() / 2).await?;
    until("the first half has come", async || {
        Ok((!home.data_files("quarantine").is_empty()).then_some(()))
    })
    .await?;
    drop(begun);
    until("nothing is kept of it", async || {
        Ok(home.data_files("quarantine").is_empty().then_some(()))
    })
    .await?;
    assert_alive(&service, "a length that is too long").await
}
