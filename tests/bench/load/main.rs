//! The load generator of `requests`: sends the same request on each connection in turn, and takes the answers in the same
//! order. Two calls of the kernel for an answer and nothing to parse, so that one core of it is not busy with what another
//! core of a server answers; whoever also waits for events spends more on that than a fast server on the answer.
//!
//!     load ADDRESS TARGET SIGNATURE CONNECTIONS SECONDS    prints how many answers came

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

const OK: &[u8] = b"HTTP/1.1 200 ";

/// One connection, on which an answer is awaited.
struct Connection {
    stream: TcpStream,
    buffer: [u8; 4096],
}

impl Connection {
    fn open(address: &str, request: &[u8]) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(request)?;
        Ok(Self {
            stream,
            buffer: [0; 4096],
        })
    }

    /// Takes an answer of this many bytes, or of as many as come first.
    fn take(&mut self, expected: Option<usize>) -> Result<usize> {
        let mut taken = self.stream.read(&mut self.buffer)?;
        while taken > 0 && taken < expected.unwrap_or(0) {
            taken += self.stream.read(&mut self.buffer[taken..])?;
        }
        let answer = &self.buffer[..taken];
        ensure!(
            answer.starts_with(OK) && expected.is_none_or(|expected| expected == taken),
            "another answer than before: {}",
            String::from_utf8_lossy(answer)
        );
        Ok(taken)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, target, signature, connections, seconds] = arguments.as_slice() else {
        anyhow::bail!("say ADDRESS TARGET SIGNATURE CONNECTIONS SECONDS");
    };
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nX-Twilio-Signature: {signature}\r\n\r\n");
    let open = || Connection::open(address, request.as_bytes());
    let mut connections = (0..connections.parse()?).map(|_| open()).collect::<Result<Vec<_>>>()?;
    let until = Instant::now() + Duration::from_secs(seconds.parse()?);
    let (mut answers, mut bytes) = (0_u64, None);
    while Instant::now() < until {
        for connection in &mut connections {
            bytes = Some(connection.take(bytes).context("failed to take an answer")?);
            connection.stream.write_all(request.as_bytes())?;
            answers += 1;
        }
    }
    println!("{answers}");
    Ok(())
}
