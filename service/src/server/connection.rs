//! Takes connections, within a limit, plain or with TLS, until it is told to stop; then every connection finishes the
//! requests it has, and closes. Called by `cli`; what is spoken on a connection is `speak`'s affair.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use marketplace_daemon::cause::chain;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Front;
use super::aside::aside;
use super::seats::{Seat, Seats};
use super::speak::{Session, speak};
use crate::limits::ConnectionLimits;
use crate::metrics::Metrics;
use crate::tls::{HandshakeFailure, TlsMetrics};

/// How long a handshake may take. Twilio's takes some hundred milliseconds.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before the next try when the system gives no connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where connections come in.
pub struct Door {
    /// The address.
    pub listener: TcpListener,
    /// How many connections are held, and what each may take.
    pub held: Held,
    /// What answers.
    pub front: Front,
    /// What is counted of what never becomes a request.
    pub metrics: Arc<Metrics>,
    /// With what a connection begins, unless TLS ends in front of us.
    pub tls: Option<Tls>,
}

/// How the service speaks TLS by itself.
#[derive(Clone)]
pub struct Tls {
    /// The certificate, as the files have it now: each handshake takes the newest.
    pub config: watch::Receiver<Arc<ServerConfig>>,
    /// What is counted.
    pub metrics: TlsMetrics,
}

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
pub async fn serve(door: Door, stop: Stop) {
    let Door {
        listener,
        held: Held { seats, limits },
        front,
        metrics,
        tls,
    } = door;
    let connections = TaskTracker::new();
    while let Some((stream, peer, seat)) = stop.asked.run_until_cancelled(accept(&listener, &seats)).await {
        let seat = Arc::new(seat);
        let session = Session {
            front: front.clone(),
            peer,
            seat: Arc::clone(&seat),
            metrics: Arc::clone(&metrics),
            limits,
            stop: stop.asked.clone(),
        };
        let tls = tls.clone();
        connections.spawn(async move {
            let spoken = async {
                match tls {
                    None => speak(stream, session).await,
                    Some(tls) => speak_tls(&tls, stream, session).await,
                }
            };
            tokio::select! {
                () = spoken => {}
                () = aside(seat.lost()) => {}
            }
        });
    }
    drop(listener);
    connections.close();
    if timeout(stop.drain, connections.wait()).await.is_err() {
        tracing::warn!("connections were still open at the end of the grace period");
    }
}

/// The handshake, which takes a place of its own as every connection does, and then the same as without.
async fn speak_tls(tls: &Tls, stream: TcpStream, session: Session) {
    let config = Arc::clone(&tls.config.borrow());
    match timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, session).await,
        Ok(Err(error)) => {
            tls.metrics.handshake_failed(HandshakeFailure::Refused);
            tracing::debug!(error = chain(&error), "a TLS handshake failed");
        }
        Err(_) => tls.metrics.handshake_failed(HandshakeFailure::TimedOut),
    }
}

async fn accept(listener: &TcpListener, seats: &Arc<Seats>) -> (TcpStream, SocketAddr, Seat) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // An answer is one small packet; it must not wait for another.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(error = chain(&error), "a connection keeps its delay");
                }
                return (stream, peer, seats.take().await);
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "failed to accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
