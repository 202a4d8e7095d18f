//! Twilio's end of callbacks that are too large to be kept: each is compared as it comes, and none is read on before all have
//! begun. So whoever sends them has all of them under way at once.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, watch};

use crate::patience::BOUND;
use crate::served::Served;

struct Expected {
    body: Bytes,
    all_began: Barrier,
    came_whole: watch::Sender<usize>,
}

/// A receiver of so many callbacks at once, all with the same body.
pub struct LargeReceiver {
    came_whole: watch::Receiver<usize>,
    wanted: usize,
    _server: Served,
}

impl LargeReceiver {
    /// Receives from now on.
    pub fn on(listener: TcpListener, wanted: usize, body: Bytes) -> Self {
        let (told, came_whole) = watch::channel(0);
        let expected = Arc::new(Expected {
            body,
            all_began: Barrier::new(wanted),
            came_whole: told,
        });
        let router = Router::new()
            .fallback(receive)
            .layer(DefaultBodyLimit::disable())
            .with_state(expected);
        let server = Served::on(listener, router);
        Self {
            came_whole,
            wanted,
            _server: server,
        }
    }

    /// Waits until every callback has come, byte by byte as it should be.
    pub async fn wait(&mut self) -> Result<()> {
        let wanted = self.wanted;
        let all_came = tokio::time::timeout(BOUND, self.came_whole.wait_for(|whole| *whole == wanted)).await;
        all_came.with_context(|| format!("waited {} s in vain for {wanted} callbacks", BOUND.as_secs()))??;
        Ok(())
    }
}

async fn receive(State(expected): State<Arc<Expected>>, request: Request) -> StatusCode {
    expected.all_began.wait().await;
    let mut pieces = request.into_body().into_data_stream();
    let mut read_bytes = 0;
    while let Some(Ok(piece)) = pieces.next().await {
        if !expected.body[read_bytes..].starts_with(&piece) {
            return StatusCode::UNPROCESSABLE_ENTITY;
        }
        read_bytes += piece.len();
    }
    if read_bytes < expected.body.len() {
        return StatusCode::BAD_REQUEST;
    }
    expected.came_whole.send_modify(|whole| *whole += 1);
    StatusCode::OK
}
