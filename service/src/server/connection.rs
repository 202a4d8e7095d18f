//! Takes connections and speaks HTTP/1.1 on them, within limits, until it is told to stop; then every connection finishes
//! the request it has, and closes. Called by `cli`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use marketplace_daemon::cause::chain;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::unparsed::Unparsed;

/// Connections at one time; more wait in the system's own queue.
const CONNECTIONS_LIMIT: usize = 1024;

/// From the first byte of a connection, or the end of the last request, to the end of a head. Also how long a connection
/// may stay idle: longer than most proxies keep theirs, so that they close first.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// The buffer of a connection, and with it the largest head and the largest piece of a body.
const BUFFER_LIMIT_BYTES: usize = 64 * 1024;

/// Twilio sends about fifteen.
const HEADERS_LIMIT: usize = 64;

/// How long to wait before the next try when the system gives no connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then until every connection has closed, but no longer than `drain`: a sender that trickles must not
/// keep the process.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, drain: Duration) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_LIMIT));
    while let Some((stream, place)) = stop.run_until_cancelled(accept(&listener, &places)).await {
        let connection = builder().serve_connection(
            TokioIo::new(Unparsed::new(stream)),
            hyper::service::service_fn({
                let router = router.clone();
                move |request| answer(router.clone(), request)
            }),
        );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is the other side's affair; what became of its request is told elsewhere.
            if let Err(error) = connection.await {
                tracing::debug!(error = chain(&error), "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still open at the end of the grace period");
    }
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_LIMIT_BYTES)
        .max_headers(HEADERS_LIMIT);
    builder
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // An answer is one small packet; it must not wait for another.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(error = chain(&error), "a connection keeps its delay");
                }
                return (stream, place);
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "failed to accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    router.oneshot(request.map(Body::new)).await
}
