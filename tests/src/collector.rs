//! A collector of traces: takes every export of OTLP over HTTP as it comes, and keeps the bytes. In protobuf a text is its
//! length and its bytes, so that a name or a value can be looked for without decoding.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use tokio::net::TcpListener;

use crate::served::Served;

const EXPORT_LIMIT_BYTES: usize = 64 << 20;

/// One export.
#[derive(Clone, Debug)]
pub struct Export {
    /// Method, path and content type.
    pub kind: String,
    /// The body.
    pub bytes: Vec<u8>,
}

type Exports = Arc<Mutex<Vec<Export>>>;

/// A collector on an address of the loopback.
pub struct Collector {
    address: SocketAddr,
    exports: Exports,
    _server: Served,
}

impl Collector {
    /// Collects from now on.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let exports = Exports::default();
        let router = Router::new().fallback(take).with_state(Arc::clone(&exports));
        let server = Served::on(listener, router);
        Ok(Self {
            address,
            exports,
            _server: server,
        })
    }

    /// What a service is told.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has come so far.
    pub fn exports(&self) -> Vec<Export> {
        self.exports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The bytes of all exports.
    pub fn bytes(&self) -> Vec<u8> {
        self.exports().into_iter().flat_map(|export| export.bytes).collect()
    }
}

/// Whether these bytes hold the text as a value of protobuf: after its length.
pub fn holds(bytes: &[u8], text: &str) -> bool {
    let Ok(length) = u8::try_from(text.len()) else {
        return false;
    };
    let value = [&[length], text.as_bytes()].concat();
    bytes.windows(value.len()).any(|window| window == value)
}

async fn take(State(exports): State<Exports>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let content_type = head.headers.get("content-type").and_then(|value| value.to_str().ok());
    let kind = format!("{} {} {}", head.method, head.uri, content_type.unwrap_or_default());
    let Ok(bytes) = to_bytes(body, EXPORT_LIMIT_BYTES).await else {
        return StatusCode::BAD_REQUEST;
    };
    let export = Export {
        kind,
        bytes: bytes.to_vec(),
    };
    exports.lock().unwrap_or_else(PoisonError::into_inner).push(export);
    StatusCode::OK
}
