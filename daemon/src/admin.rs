//! The admin address of a pod: `/healthz` for the kubelet's liveness, `/readyz` for its readiness, `/metrics` for Prometheus,
//! and whatever pages of its own a program has.
//!
//! It is served apart from the traffic, so that neither load nor a drain hides the state of the pod.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Why the admin address does not answer.
#[derive(Debug, Error)]
pub enum AdminError {
    /// The address is taken or not ours.
    #[error("failed to listen on the admin address {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The server ended by itself.
    #[error("failed to serve the admin address")]
    Serve(#[source] std::io::Error),
}

/// Whether the pod wants traffic: not before it has started, and not once it drains. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicU8>);

const JSON: &str = "application/json";

const STARTING: u8 = 0;
const STARTED: u8 = 1;
const DRAINING: u8 = 2;

impl Readiness {
    /// Everything that a request needs is there. A pod that drains already stays so.
    pub fn started(&self) {
        let _ = self
            .0
            .compare_exchange(STARTING, STARTED, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The pod is going: no new traffic, for good.
    pub fn drain(&self) {
        self.0.store(DRAINING, Ordering::Release);
    }

    /// Ready, or the one word that says why not.
    pub fn check(&self) -> Result<(), &'static str> {
        match self.0.load(Ordering::Acquire) {
            STARTED => Ok(()),
            STARTING => Err("starting"),
            _ => Err("draining"),
        }
    }
}

/// Tells whether the process still works, or why only a restart helps.
pub type Liveness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A page of the program's own: its path, and what makes its JSON anew each time it is asked for.
pub type Page = (&'static str, Arc<dyn Fn() -> String + Send + Sync>);

/// What the admin address tells.
#[derive(Clone)]
pub struct Admin {
    /// Answers `/readyz`.
    pub readiness: Readiness,
    /// Answers `/healthz`.
    pub liveness: Liveness,
    /// Answers `/metrics`.
    pub registry: Registry,
    /// Answer their own paths.
    pub pages: Vec<Page>,
}

impl Admin {
    /// Takes the address, so that a port in use is an error of the start and not of a task.
    pub async fn listen(address: SocketAddr) -> Result<TcpListener, AdminError> {
        TcpListener::bind(address)
            .await
            .map_err(|error| AdminError::Listen(address, error))
    }

    /// Answers until `stop`.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<(), AdminError> {
        axum::serve(listener, self.router())
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
            .map_err(AdminError::Serve)
    }

    fn router(self) -> Router {
        let own = Router::new()
            .route("/healthz", get(health))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics));
        let pages = self.pages.clone().into_iter();
        pages
            .fold(own, |router, (path, tell)| {
                router.route(path, get(async move || ([(header::CONTENT_TYPE, JSON)], tell())))
            })
            .with_state(self)
    }
}

async fn health(State(admin): State<Admin>) -> Response {
    probe((admin.liveness)())
}

async fn ready(State(admin): State<Admin>) -> Response {
    probe(admin.readiness.check())
}

fn probe(verdict: Result<(), impl Into<String>>) -> Response {
    match verdict {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", reason.into())).into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    match TextEncoder::new().encode_to_string(&admin.registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[test]
    fn a_draining_pod_never_becomes_ready_again() {
        let readiness = Readiness::default();
        assert_eq!(readiness.check(), Err("starting"));
        readiness.started();
        assert_eq!(readiness.check(), Ok(()));
        readiness.drain();
        readiness.started();
        assert_eq!(readiness.check(), Err("draining"));
    }

    #[tokio::test]
    async fn every_path_tells_the_state_of_the_pod() -> Result<(), Box<dyn std::error::Error>> {
        let registry = Registry::new();
        crate::telemetry::register_build(
            &registry,
            crate::Build {
                name: "acme",
                version: "1.2.3",
            },
        )?;
        let readiness = Readiness::default();
        let admin = Admin {
            readiness: readiness.clone(),
            liveness: Arc::new(|| Err("stuck".to_owned())),
            registry,
            pages: vec![("/anvils", Arc::new(|| r#"{"anvils":2}"#.to_owned()))],
        };
        let listener = Admin::listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let server = tokio::spawn(admin.serve(listener, stop.clone()));

        assert!(ask(address, "/readyz").await?.ends_with("starting\n"));
        readiness.started();
        assert!(ask(address, "/readyz").await?.starts_with("HTTP/1.1 200"));
        assert!(ask(address, "/healthz").await?.starts_with("HTTP/1.1 503"));
        let told = ask(address, "/metrics").await?;
        assert!(
            told.contains(r#"marketplace_build_info{program="acme",version="1.2.3"} 1"#),
            "{told}"
        );

        let page = ask(address, "/anvils").await?;
        assert!(
            page.contains("content-type: application/json\r\n") && page.ends_with("\r\n\r\n{\"anvils\":2}"),
            "{page}"
        );

        stop.cancel();
        server.await??;
        Ok(())
    }
}
