//! The partner's side: the programs of `examples/handlers`, and one that does what it is told, however bad.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::cluster::top;
use crate::patience::{BOUND, until};
use crate::served::Served;

/// A program of `examples/handlers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// By the interpreter.
    Node,
    /// By the interpreter.
    Python,
    /// Compiled first.
    Go,
}

impl Example {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Node, Self::Python, Self::Go];

    fn command(self, folder: &Path) -> Result<Command> {
        let examples = top().join("examples/handlers");
        let interpreted = |program: &str, file: &str| {
            let mut command = Command::new(program);
            command.arg(examples.join(file));
            command
        };
        Ok(match self {
            Self::Node => interpreted("node", "node/handler.js"),
            Self::Python => interpreted("python3", "python/handler.py"),
            Self::Go => {
                let program = folder.join("handler");
                build_go(&program)?;
                Command::new(program)
            }
        })
    }
}

/// Builds the example in Go, statically linked.
pub fn build_go(program: &Path) -> Result<()> {
    let built = Command::new("go")
        .args(["build", "-trimpath", "-o"])
        .arg(program)
        .arg(".")
        .env("CGO_ENABLED", "0")
        .current_dir(top().join("examples/handlers/go"))
        .output()
        .context("go is missing: install Go 1.26.8 or newer (go.dev/dl)")?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Ok(())
}

/// A running example. Dropped, it is killed.
pub struct Running {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Running {
    /// Starts it and waits until it listens.
    pub async fn start(example: Example) -> Result<Self> {
        let folder = TempDir::with_prefix("partner-")?;
        let mut command = example.command(folder.path())?;
        // Closed before the program takes it: nobody else of this machine is given it so soon again.
        let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let process = command
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("failed to start {example:?}: is it installed?"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut running = Self {
            address,
            process,
            _folder: folder,
        };
        until("the example listens", async || {
            ensure!(running.process.try_wait()?.is_none(), "{example:?} has ended");
            Ok(TcpStream::connect(address).ok())
        })
        .await?;
        Ok(running)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Its port, at every address of the machine.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a partner does with whatever comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// Answers with this status and this body.
    Answer(u16, String),
    /// Answers with a redirect to a place where it would answer well.
    Redirect,
    /// Says nothing.
    Hang,
}

/// What came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

#[derive(Clone)]
struct Shared {
    doing: Arc<Mutex<Doing>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A partner that does as it is told.
pub struct Obedient {
    address: SocketAddr,
    shared: Shared,
    _server: Served,
}

impl Obedient {
    /// Listens on the loopback.
    pub async fn start(doing: Doing) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Shared {
            doing: Arc::new(Mutex::new(doing)),
            asked: Arc::default(),
        };
        let router = Router::new().fallback(handle).with_state(shared.clone());
        let server = Served::on(listener, router);
        Ok(Self {
            address,
            shared,
            _server: server,
        })
    }

    /// From now on it does this.
    pub fn does(&self, doing: Doing) {
        *self.shared.doing.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    /// What came so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/ask", self.address)
    }
}

async fn handle(State(shared): State<Shared>, request: axum::extract::Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let path = head.uri.path().to_owned();
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(Asked {
        path: path.clone(),
        headers: head.headers,
        body,
    });
    let doing = shared.doing.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut response = Response::new(Body::from("{}"));
    match doing {
        Doing::Answer(status, text) => {
            *response.body_mut() = Body::from(text);
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
        }
        Doing::Redirect if path != "/elsewhere" => {
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            let elsewhere = axum::http::HeaderValue::from_static("/elsewhere");
            response.headers_mut().insert(axum::http::header::LOCATION, elsewhere);
        }
        Doing::Redirect => {}
        Doing::Hang => tokio::time::sleep(BOUND * 2).await,
    }
    response
}
