//! The whole front over real connections: spoken to as bytes, because what is promised is what is on the wire.

mod harness;
mod reasons;
mod sent;
mod table;
mod unavailable;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;

use super::headers::REQUEST_SID;
use harness::{Front, Setup, TOKEN};
use sent::{Sent, file_part, wav};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn answers_a_signed_request_below_both_forms_of_its_path() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    for path in ["/incoming-sms", "/insights/incoming-sms"] {
        let answer = front
            .ask(&Sent::get("/incoming-sms?phone=%2B14155551212").to(path))
            .await?;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            answer.json()?,
            serde_json::json!({
                "phone_number": "+14155551212",
                "results": {"customer_name": "Ada", "customer_type": "gold"},
                "error_code": null,
            })
        );
    }
    Ok(())
}

#[tokio::test]
async fn reads_a_chunked_body_and_invites_one_that_asks_first() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let body = r#"{"phone": "+14155551212"}"#;
    let chunked = front.ask(&Sent::json("/lookup", body).chunked()).await?;
    assert_eq!(
        (chunked.status, chunked.error_code()?),
        (503, Some("unavailable".to_owned())),
        "its database is missing"
    );
    let invited = front
        .ask(&Sent::json("/lookup", body).header("expect", "100-continue"))
        .await?;
    assert!(
        invited.head.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503"),
        "{}",
        invited.head
    );
    Ok(())
}

#[tokio::test]
async fn keeps_a_connection_for_the_next_request() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let mut connection = front.connect().await?;
    for _ in 0..3 {
        let answer = connection.ask(&Sent::get("/incoming-sms?phone=1")).await?;
        assert_eq!(
            (answer.status, answer.error_code()?),
            (200, Some("not_found".to_owned()))
        );
    }
    Ok(())
}

#[tokio::test]
async fn accepts_a_recording_only_when_it_is_safe() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let answer = front
        .ask(&Sent::recording(&wav(1600)).header(REQUEST_SID, "MR1"))
        .await?;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    assert!(
        answer.head.contains("content-length: 0\r\n") && !answer.head.contains("content-type"),
        "{}",
        answer.head
    );
    assert_eq!(front.queued().await?, 1);
    assert_eq!(front.files("audio")?, 1);
    assert_eq!(front.files("quarantine")?, 0);
    Ok(())
}

#[tokio::test]
async fn a_repeated_recording_is_one_job_and_another_under_its_sid_is_refused() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let recording = || Sent::recording(&wav(1600)).header(REQUEST_SID, "MR1");
    for _ in 0..2 {
        assert_eq!(front.ask(&recording()).await?.status, 202);
    }
    let other = front.ask(&recording().field("duration", "5")).await?;
    assert_eq!(
        (other.status, other.error_code()?),
        (200, Some("request_sid_reused".to_owned()))
    );
    assert_eq!((front.queued().await?, front.files("audio")?), (1, 1));
    Ok(())
}

#[tokio::test]
async fn without_a_sid_the_signed_text_tells_requests_apart() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    for (duration, jobs) in [("4", 1), ("4", 1), ("5", 2)] {
        let recording = Sent::recording(&wav(1600)).field("duration", duration);
        assert_eq!(front.ask(&recording).await?.status, 202);
        assert_eq!(front.queued().await?, jobs);
    }
    Ok(())
}

#[tokio::test]
async fn throws_away_the_file_of_a_request_that_is_not_verified() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let forged = front
        .ask(&Sent::recording(&wav(1600)).signed_with("another token"))
        .await?;
    assert_eq!(
        (forged.status, forged.error_code()?),
        (403, Some("unverified".to_owned()))
    );
    assert_eq!((front.files("quarantine")?, front.files("audio")?), (0, 0));
    assert_eq!(front.queued().await?, 0);
    Ok(())
}

#[tokio::test]
async fn answers_before_the_body_of_an_unsigned_request_has_come() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let mut connection = front.connect().await?;
    connection
        .write("POST /transcription HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n")
        .await?;
    let answer = connection.read_answer().await?;
    assert_eq!(answer.status, 403);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    Ok(())
}

#[tokio::test]
async fn a_sender_that_still_sends_gets_its_answer() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let large = file_part("audio-data", &vec![0; 4 * 1024 * 1024]);
    let answer = front.ask(&Sent::multipart("/transcription", large).unsigned()).await?;
    assert_eq!(answer.status, 403);
    Ok(())
}

#[tokio::test]
async fn takes_a_rotated_token_without_a_restart() -> Outcome {
    let front = Front::start(Setup {
        tokens: &[],
        ..Setup::default()
    })
    .await?;
    let request = Sent::get("/incoming-sms?phone=1");
    assert_eq!(front.ask(&request).await?.status, 503);
    for (tokens, status) in [(&[TOKEN][..], 200), (&["new", TOKEN], 200), (&["new"], 403)] {
        front.set_tokens(tokens);
        assert_eq!(front.ask(&request).await?.status, status, "{tokens:?}");
    }
    Ok(())
}

#[tokio::test]
async fn finishes_the_request_it_has_when_told_to_stop() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let (mut idle, mut busy) = (front.connect().await?, front.connect().await?);
    assert_eq!(idle.ask(&Sent::get("/incoming-sms?phone=1")).await?.status, 200);
    let (head, body) = Sent::json("/lookup", r#"{"phone": "1"}"#).halves();
    busy.write(&head).await?;
    // The head must have arrived, or this would be a connection without a request.
    front.wait_in_flight(1).await?;
    let stopped = front.stop();
    assert!(idle.is_closed().await?);
    busy.write(&body).await?;
    assert_eq!(busy.read_answer().await?.status, 503);
    tokio::time::timeout(Duration::from_secs(30), stopped).await??;
    Ok(())
}

#[tokio::test]
async fn a_request_of_a_stranger_shows_in_the_metrics_without_its_path() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    front.ask(&Sent::get("/secret-path?phone=1").unsigned()).await?;
    front.ask(&Sent::get("/incoming-sms?phone=1")).await?;
    let told = front.metrics()?;
    for series in [
        r#"endpoint="unmatched",form="none",verdict="unverified"} 1"#,
        r#"endpoint="sms",form="port_absent",verdict="answered"} 1"#,
        r#"endpoint="unmatched",reason="signature_missing"} 1"#,
    ] {
        assert!(told.contains(series), "{series} is not in\n{told}");
    }
    assert!(!told.contains("secret-path"));
    Ok(())
}

#[tokio::test]
async fn answering_takes_little_room_whatever_rarer_requests_need() -> Outcome {
    let front = Front::start(Setup::default()).await?;
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let answering = front.answerer.answer(Request::new(Body::empty()), peer);
    let bytes = size_of_val(&answering);
    assert!(bytes <= 1536, "{bytes} bytes are moved for each request");
    Ok(())
}
