//! Twilio's end of a callback: takes every POST, keeps it, and answers as it was told. It checks nothing by itself, unless
//! it is told whom to admit.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::patience::BOUND;
use crate::result_schema;
use crate::served::Served;

pub mod faulty;
pub mod large;

/// The largest result that Twilio takes.
const RESULT_LIMIT_BYTES: usize = 100 << 20;

/// How one POST is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// With this status and no body.
    Status(u16),
    /// Never.
    Hang,
}

/// A POST as it came.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// When it came.
    pub at: Instant,
    /// The path with its query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Delivery {
    /// The value of a header that came once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(given, _)| given == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// User and password of Basic credentials, joined by a colon.
    pub fn credentials(&self) -> Option<String> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
    }

    /// The body as JSON: a result of the published form.
    pub fn json(&self) -> Result<serde_json::Value> {
        let result = serde_json::from_slice(&self.body).context("the callback's body is no JSON")?;
        result_schema::check(&result)?;
        Ok(result)
    }
}

struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    admitted: Mutex<Option<String>>,
    deliveries: watch::Sender<Vec<Delivery>>,
}

/// A receiver on an address of the loopback.
pub struct CallbackReceiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: Served,
}

impl CallbackReceiver {
    /// Receives from now on; the first POSTs are answered with these replies, every later one with 200.
    pub async fn start(first_replies: &[Reply]) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::on(listener, first_replies)
    }

    /// The same on a listener of the suite's own.
    pub fn on(listener: TcpListener, first_replies: &[Reply]) -> Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            replies: Mutex::new(first_replies.iter().copied().collect()),
            admitted: Mutex::new(None),
            deliveries: watch::Sender::new(Vec::new()),
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let server = Served::on(listener, router);
        Ok(Self {
            address,
            shared,
            _server: server,
        })
    }

    /// The callback URL of a request.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/callback/{name}", self.address)
    }

    /// From now on everybody but who brings these credentials, user and password joined by a colon, is answered 401.
    pub fn admit_only(&self, credentials: &str) {
        *self.shared.admitted.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials.to_owned());
    }

    /// What has come so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.deliveries.borrow().clone()
    }

    /// What has come so far for the URL of this name.
    pub fn deliveries_of(&self, name: &str) -> Vec<Delivery> {
        let mut deliveries = self.deliveries();
        deliveries.retain(|delivery| delivery.target == format!("/callback/{name}"));
        deliveries
    }

    /// Waits until `enough` of all that has come.
    pub async fn wait(&self, what: &str, mut enough: impl FnMut(&[Delivery]) -> bool) -> Result<Vec<Delivery>> {
        let mut seen = self.shared.deliveries.subscribe();
        let waited = tokio::time::timeout(BOUND, seen.wait_for(|deliveries| enough(deliveries))).await;
        let found = waited.with_context(|| format!("waited {} s in vain: {what}", BOUND.as_secs()))?;
        Ok(found.context("the receiver has ended")?.clone())
    }

    /// Waits for the first callback to the URL of this name.
    pub async fn wait_for(&self, name: &str) -> Result<Delivery> {
        let target = format!("/callback/{name}");
        let of_name = |delivery: &Delivery| delivery.target == target;
        let deliveries = self
            .wait(&format!("a callback to {target}"), |all| all.iter().any(of_name))
            .await?;
        deliveries.into_iter().find(of_name).context("it was there")
    }
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Result<StatusCode, StatusCode> {
    let (parts, body) = request.into_parts();
    let delivery = Delivery {
        target: parts.uri.to_string(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: read(body).await.ok_or(StatusCode::BAD_REQUEST)?,
        at: Instant::now(),
    };
    let admitted = shared.admitted.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if admitted.is_some() && admitted != delivery.credentials() {
        return Ok(StatusCode::UNAUTHORIZED);
    }
    let reply = shared
        .replies
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front();
    shared.deliveries.send_modify(|deliveries| deliveries.push(delivery));
    match reply {
        None => Ok(StatusCode::OK),
        Some(Reply::Status(status)) => StatusCode::from_u16(status).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR),
        Some(Reply::Hang) => std::future::pending().await,
    }
}

async fn read(body: Body) -> Option<Vec<u8>> {
    Some(to_bytes(body, RESULT_LIMIT_BYTES).await.ok()?.to_vec())
}
