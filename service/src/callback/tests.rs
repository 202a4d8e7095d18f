//! What the receiver of a callback sees.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;

use super::*;
use crate::egress::tests::provide_tls;
use crate::egress::{CallbackPolicy, SystemResolver};

type Tested = Result<(), Box<dyn Error>>;
type Seen = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// Answers with these statuses in turn, and keeps what it was sent.
struct Receiver {
    url: CallbackUrl,
    seen: Seen,
}

impl Receiver {
    async fn start(statuses: &[u16]) -> Result<Self, Box<dyn Error>> {
        let statuses = statuses
            .iter()
            .map(|status| StatusCode::from_u16(*status))
            .collect::<Result<VecDeque<_>, _>>()?;
        let seen = Seen::default();
        let state = (Arc::clone(&seen), Arc::new(Mutex::new(statuses)));
        let router = Router::new().route("/callback", post(receive)).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = CallbackUrl::parse(&format!("http://{}/callback", listener.local_addr()?))?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, seen })
    }

    /// The `Authorization` of each request.
    fn authorizations(&self) -> Vec<String> {
        self.headers("authorization")
    }

    fn headers(&self, name: &str) -> Vec<String> {
        let seen = self.seen.lock().expect("no test panics here");
        let text = |headers: &HeaderMap| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        seen.iter()
            .map(|(headers, _)| text(headers).unwrap_or_default())
            .collect()
    }
}

async fn receive(
    State((seen, statuses)): State<(Seen, Arc<Mutex<VecDeque<StatusCode>>>)>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    seen.lock().expect("no test panics here").push((headers, body));
    statuses
        .lock()
        .expect("no test panics here")
        .pop_front()
        .unwrap_or(StatusCode::IM_A_TEAPOT)
}

type Secret = watch::Sender<Arc<Credentials>>;

fn callbacks(tokens: &[&str]) -> Result<(Callbacks, Secret), Box<dyn Error>> {
    provide_tls();
    let policy = CallbackPolicy {
        allowed_hosts: vec!["127.0.0.1".parse()?],
        allow_insecure: true,
        proxy: None,
    };
    let (sender, receiver) = watch::channel(Arc::new(credentials(tokens)));
    Ok((
        Callbacks::new(Egress::new(policy, Arc::new(SystemResolver))?, receiver),
        sender,
    ))
}

fn credentials(tokens: &[&str]) -> Credentials {
    let tokens = tokens.iter().map(|token| SecretString::from(*token)).collect();
    Credentials {
        account_sid: "AC1".to_owned(),
        tokens,
        has_previous: false,
    }
}

fn basic(token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("AC1:{token}")))
}

#[tokio::test]
async fn a_callback_carries_the_result_its_length_the_credentials_and_its_key() -> Tested {
    let receiver = Receiver::start(&[200]).await?;
    let (callbacks, _sender) = callbacks(&["primary", "secondary"])?;
    let body = Bytes::from_static(br#"{"results":{}}"#);
    let attempted = callbacks.post(&receiver.url, Content::Bytes(body), "job-1").await;
    assert_eq!(attempted, Attempted::Sent(Sent::Answered(200)));
    for (name, value) in [
        ("authorization", basic("primary").as_str()),
        ("content-type", "application/json"),
        ("content-length", "14"),
        ("transfer-encoding", ""),
        ("idempotency-key", "job-1"),
    ] {
        assert_eq!(receiver.headers(name), [value], "{name}");
    }
    let seen = receiver.seen.lock().expect("no test panics here");
    assert_eq!(seen[0].1, r#"{"results":{}}"#);
    Ok(())
}

#[tokio::test]
async fn a_result_in_a_file_is_sent_whole_each_time() -> Tested {
    let receiver = Receiver::start(&[401, 200]).await?;
    let (callbacks, _sender) = callbacks(&["primary", "secondary"])?;
    let folder = tempfile::TempDir::new()?;
    let (path, body) = (folder.path().join("result"), "x".repeat(1 << 20));
    std::fs::write(&path, &body)?;
    let content = |path: &std::path::Path| Content::File {
        path: path.to_owned(),
        bytes: 1 << 20,
    };
    let attempted = callbacks.post(&receiver.url, content(&path), "job-1").await;
    assert_eq!(attempted, Attempted::Sent(Sent::Answered(200)));
    let length = (1 << 20).to_string();
    assert_eq!(receiver.headers("content-length"), [length.clone(), length]);
    assert_eq!(receiver.headers("transfer-encoding"), ["", ""]);
    let gone = callbacks
        .post(&receiver.url, content(&folder.path().join("gone")), "job-1")
        .await;
    assert_eq!(gone, Attempted::Unreadable);
    let seen = receiver.seen.lock().expect("no test panics here");
    assert!(seen.iter().all(|(_, seen)| *seen == body) && seen.len() == 2);
    Ok(())
}

#[tokio::test]
async fn a_401_is_answered_with_the_other_token_once() -> Tested {
    for (statuses, tokens, answer, used) in [
        (
            [401, 200].as_slice(),
            ["primary", "secondary"].as_slice(),
            200,
            vec!["primary", "secondary"],
        ),
        (
            &[401, 401, 200],
            &["primary", "secondary", "third"],
            401,
            vec!["primary", "secondary"],
        ),
        (&[401, 200], &["primary"], 401, vec!["primary"]),
        (&[403, 200], &["primary", "secondary"], 403, vec!["primary"]),
        (&[503, 200], &["primary", "secondary"], 503, vec!["primary"]),
    ] {
        let receiver = Receiver::start(statuses).await?;
        let (callbacks, _sender) = callbacks(tokens)?;
        let attempted = callbacks
            .post(&receiver.url, Content::Bytes(Bytes::from_static(b"{}")), "job-1")
            .await;
        assert_eq!(attempted, Attempted::Sent(Sent::Answered(answer)), "{statuses:?}");
        assert_eq!(
            receiver.authorizations(),
            used.into_iter().map(basic).collect::<Vec<_>>(),
            "{statuses:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_token_that_was_rotated_is_used_at_once() -> Tested {
    let receiver = Receiver::start(&[200, 200]).await?;
    let (callbacks, sender) = callbacks(&["old"])?;
    callbacks
        .post(&receiver.url, Content::Bytes(Bytes::from_static(b"{}")), "job-1")
        .await;
    sender.send(Arc::new(credentials(&["new"])))?;
    callbacks
        .post(&receiver.url, Content::Bytes(Bytes::from_static(b"{}")), "job-2")
        .await;
    assert_eq!(receiver.authorizations(), [basic("old"), basic("new")]);
    Ok(())
}

#[tokio::test]
async fn the_token_that_last_succeeded_is_tried_first_wherever_it_stands() -> Tested {
    let receiver = Receiver::start(&[401, 200, 500, 401, 200, 401]).await?;
    let (callbacks, sender) = callbacks(&["old", "new"])?;
    for (tokens, used) in [
        (["old", "new"].as_slice(), ["old", "new"].as_slice()),
        // neither a failure of the receiver nor the swap of the places makes it forget
        (&["old", "new"], &["new"]),
        (&["new", "newest"], &["new", "newest"]),
        // what is no longer loaded is not tried, though it succeeded last
        (&["new", "next"], &["new", "next"]),
    ] {
        sender.send(Arc::new(credentials(tokens)))?;
        let before = receiver.authorizations().len();
        callbacks
            .post(&receiver.url, Content::Bytes(Bytes::from_static(b"{}")), "job-1")
            .await;
        let expected: Vec<_> = used.iter().map(|token| basic(token)).collect();
        assert_eq!(receiver.authorizations()[before..], expected, "{tokens:?}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() -> Tested {
    let receiver = Receiver::start(&[200]).await?;
    let (callbacks, _sender) = callbacks(&[])?;
    let attempted = callbacks
        .post(&receiver.url, Content::Bytes(Bytes::from_static(b"{}")), "job-1")
        .await;
    assert_eq!(attempted, Attempted::NoCredentials);
    assert!(receiver.authorizations().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_no_longer_allowed_is_not_told() -> Tested {
    let (callbacks, _sender) = callbacks(&["primary"])?;
    let url = CallbackUrl::parse("http://127.0.0.2/callback")?;
    let attempted = callbacks
        .post(&url, Content::Bytes(Bytes::from_static(b"{}")), "job-1")
        .await;
    assert!(matches!(attempted, Attempted::Sent(Sent::Refused(_))), "{attempted:?}");
    Ok(())
}
