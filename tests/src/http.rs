//! HTTP/1.1 as bytes: what a suite sends is exactly what arrives, and what it reads is what was on the wire. A client
//! library would spell URLs its own way, hide interim answers, and undo chunks and compression.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// For a request and its answer. Longer than the most that a suite sends takes on the slowest disk.
const ANSWER_BOUND: Duration = Duration::from_mins(3);

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The bytes after the head.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header that came once; none when it came not at all or twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(given, _)| given == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON in an answer of {}", self.status))
    }
}

/// A connection on which requests are sent in as many pieces as the suite wants.
pub struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            reader: BufReader::new(reader),
            writer,
        })
    }

    /// Sends a piece.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).await
    }

    /// Reads the status of an interim answer.
    pub async fn interim_status(&mut self) -> Result<u16> {
        let head = timeout(ANSWER_BOUND, read_head(&mut self.reader)).await;
        Ok(head.context("no answer came")??.0)
    }

    /// Reads the answer; interim ones (1xx) are passed over.
    pub async fn answer(&mut self) -> Result<Answer> {
        let answer = timeout(ANSWER_BOUND, read_answer(&mut self.reader)).await;
        answer.context("no answer came")?
    }
}

/// Sends a head and a body and reads the answer, which may come before the body is sent.
pub async fn exchange(address: SocketAddr, head: &str, body: &[Bytes]) -> Result<Answer> {
    let Connection { mut reader, mut writer } = Connection::open(address).await.context("failed to connect")?;
    let send = async {
        writer.write_all(head.as_bytes()).await?;
        for piece in body {
            writer.write_all(piece).await?;
        }
        io::Result::Ok(())
    };
    let exchanged = timeout(ANSWER_BOUND, async {
        let answer = read_answer(&mut reader);
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            // That sending fails is no error by itself: who refuses a request early need not read all of it.
            _ = send => answer.await,
        }
    });
    exchanged.await.context("no answer came")?
}

/// A plain GET, for the admin address.
pub async fn get(address: SocketAddr, target: &str) -> Result<Answer> {
    exchange(
        address,
        &format!("GET {target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"),
        &[],
    )
    .await
}

async fn read_answer(reader: &mut BufReader<OwnedReadHalf>) -> Result<Answer> {
    loop {
        let (status, headers) = read_head(reader).await?;
        if !(100..200).contains(&status) {
            let body = read_body(reader, &headers).await?;
            return Ok(Answer { status, headers, body });
        }
    }
}

async fn read_head(reader: &mut BufReader<OwnedReadHalf>) -> Result<(u16, Vec<(String, String)>)> {
    let status_line = read_line(reader).await?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no status in {status_line:?}"))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader).await?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').with_context(|| format!("no header in {line:?}"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

async fn read_line(reader: &mut BufReader<OwnedReadHalf>) -> Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        bail!("the connection ended without an answer");
    }
    Ok(line.trim_end().to_owned())
}

async fn read_body(reader: &mut BufReader<OwnedReadHalf>, headers: &[(String, String)]) -> Result<Vec<u8>> {
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map(|(_, value)| value);
    let mut body = Vec::new();
    if let Some(length) = length {
        body.resize(length.parse().context("no number in Content-Length")?, 0);
        reader
            .read_exact(&mut body)
            .await
            .context("the answer is shorter than its Content-Length")?;
    } else {
        reader.read_to_end(&mut body).await?;
    }
    Ok(body)
}
