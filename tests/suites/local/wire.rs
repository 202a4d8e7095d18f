//! HTTP as others may speak it in front of us: what is accepted, and which answers never leave the service.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home, request_sid, twilio};
use marketplace_tests::audio::wav_of_bytes;
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::{Answer, Connection};
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, pairs};

use super::recording::{assert_accepted, upload};
use super::sms::json_of;

fn question() -> Result<SignedRequest> {
    twilio(Sdk::Node).request("/query", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))
}

/// Sends these bytes on a connection of their own.
async fn answer_to(service: &Service<'_>, pieces: &[&[u8]]) -> Result<Answer> {
    let mut connection = Connection::open(service.address()).await?;
    for piece in pieces {
        connection.send(piece).await?;
    }
    connection.answer().await
}

#[tokio::test]
async fn takes_a_chunked_upload() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    let request = upload(&receiver, &sid, wav_of_bytes(50_000, 1))?;
    let length = format!("Content-Length: {}", request.body_bytes());
    let head = request.head().replace(&length, "Transfer-Encoding: chunked");
    let mut connection = Connection::open(service.address()).await?;
    connection.send(head.as_bytes()).await?;
    for chunk in request.body.concat().chunks(7_001) {
        connection.send(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
        connection.send(chunk).await?;
        connection.send(b"\r\n").await?;
    }
    connection.send(b"0\r\n\r\n").await?;
    assert_accepted(&connection.answer().await?);
    receiver.wait_for(&sid).await?;
    Ok(())
}

#[tokio::test]
async fn takes_an_upload_that_waits_to_be_asked_for() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let sid = request_sid();
    let request = upload(&receiver, &sid, wav_of_bytes(50_000, 1))?.with_header("Expect", "100-continue");
    let mut connection = Connection::open(service.address()).await?;
    connection.send(request.head().as_bytes()).await?;
    assert_eq!(connection.interim_status().await?, 100);
    connection.send(&request.body.concat()).await?;
    assert_accepted(&connection.answer().await?);
    receiver.wait_for(&sid).await?;
    Ok(())
}

#[tokio::test]
async fn answers_one_request_after_the_other_on_one_connection() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let mut connection = Connection::open(service.address()).await?;
    for _ in 0..3 {
        connection.send(question()?.head().as_bytes()).await?;
        let answer = json_of(&connection.answer().await?)?;
        assert_eq!(answer["results"]["customer_type"], "gold");
    }
    Ok(())
}

#[tokio::test]
async fn counts_what_is_no_request_among_the_unverified() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(200_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Many: 1\r\n".repeat(500));
    for (what, bytes) in [
        ("no HTTP", "hello\r\n\r\n"),
        ("a bad header", "GET / HTTP/1.1\r\nno header\r\n\r\n"),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ),
        ("a target that is too long", long.as_str()),
        ("too many headers", many.as_str()),
        (
            "unsigned, with a strange method",
            "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ] {
        let answer = answer_to(&service, &[bytes.as_bytes()]).await?;
        assert_eq!(answer.status, 403, "{what}");
        assert_eq!(
            answer.header("content-length"),
            Some(answer.body.len().to_string().as_str()),
            "{what}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn refuses_with_200_a_signed_request_of_a_method_that_nobody_uses() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let head = question()?.head().replacen("GET", method, 1);
        let answer = json_of(&answer_to(&service, &[head.as_bytes()]).await?)?;
        assert_eq!(answer["error_code"], "method_not_accepted", "{method}");
    }
    Ok(())
}
