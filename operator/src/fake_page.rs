//! A server for the tests of what the operator asks over plain HTTP: pages by their path, or no answer at all.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::tokens::Pods;

/// Asks pods at a port where none answers.
pub fn nobody() -> Pods {
    install_tls();
    Pods::new(1).expect("a client can be built")
}

#[derive(Debug, Default)]
struct Kept {
    pages: BTreeMap<String, String>,
    asked: Vec<String>,
    hangs: bool,
}

/// See the module.
pub struct Pages {
    kept: Arc<Mutex<Kept>>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// What the process does when it starts.
pub fn install_tls() {
    // another test of this process was first
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Pages {
    /// Starts one at a port of its own.
    pub async fn start() -> std::io::Result<Self> {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts another at this address with the same port.
    pub async fn beside(&self, address: IpAddr) -> std::io::Result<Self> {
        Self::at(SocketAddr::new(address, self.address.port())).await
    }

    async fn at(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let kept = Arc::<Mutex<Kept>>::default();
        let server = tokio::spawn({
            let kept = Arc::clone(&kept);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(answer(stream, Arc::clone(&kept)));
                }
            }
        });
        Ok(Self { kept, address, server })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts a page there.
    pub fn put(&self, path: &str, page: impl Into<String>) {
        lock(&self.kept).pages.insert(path.to_owned(), page.into());
    }

    /// Whether it takes questions and never answers.
    pub fn hang(&self, hangs: bool) {
        lock(&self.kept).hangs = hangs;
    }

    /// What was asked since the last time.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.kept).asked)
    }

    /// Nobody answers there any more.
    pub async fn end(self) {
        self.server.abort();
        let _ = self.server.await; // it was aborted
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One question a connection: the head of a GET fits into what is read at once.
async fn answer(mut stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let mut head = vec![0; 8192];
    let read = stream.read(&mut head).await.unwrap_or_default();
    let head = String::from_utf8_lossy(&head[..read]).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let (page, hangs) = {
        let mut kept = lock(&kept);
        kept.asked.push(target);
        (kept.pages.get(&path).cloned(), kept.hangs)
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    let (status, page) = page.map_or_else(|| ("404 Not Found", String::new()), |page| ("200 OK", page));
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
        page.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await; // whoever asked may be gone
}
