//! Receives the callback of a recording, as Twilio's own endpoint would, and judges it. Called by `invoke`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use url::Url;
use uuid::Uuid;

use super::InvokeError;
use crate::domain::Credentials;

/// What came.
pub struct Callback {
    /// When.
    pub received: Instant,
    /// The JSON, if it is one.
    pub body: Bytes,
    authorization: Option<String>,
    content_type: Option<String>,
}

/// An address that waits for a callback.
pub struct CallbackListener {
    url: String,
    received: mpsc::Receiver<Callback>,
}

impl CallbackListener {
    /// Listens from now on; `advertised` is the address as the service sees it, if that is another one.
    pub async fn open(address: SocketAddr, advertised: Option<&Url>) -> Result<Self, InvokeError> {
        let listen = |source| InvokeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        // Nobody can guess the path, as with Twilio's own.
        let path = format!("/callback/{}", Uuid::new_v4().as_simple());
        let base = advertised.map_or_else(
            || format!("http://{bound}"),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        );
        let (sender, received) = mpsc::channel(1);
        let url = format!("{base}{path}");
        // A proxy between the service and us may take a part of the path off, so every path is taken.
        let router = Router::new().fallback(post(receive)).with_state(sender);
        // It ends with the process: a delivery that is repeated is still answered until then.
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, received })
    }

    /// The URL to send along.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first callback.
    pub async fn receive(mut self, limit: Duration) -> Option<Callback> {
        tokio::time::timeout(limit, self.received.recv()).await.ok().flatten()
    }
}

async fn receive(State(sender): State<mpsc::Sender<Callback>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let callback = Callback {
        received: Instant::now(),
        body,
        authorization: text(AUTHORIZATION),
        content_type: text(CONTENT_TYPE),
    };
    // Only the first is judged; the channel is full or closed for one that comes again.
    drop(sender.try_send(callback));
    StatusCode::OK
}

/// What is wrong with a callback.
pub fn judge_callback(callback: &Callback, credentials: &Credentials) -> Option<String> {
    let expected = credentials.tokens.iter().map(|token| {
        let pair = format!("{}:{}", credentials.account_sid, token.expose_secret());
        format!("Basic {}", STANDARD.encode(pair))
    });
    let authorization = callback.authorization.as_deref();
    if !expected.into_iter().any(|expected| authorization == Some(&expected)) {
        return Some("the callback does not carry ACCOUNT_SID:AUTH_TOKEN as its credentials".to_owned());
    }
    if callback.content_type.as_deref() != Some("application/json") {
        return Some("the callback is not application/json".to_owned());
    }
    match serde_json::from_slice::<Value>(&callback.body) {
        Ok(Value::Object(result)) => match result.get("error_code") {
            Some(Value::String(code)) => Some(format!("the result is an error: {code}")),
            _ => None,
        },
        _ => Some("the callback is not a JSON object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::body::Bytes;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{Callback, judge_callback};
    use crate::domain::Credentials;

    #[test]
    fn judges_credentials_type_and_result() {
        let credentials = Credentials {
            account_sid: "AC1".to_owned(),
            tokens: vec!["one".into(), "two".into()],
            has_previous: false,
        };
        let basic = |pair: &str| Some(format!("Basic {}", STANDARD.encode(pair)));
        let good = r#"{"error_code": null, "results": {}}"#;
        let json = Some("application/json");
        let cases = [
            (basic("AC1:one"), json, good, None),
            (basic("AC1:two"), json, good, None),
            (basic("AC1:three"), json, good, Some("credentials")),
            (basic("AC2:one"), json, good, Some("credentials")),
            (None, json, good, Some("credentials")),
            (basic("AC1:one"), Some("text/plain"), good, Some("application/json")),
            (basic("AC1:one"), json, "[]", Some("JSON object")),
            (
                basic("AC1:one"),
                json,
                r#"{"error_code": "timed_out"}"#,
                Some("timed_out"),
            ),
        ];
        for (authorization, content_type, body, expected) in cases {
            let callback = Callback {
                received: Instant::now(),
                body: Bytes::from_static(body.as_bytes()),
                authorization: authorization.clone(),
                content_type: content_type.map(str::to_owned),
            };
            let problem = judge_callback(&callback, &credentials);
            match expected {
                None => assert_eq!(problem, None, "{authorization:?}"),
                Some(word) => assert!(problem.is_some_and(|problem| problem.contains(word)), "{word}"),
            }
        }
    }
}
