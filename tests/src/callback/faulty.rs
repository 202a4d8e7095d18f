//! Twilio's end of a callback over TLS, kept by somebody who makes mistakes: each connection makes the next of them, and
//! when there are none left all is well.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Delivery;
use crate::patience::BOUND;

const WELL: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
/// More than any client should read of a head.
const ENDLESS_BYTES: usize = 64 << 20;

/// Where a redirect leads: back to the receiver, which notes every request.
pub const TRAP: &str = "/trap";

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A certificate of an authority that nobody trusts.
    ForeignAuthority,
    /// A certificate for another name.
    AnotherName,
    /// A certificate of last year.
    Expired,
    /// The handshake ends in a reset.
    ResetInHandshake,
    /// A reset when the head of the request has come.
    ResetAfterHead,
    /// A reset when the whole request has come.
    ResetAfterRequest,
    /// The connection is closed in the middle of the status line.
    HalfAnswer,
    /// Something that is not HTTP.
    Garbage,
    /// A head that never ends.
    EndlessHead,
    /// An answer with this status, and with a `Location` that nobody may follow.
    Status(u16),
    /// No answer at all.
    Silence,
}

impl Fault {
    /// Every mistake after which all is well again at once.
    pub const ALL: [Self; 9] = [
        Self::ForeignAuthority,
        Self::AnotherName,
        Self::Expired,
        Self::ResetInHandshake,
        Self::ResetAfterHead,
        Self::ResetAfterRequest,
        Self::HalfAnswer,
        Self::Garbage,
        Self::EndlessHead,
    ];

    /// Whether the sender must notice before it has told anything.
    pub fn is_before_the_request(self) -> bool {
        match self {
            Self::ForeignAuthority | Self::AnotherName | Self::Expired | Self::ResetInHandshake => true,
            Self::ResetAfterHead
            | Self::ResetAfterRequest
            | Self::HalfAnswer
            | Self::Garbage
            | Self::EndlessHead
            | Self::Status(_)
            | Self::Silence => false,
        }
    }
}

/// Two authorities, of which the sender is to trust the first.
pub struct Authorities {
    trusted: CertifiedIssuer<'static, KeyPair>,
    foreign: CertifiedIssuer<'static, KeyPair>,
    file: NamedTempFile,
}

/// The receiver.
pub struct FaultyReceiver {
    address: SocketAddr,
    deliveries: watch::Receiver<Vec<Delivery>>,
    server: JoinHandle<()>,
}

struct Certificates {
    good: TlsAcceptor,
    foreign: TlsAcceptor,
    another_name: TlsAcceptor,
    expired: TlsAcceptor,
}

impl Authorities {
    /// New ones.
    pub fn new() -> Result<Self> {
        let (trusted, foreign) = (authority()?, authority()?);
        let file = NamedTempFile::with_suffix(".pem")?;
        std::fs::write(file.path(), trusted.pem())?;
        Ok(Self { trusted, foreign, file })
    }

    /// What serves TLS under this name or address, with a certificate of the one that is to be trusted.
    pub fn acceptor(&self, name: &str) -> Result<TlsAcceptor> {
        acceptor(&self.trusted, name, false)
    }

    /// The certificate of the one that is to be trusted.
    pub fn trusted(&self) -> &Path {
        self.file.path()
    }
}

impl FaultyReceiver {
    /// Receives on an address of the loopback; the first connections meet these mistakes, in this order.
    pub async fn start(authorities: &Authorities, faults: &[Fault]) -> Result<Self> {
        Self::start_as("127.0.0.1", authorities, faults).await
    }

    /// The same with certificates for this name.
    pub async fn start_as(name: &str, authorities: &Authorities, faults: &[Fault]) -> Result<Self> {
        let certificates = certificates(name, authorities)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (told, deliveries) = watch::channel(Vec::new());
        let faults = Mutex::new(faults.iter().copied().collect::<VecDeque<_>>());
        let shared = Arc::new((certificates, told));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fault = faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    // What the sender makes of it is the question, not what becomes of the connection.
                    let _ = receive(stream, fault, &shared.0, &shared.1).await;
                });
            }
        });
        Ok(Self {
            address,
            deliveries,
            server,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The callback URL of a request.
    pub fn url(&self, name: &str) -> String {
        format!("https://{}/callback/{name}", self.address)
    }

    /// What has come whole so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.borrow().clone()
    }

    /// Waits until so many requests have come whole.
    pub async fn wait(&self, wanted: usize) -> Result<Vec<Delivery>> {
        let mut seen = self.deliveries.clone();
        let arrived = tokio::time::timeout(BOUND, seen.wait_for(|all| all.len() >= wanted)).await;
        let found = arrived.with_context(|| format!("waited in vain for {wanted} callbacks"))?;
        Ok(found.context("the receiver has ended")?.clone())
    }
}

impl Drop for FaultyReceiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(
    stream: TcpStream,
    fault: Option<Fault>,
    certificates: &Certificates,
    told: &watch::Sender<Vec<Delivery>>,
) -> io::Result<()> {
    let acceptor = match fault {
        Some(Fault::ResetInHandshake) => return reset(&stream),
        Some(Fault::ForeignAuthority) => &certificates.foreign,
        Some(Fault::AnotherName) => &certificates.another_name,
        Some(Fault::Expired) => &certificates.expired,
        _ => &certificates.good,
    };
    let mut stream = acceptor.accept(stream).await?;
    let (head, rest) = read_head(&mut stream).await?;
    if fault == Some(Fault::ResetAfterHead) {
        return reset(stream.get_ref().0);
    }
    let delivery = read_body(&mut stream, &head, rest).await?;
    told.send_modify(|all| all.push(delivery));
    match fault {
        Some(Fault::ResetAfterRequest) => return reset(stream.get_ref().0),
        Some(Fault::HalfAnswer) => stream.write_all(b"HTTP/1.1 20").await?,
        Some(Fault::Garbage) => stream.write_all(b"220 mail.example.com ESMTP ready\r\n").await?,
        Some(Fault::EndlessHead) => endless_head(&mut stream).await?,
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Status(status)) => {
            let head =
                format!("HTTP/1.1 {status} Told\r\nlocation: {TRAP}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let head = if status == 204 {
                head.replace("content-length: 0\r\n", "")
            } else {
                head
            };
            stream.write_all(head.as_bytes()).await?;
        }
        _ => stream.write_all(WELL).await?,
    }
    stream.shutdown().await
}

async fn endless_head(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nx-more: ").await?;
    let piece = vec![b'a'; 1 << 16];
    for _ in 0..ENDLESS_BYTES / piece.len() {
        stream.write_all(&piece).await?;
    }
    Ok(())
}

fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// The head of a request, and what has come after it.
pub(crate) async fn read_head(stream: &mut TlsStream<TcpStream>) -> io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&read).into_owned(), rest));
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn read_body(stream: &mut TlsStream<TcpStream>, head: &str, mut body: Vec<u8>) -> io::Result<Delivery> {
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut delivery = Delivery {
        at: Instant::now(),
        target: target.to_owned(),
        headers,
        body: Vec::new(),
    };
    let length = delivery.header("content-length").and_then(|length| length.parse().ok());
    let length: usize = length.ok_or(io::ErrorKind::InvalidData)?;
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    delivery.body = body;
    Ok(delivery)
}

fn certificates(here: &str, authorities: &Authorities) -> Result<Certificates> {
    let Authorities { trusted, foreign, .. } = authorities;
    let elsewhere = "elsewhere.example.com";
    Ok(Certificates {
        good: acceptor(trusted, here, false)?,
        foreign: acceptor(foreign, here, false)?,
        another_name: acceptor(trusted, elsewhere, false)?,
        expired: acceptor(trusted, here, true)?,
    })
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn acceptor(authority: &CertifiedIssuer<'static, KeyPair>, name: &str, expired: bool) -> Result<TlsAcceptor> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    if expired {
        (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
    }
    let certificate = params.signed_by(&key, authority)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
