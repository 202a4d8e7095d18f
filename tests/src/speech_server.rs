//! A server of speech that makes mistakes: it answers `POST /v1/audio/transcriptions` as the convention has it, with words
//! that say which piece they are of, and each request meets the next of its slips first.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::patience::BOUND;
use crate::served::Served;

/// How a request is answered instead.
#[derive(Debug, Clone)]
pub enum Slip {
    /// Properly.
    None,
    /// With this status.
    Status(u16),
    /// With 429, and after how many seconds to come again.
    Busy(u64),
    /// With a redirect to this URL.
    Redirect(String),
    /// Never.
    Silence,
    /// With 200 and this.
    Words(Vec<u8>),
    /// Properly, once somebody lets it.
    Held,
}

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What was sent as `authorization`.
    pub authorization: Option<String>,
    /// The form's texts.
    pub fields: Vec<(String, String)>,
    /// The sound: its rate, its channels and its length.
    pub sound: Option<(u32, u16, u32)>,
}

impl Asked {
    /// The text of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter().filter(|(given, _)| given == name);
        fields.next().map(|(_, value)| value.as_str())
    }
}

struct Shared {
    slips: Mutex<VecDeque<Slip>>,
    asked: watch::Sender<Vec<Asked>>,
    held: watch::Sender<bool>,
}

/// The server, on an address of the loopback.
pub struct SpeechServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: Served,
}

impl SpeechServer {
    /// The first requests meet these slips, in this order.
    pub async fn start(slips: Vec<Slip>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            slips: Mutex::new(slips.into()),
            asked: watch::Sender::new(Vec::new()),
            held: watch::Sender::new(true),
        });
        let router = Router::new()
            .route("/v1/audio/transcriptions", post(transcribe))
            .layer(DefaultBodyLimit::max(25 << 20))
            .with_state(Arc::clone(&shared));
        let server = Served::on(listener, router);
        Ok(Self {
            address,
            shared,
            _server: server,
        })
    }

    /// Its base.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.borrow().clone()
    }

    /// Waits until so much was asked.
    pub async fn wait(&self, wanted: usize) -> Result<Vec<Asked>> {
        let mut seen = self.shared.asked.subscribe();
        let asked = tokio::time::timeout(BOUND, seen.wait_for(|all| all.len() >= wanted)).await;
        let found = asked.with_context(|| format!("waited in vain for {wanted} requests"))?;
        Ok(found.context("the server has ended")?.clone())
    }

    /// From now on nothing is held.
    pub fn let_go(&self) {
        self.shared.held.send_replace(false);
    }
}

async fn transcribe(State(shared): State<Arc<Shared>>, headers: HeaderMap, form: Multipart) -> Response {
    let Ok(mut asked) = read(form).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let authorization = headers.get(header::AUTHORIZATION);
    asked.authorization = authorization
        .and_then(|value| value.to_str().ok())
        .map(ToOwned::to_owned);
    let length = asked.sound.map_or(0, |(_, _, frames)| frames);
    let slip = shared.slips.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    shared.asked.send_modify(|all| all.push(asked));
    match slip {
        None | Some(Slip::None) => said(length),
        Some(Slip::Status(status)) => StatusCode::from_u16(status).unwrap_or_default().into_response(),
        Some(Slip::Busy(seconds)) => (
            StatusCode::TOO_MANY_REQUESTS,
            [(header::RETRY_AFTER, seconds.to_string())],
        )
            .into_response(),
        Some(Slip::Redirect(target)) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)]).into_response(),
        Some(Slip::Silence) => std::future::pending().await,
        Some(Slip::Words(words)) => Body::from(words).into_response(),
        Some(Slip::Held) => {
            // It cannot fail: the sender is in `shared`.
            let _ = shared.held.subscribe().wait_for(|held| !held).await;
            said(length)
        }
    }
}

/// Two segments, of which the text says how many samples were heard.
fn said(frames: u32) -> Response {
    let segment = |start: f64, end: f64, text: String| json!({"id": 0, "start": start, "end": end, "text": text, "avg_logprob": -0.2});
    let answer = json!({
        "task": "transcribe",
        "language": "german",
        "text": format!("heard {frames} samples"),
        "segments": [segment(0.0, 0.5, " heard".to_owned()), segment(0.5, 1.0, format!(" {frames} samples"))],
    });
    answer.to_string().into_response()
}

async fn read(mut form: Multipart) -> Result<Asked> {
    let mut asked = Asked::default();
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let bytes = field.bytes().await?;
            let sound = hound::WavReader::new(bytes.as_ref())?;
            let spec = sound.spec();
            asked.sound = Some((spec.sample_rate, spec.channels, sound.duration()));
        } else {
            asked.fields.push((name, field.text().await?));
        }
    }
    Ok(asked)
}
