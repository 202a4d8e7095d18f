//! Where Twilio keeps a recording, over TLS, by somebody who makes mistakes: each request meets the next of them, and when
//! there are none left the recording is there.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::callback::faulty::{Authorities, read_head};
use crate::patience::BOUND;

/// How a request for the recording is answered.
#[derive(Debug, Clone)]
pub enum Slip {
    /// With this status and nothing else.
    Status(u16),
    /// With a redirect to this URL.
    Redirect(String),
    /// With a reset, before any answer.
    Reset,
    /// With a reset in the middle of the recording.
    Half,
    /// With the first half, as if that were all.
    Short,
    /// Never.
    Silence,
}

/// A request as it came: its path with the query, and its head.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The path with its query.
    pub target: String,
    /// Everything before the body.
    pub head: String,
}

/// The host, on an address of the loopback.
pub struct AudioHost {
    address: SocketAddr,
    asked: watch::Receiver<Vec<Asked>>,
    server: JoinHandle<()>,
}

impl AudioHost {
    /// Serves this recording at every path; the first requests meet these slips, in this order.
    pub async fn start(authorities: &Authorities, recording: Bytes, slips: Vec<Slip>) -> Result<Self> {
        let acceptor = authorities.acceptor("127.0.0.1")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (told, asked) = watch::channel(Vec::new());
        let slips = Mutex::new(slips.into_iter().collect::<VecDeque<_>>());
        let shared = Arc::new((recording, slips, told));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let (recording, slips, told) = &*shared;
                    // What the service makes of it is the question, not what becomes of the connection.
                    let _ = answer(stream, &acceptor, recording, slips, told).await;
                });
            }
        });
        Ok(Self { address, asked, server })
    }

    /// The URL of the recording under a name of the suite's own.
    pub fn url(&self, name: &str) -> String {
        format!("https://{}/recordings/{name}", self.address)
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// Waits until so much was asked for.
    pub async fn wait(&self, wanted: usize) -> Result<Vec<Asked>> {
        let mut seen = self.asked.clone();
        let asked = tokio::time::timeout(BOUND, seen.wait_for(|all| all.len() >= wanted)).await;
        let found = asked.with_context(|| format!("waited in vain for {wanted} requests"))?;
        Ok(found.context("the host has ended")?.clone())
    }
}

impl Drop for AudioHost {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Slips = Mutex<VecDeque<Slip>>;

async fn answer(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    recording: &Bytes,
    slips: &Slips,
    told: &watch::Sender<Vec<Asked>>,
) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let (head, _) = read_head(&mut stream).await?;
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let slip = slips.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    told.send_modify(|all| all.push(Asked { target, head }));
    let half = recording.slice(..recording.len() / 2);
    let (head, body) = match slip {
        None => (whole(recording.len()), recording.clone()),
        Some(Slip::Status(status)) => (empty(status, ""), Bytes::new()),
        Some(Slip::Redirect(target)) => (empty(307, &format!("location: {target}\r\n")), Bytes::new()),
        Some(Slip::Short) => (whole(half.len()), half),
        Some(Slip::Half) => {
            stream.write_all(whole(recording.len()).as_bytes()).await?;
            stream.write_all(&half).await?;
            stream.flush().await?;
            return stream.get_ref().0.set_zero_linger();
        }
        Some(Slip::Reset) => return stream.get_ref().0.set_zero_linger(),
        Some(Slip::Silence) => std::future::pending().await,
    };
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

fn whole(bytes: usize) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: audio/x-wav\r\ncontent-length: {bytes}\r\nconnection: close\r\n\r\n")
}

fn empty(status: u16, more: &str) -> String {
    format!("HTTP/1.1 {status} Slip\r\ncontent-length: 0\r\n{more}connection: close\r\n\r\n")
}
