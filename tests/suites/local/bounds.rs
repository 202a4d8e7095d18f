//! Every limit of the resource, lowered and passed: what is answered, and the word under which it is counted.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use marketplace_tests::addon::{KNOWN, home_of, manifest, request_sid, twilio};
use marketplace_tests::audio::{Recording, Sound, wav_of_bytes};
use marketplace_tests::callback::CallbackReceiver;
use marketplace_tests::http::Connection;
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest, pairs};
use serde_json::{Value, json};

use super::recording::{assert_accepted, upload};
use super::sms::json_of;

/// An add-on with these limits.
pub fn home_with(limits: Value) -> Result<Home> {
    let mut manifest = manifest();
    manifest["spec"]["limits"] = limits;
    home_of(&manifest)
}

pub fn question() -> Result<SignedRequest> {
    twilio(Sdk::Node).request("/query", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))
}

fn numbered(count: usize, value: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = (1..count)
        .map(|number| (format!("n{number}"), value.to_owned()))
        .collect();
    pairs.push(("phone".to_owned(), KNOWN.to_owned()));
    pairs
}

fn multipart(fields: Vec<(String, String)>) -> Payload {
    Payload::Multipart {
        fields,
        file: None,
        order: FileOrder::Last,
    }
}

/// Waits until the metrics have a failure of this reason.
pub async fn until_counted(service: &Service<'_>, reason: &str) -> Result<()> {
    let label = format!("reason=\"{reason}\"");
    until(&format!("a failure is counted as {reason}"), async || {
        let metrics = service.metrics().await?;
        let counted = metrics
            .lines()
            .any(|line| line.starts_with("marketplace_request_failures_total") && line.contains(&label));
        Ok(counted.then_some(()))
    })
    .await
}

#[tokio::test]
async fn counts_and_sizes_are_held_to_the_limits_of_the_resource() -> Result<()> {
    let home = home_with(json!({
        "bodyBytes": 2048, "parameters": 12, "parts": 8, "textPartBytes": 1024, "headers": 40, "headBytes": 8192,
        "audioBytes": 20_000, "quarantineBytes": 40_000,
    }))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let ask = |path, payload| twilio(Sdk::Node).request(path, &request_sid(), payload);
    let json_text = |bytes| format!("{{\"phone\":\"{KNOWN}\",\"pad\":\"{}\"}}", "x".repeat(bytes));
    let many_headers = |count: usize| -> Result<SignedRequest> {
        let mut request = question()?;
        while request.headers.len() < count {
            let name = format!("X-More-{}", request.headers.len());
            request = request.with_header(&name, "1");
        }
        Ok(request)
    };
    let sid = request_sid();
    for (name, request, status, reason) in [
        (
            "parameters of a query",
            ask("/query", Payload::Query(numbered(12, "1")))?,
            200,
            None,
        ),
        (
            "a parameter too many",
            ask("/query", Payload::Query(numbered(13, "1")))?,
            403,
            Some("parameters_too_many"),
        ),
        (
            "a form parameter too many",
            ask("/form", Payload::Form(numbered(13, "1")))?,
            403,
            Some("parameters_too_many"),
        ),
        ("parts", ask("/multipart", multipart(numbered(8, "1")))?, 200, None),
        (
            "a part too many",
            ask("/multipart", multipart(numbered(9, "1")))?,
            403,
            Some("parts_too_many"),
        ),
        (
            "a text part",
            ask("/multipart", multipart(numbered(2, &"x".repeat(1024))))?,
            200,
            None,
        ),
        (
            "a text part too large",
            ask("/multipart", multipart(numbered(2, &"x".repeat(1025))))?,
            403,
            Some("text_part_too_large"),
        ),
        ("a body", ask("/json", Payload::Json(json_text(1000)))?, 200, None),
        (
            "a body too large",
            ask("/json", Payload::Json(json_text(2048)))?,
            403,
            Some("body_too_large"),
        ),
        (
            "a form too large",
            ask("/form", Payload::Form(numbered(3, &"x".repeat(1024))))?,
            403,
            Some("body_too_large"),
        ),
        ("headers", many_headers(40)?, 200, None),
        ("a header too many", many_headers(41)?, 403, Some("headers_too_many")),
        (
            "a head too large",
            question()?.with_header("X-Long", &"x".repeat(9000)),
            403,
            Some("head_too_large"),
        ),
        (
            "a recording",
            upload(&receiver, &sid, wav_of_bytes(20_000, 1))?,
            202,
            None,
        ),
        (
            "a recording too large",
            upload(&receiver, &request_sid(), wav_of_bytes(20_002, 1))?,
            200,
            Some("audio_too_large"),
        ),
    ] {
        let answer = request.send(service.address()).await.context(name)?;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        if let Some(reason) = reason {
            until_counted(&service, reason).await.context(name)?;
        }
        assert_eq!(question()?.send(service.address()).await?.status, 200, "after {name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_sender_that_falls_silent_or_trickles_is_asked_to_come_again() -> Result<()> {
    let home = home_with(json!({"bodySilenceSeconds": 1, "bodyBytesPerSecond": 100_000, "headSeconds": 1}))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let silent = upload(&receiver, &request_sid(), wav_of_bytes(50_000, 1))?;
    let answer = silent.begin(service.address(), 0).await?.answer().await?;
    assert_eq!(answer.status, 503);
    until_counted(&service, "body_stalled").await?;

    let trickled = upload(&receiver, &request_sid(), wav_of_bytes(50_000, 1))?;
    let (mut connection, body) = (Connection::open(service.address()).await?, trickled.body.concat());
    connection.send(trickled.head().as_bytes()).await?;
    let trickle = async {
        for byte in body.chunks(1) {
            connection.send(byte).await?;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        std::io::Result::Ok(())
    };
    // It would go on for a quarter of an hour.
    tokio::select! {
        _ = trickle => {}
        counted = until_counted(&service, "body_too_slow") => counted?,
    }
    assert_eq!(connection.answer().await?.status, 503);

    // A head that never ends, and a connection that never begins.
    for begun in ["GET / HTTP/1.1\r\nX-Never:", ""] {
        let mut connection = Connection::open(service.address()).await?;
        connection.send(begun.as_bytes()).await?;
        assert!(connection.answer().await.is_err(), "it is closed without an answer");
    }
    assert_eq!(question()?.send(service.address()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_full_quarantine_and_a_full_queue_are_503() -> Result<()> {
    let home = home_with(json!({"quarantineFiles": 1, "unfinishedJobs": 1}))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let large = upload(&receiver, &request_sid(), wav_of_bytes(6_000_000, 1))?;
    let begun = large.begin(service.address(), 1_000_000).await?;
    until("the quarantine is taken", async || {
        Ok((!home.data_files("quarantine").is_empty()).then_some(()))
    })
    .await?;
    let small = upload(&receiver, &request_sid(), wav_of_bytes(10_000, 1))?;
    assert_eq!(small.send(service.address()).await?.status, 503);
    until_counted(&service, "over_budget").await?;
    let metrics = service.metrics().await?;
    for series in [r#"limit="quarantineFiles"} 1"#, r#"limit="requests"} 512"#] {
        assert!(metrics.contains(series), "{series} is not in\n{metrics}");
    }

    // Minutes of audio: while it is worked on there is no room for another.
    assert_accepted(&begun.finish().await?);
    let answer = small.send(service.address()).await?;
    assert_eq!(answer.status, 503, "{}", answer.text());
    until_counted(&service, "queue_full").await?;
    until("there is room again", async || {
        let answer = small.send(service.address()).await?;
        Ok((answer.status == 202).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_full_spool_is_503_while_what_it_holds_is_still_delivered() -> Result<()> {
    let home = home_with(json!({
        "audioBytes": 20_000_000, "quarantineBytes": 20_000_000, "spoolBytes": 19_000_000,
    }))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    // A quarter of an hour of audio, and more than four fifths of the spool while they are worked on.
    let (held, large) = (request_sid(), wav_of_bytes(16_000_000, 1));
    assert_accepted(&upload(&receiver, &held, large)?.send(service.address()).await?);
    until("the spool is full", async || {
        let answer = upload(&receiver, &request_sid(), wav_of_bytes(10_000, 1))?
            .send(service.address())
            .await?;
        Ok((answer.status == 503).then_some(()))
    })
    .await?;
    until_counted(&service, "spool_full").await?;
    // The queue, the database and the results still have the room that they need.
    assert_eq!(receiver.wait_for(&held).await?.json()?["error_code"], Value::Null);
    until("there is room again", async || {
        let again = upload(&receiver, &request_sid(), wav_of_bytes(10_000, 1))?;
        Ok((again.send(service.address()).await?.status == 202).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_result_that_twilio_would_not_take_is_an_error_result() -> Result<()> {
    let home = home_with(json!({"resultBytes": 1024}))?;
    let service = Service::start(&home).await?;
    let receiver = CallbackReceiver::start(&[]).await?;
    let talk = (0..40).fold(Recording::new(1, 8000), |recording, _| {
        recording
            .then(Sound::Noise { amplitude: 0.3 }, 0.5)
            .then(Sound::Silence, 0.7)
    });
    for (wav, error_code) in [
        (talk.wav(), json!("result_too_large")),
        (wav_of_bytes(10_000, 1), Value::Null),
    ] {
        let sid = request_sid();
        assert_accepted(&upload(&receiver, &sid, wav)?.send(service.address()).await?);
        let delivery = receiver.wait_for(&sid).await?;
        assert_eq!(delivery.json()?["error_code"], error_code);
        assert!(delivery.body.len() <= 1024, "{} bytes", delivery.body.len());
    }
    let metrics = service.metrics().await?;
    for series in [
        "marketplace_result_audio_factor_count",
        "marketplace_result_seconds_count",
    ] {
        assert!(metrics.contains(series), "{series} is not in\n{metrics}");
    }
    Ok(())
}

#[tokio::test]
async fn a_query_has_no_more_time_than_the_answer() -> Result<()> {
    let mut manifest = manifest();
    manifest["spec"]["limits"] = json!({"answerSeconds": 1});
    manifest["spec"]["endpoints"][4]["handler"]["sql"]["timeoutSeconds"] = json!(14);
    manifest["spec"]["endpoints"][4]["handler"]["sql"]["query"] = json!(
        "with recursive more(n) as (select 1 union all select n + 1 from more) select count(*) as n, :phone_number as p from more"
    );
    let home = home_of(&manifest)?;
    let database = home.path().join("customers.db");
    std::fs::write(&database, Bytes::new())?;
    home.write_secret("crm", "DATABASE_URL", &format!("sqlite://{}", database.display()))?;
    let service = Service::start(&home).await?;
    let endless =
        twilio(Sdk::Node).request("/customers", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))?;
    assert_eq!(endless.send(service.address()).await?.status, 503);
    until_counted(&service, "answer_timed_out").await?;
    assert_eq!(
        json_of(&question()?.send(service.address()).await?)?["error_code"],
        Value::Null
    );
    Ok(())
}
