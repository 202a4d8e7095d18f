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
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::seats::{Seat, Seats};
use super::unparsed::Unparsed;
use super::verdict;
use crate::limits::ConnectionLimits;

/// How long to wait before the next try when the system gives no connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// When to stop.
pub struct Stop {
    /// Told to.
    pub asked: CancellationToken,
    /// How long connections then have for the requests they have: a sender that trickles must not keep the process.
    pub drain: Duration,
}

/// How many connections are held, and what each may take.
pub struct Held {
    /// The seats.
    pub seats: Arc<Seats>,
    /// The rest.
    pub limits: ConnectionLimits,
}

/// Serves until told to stop, then until every connection has closed or its time is over.
pub async fn serve(listener: TcpListener, router: Router, held: Held, stop: Stop) {
    let graceful = GracefulShutdown::new();
    let Held { seats, limits } = held;
    while let Some((stream, seat)) = stop.asked.run_until_cancelled(accept(&listener, &seats)).await {
        let seat = Arc::new(seat);
        let connection = builder(&limits).serve_connection(
            TokioIo::new(Unparsed::new(stream)),
            hyper::service::service_fn({
                let (router, seat) = (router.clone(), Arc::clone(&seat));
                move |request| answer(router.clone(), Arc::clone(&seat), request)
            }),
        );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = connection => ended,
                () = seat.lost() => return,
            };
            // A connection that breaks is the other side's affair; what became of its request is told elsewhere.
            if let Err(error) = ended {
                tracing::debug!(error = chain(&error), "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(stop.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still open at the end of the grace period");
    }
}

fn builder(limits: &ConnectionLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.headers);
    builder
}

async fn accept(listener: &TcpListener, seats: &Arc<Seats>) -> (TcpStream, Seat) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // An answer is one small packet; it must not wait for another.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(error = chain(&error), "a connection keeps its delay");
                }
                return (stream, seats.take().await);
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "failed to accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(router: Router, seat: Arc<Seat>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    seat.begin();
    let answered = router.oneshot(request.map(Body::new)).await;
    seat.end(!answered.as_ref().is_ok_and(verdict::is_unverified));
    answered
}
