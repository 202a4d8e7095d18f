//! Speaks HTTP/1.1 or HTTP/2 on one connection, within the same limits, until it ends, has been idle for too long, or is
//! told to stop; then it finishes the requests it has, and closes. Called by `connection`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use marketplace_daemon::cause::chain;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Front;
use super::aside::aside;
use super::protocol::{self, Protocol};
use super::reasons::HEADERS_TOO_MANY;
use super::seats::Seat;
use super::unparsed::Unparsed;
use super::verdict;
use crate::limits::ConnectionLimits;
use crate::metrics::Metrics;

/// How many headers the parser of HTTP/1.1 has room for by itself. Room for any other number is made anew for each request,
/// at a third of what parsing costs.
const PARSED_HEADERS: usize = 100;

/// How long after the stop the first bytes of a connection may come that was taken just before: they are on their way.
const FIRST_BYTES_GRACE: Duration = Duration::from_secs(1);

/// Requests at one time on one connection of HTTP/2. Far fewer than the service has places, so that one connection cannot
/// take them all.
const STREAMS_LIMIT: u32 = 64;

/// How much a client of HTTP/2 may send ahead of what was read: of one request, and of all on its connection.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// Requests that a client took back before they were looked at, and requests that broke the protocol; one more ends the
/// connection, or opening and resetting requests would cost us work and the client nothing.
const TAKEN_BACK_LIMIT: usize = 20;
const BROKEN_LIMIT: usize = 128;

/// How often a client of HTTP/2 is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What a connection is served with.
pub struct Session {
    /// What answers.
    pub front: Front,
    /// The other side.
    pub peer: SocketAddr,
    /// Its seat.
    pub seat: Arc<Seat>,
    /// What is counted of what never becomes a request.
    pub metrics: Arc<Metrics>,
    /// What it may take. The time for a head is also how long it may stay idle.
    pub limits: ConnectionLimits,
    /// When to finish.
    pub stop: CancellationToken,
}

/// Serves the connection to its end.
pub async fn speak<I>(io: I, session: Session)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Session {
        front,
        peer,
        seat,
        metrics,
        limits,
        stop,
    } = session;
    let told = tokio::select! {
        told = timeout(limits.head, protocol::tell(io)) => told,
        () = nothing_on_its_way(&stop) => return,
    };
    let Ok(Ok(Some((protocol, io)))) = told else {
        return;
    };
    let asker = Arc::new(Asker {
        peer,
        headers: limits.headers,
        seat,
        metrics: Arc::clone(&metrics),
        under_way: UnderWay::none(),
    });
    let idle = aside(until_idle(Arc::clone(&asker), limits.head));
    let service = service_fn(move |request| answer(front.clone(), Arc::clone(&asker), request));
    let ended = match protocol {
        Protocol::Http1 => {
            let io = Unparsed::new(io, limits.head_bytes, metrics);
            let connection = http1_builder(&limits).serve_connection(TokioIo::new(io), service);
            let spoken = finish(connection, aside(stop.cancelled()));
            tokio::select! {
                ended = spoken => ended,
                // Nothing is under way, so there is nobody to whom an answer could be lost.
                () = idle => return,
            }
        }
        Protocol::Http2 => {
            let connection = http2_builder(&limits).serve_connection(TokioIo::new(io), service);
            let close = async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = idle => {}
                }
            };
            finish(connection, close).await
        }
    };
    // A connection that breaks is the other side's affair; what became of its requests is told elsewhere.
    if let Err(error) = ended {
        tracing::debug!(error = chain(&error), "a connection ended early");
    }
}

/// Waits for the end of the time in which the first request of a new connection may still come.
async fn nothing_on_its_way(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(FIRST_BYTES_GRACE).await;
}

fn http1_builder(limits: &ConnectionLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The time for a head is watched over by `until_idle`: a timer of the library would be set and unset for each request.
    builder.max_buf_size(limits.head_bytes);
    // A lower limit is kept by `answer`.
    if limits.headers > PARSED_HEADERS {
        builder.max_headers(limits.headers);
    }
    builder
}

fn http2_builder(limits: &ConnectionLimits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(limits.head_bytes)
        .max_concurrent_streams(STREAMS_LIMIT)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_pending_accept_reset_streams(TAKEN_BACK_LIMIT)
        .max_local_error_reset_streams(BROKEN_LIMIT)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Runs the connection to its end; once `close` is done it takes no more requests.
async fn finish<C: GracefulConnection>(connection: C, close: impl Future<Output = ()>) -> Result<(), C::Error> {
    tokio::pin!(connection, close);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = close => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Waits until no request was under way for as long as a connection may be idle.
async fn until_idle(asker: Arc<Asker>, idle: Duration) {
    loop {
        let quiet = asker.quiet();
        match idle.checked_sub(quiet) {
            None | Some(Duration::ZERO) => return,
            Some(left) => sleep(left).await,
        }
    }
}

/// One connection as its requests see it.
struct Asker {
    peer: SocketAddr,
    /// How many headers a request may have.
    headers: usize,
    seat: Arc<Seat>,
    metrics: Arc<Metrics>,
    under_way: Mutex<UnderWay>,
}

impl Asker {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long no request has been under way.
    fn quiet(&self) -> Duration {
        let under_way = self.under_way();
        if under_way.count > 0 {
            return Duration::ZERO;
        }
        under_way.ended.elapsed()
    }
}

/// The requests of a connection that are not answered yet.
struct UnderWay {
    count: u32,
    /// When the last of them ended, or the connection began.
    ended: Instant,
}

impl UnderWay {
    fn none() -> Mutex<Self> {
        Mutex::new(Self {
            count: 0,
            ended: Instant::now(),
        })
    }
}

async fn answer(front: Front, asker: Arc<Asker>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut turn = Turn::begin(asker);
    if request.headers().len() > turn.asker.headers {
        turn.asker.metrics.record_unread(HEADERS_TOO_MANY);
        return Ok(verdict::closing(verdict::unparsed(), request.version()));
    }
    let answer = front.answer(request.map(Body::new), turn.asker.peer).await;
    turn.genuine = !verdict::is_unverified(&answer);
    Ok(answer)
}

/// A request of a connection, until it is answered or taken back. The first one takes the seat, the last one leaves it.
struct Turn {
    asker: Arc<Asker>,
    genuine: bool,
}

impl Turn {
    fn begin(asker: Arc<Asker>) -> Self {
        let mut under_way = asker.under_way();
        if under_way.count == 0 {
            asker.seat.begin();
        }
        under_way.count += 1;
        drop(under_way);
        Self { asker, genuine: false }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut under_way = self.asker.under_way();
        under_way.count -= 1;
        if under_way.count == 0 {
            under_way.ended = Instant::now();
            self.asker.seat.end(self.genuine);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Asker, Turn, UnderWay, until_idle};
    use crate::domain::AddonKey;
    use crate::metrics::Metrics;
    use crate::server::seats::Seats;

    const IDLE: Duration = Duration::from_secs(75);

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_a_request_is_never_idle() -> Result<(), prometheus::Error> {
        let asker = Arc::new(Asker {
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            headers: 1,
            seat: Arc::new(Seats::new(1).take().await),
            metrics: Arc::new(Metrics::new(&AddonKey::new("addons", "call-insights"))?),
            under_way: UnderWay::none(),
        });
        let idle = tokio::spawn(until_idle(Arc::clone(&asker), IDLE));
        let request = Turn::begin(Arc::clone(&asker));
        tokio::time::sleep(IDLE * 3).await;
        assert!(!idle.is_finished());
        drop(request);
        let since = Instant::now();
        assert!(idle.await.is_ok());
        assert_eq!(since.elapsed().as_secs(), IDLE.as_secs());
        Ok(())
    }
}
