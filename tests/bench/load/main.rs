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

/// A connection on which an answer is awaited.
fn ask(address: &str, request: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request)?;
    Ok(stream)
}

/// The first answer, in one piece; every other one must be as long.
fn first_answer(address: &str, request: &[u8]) -> Result<Vec<u8>> {
    let mut answer = vec![0; 4096];
    let length = ask(address, request)?.read(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, target, signature, connections, seconds] = arguments.as_slice() else {
        anyhow::bail!("say ADDRESS TARGET SIGNATURE CONNECTIONS SECONDS");
    };
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nX-Twilio-Signature: {signature}\r\n\r\n");
    let request = request.as_bytes();
    let mut answer = first_answer(address, request)?;
    let open = (0..connections.parse()?).map(|_| ask(address, request));
    let mut streams = open.collect::<Result<Vec<_>>>()?;
    let until = Instant::now() + Duration::from_secs(seconds.parse()?);
    let mut answers = 0_u64;
    while Instant::now() < until {
        for stream in &mut streams {
            stream.read_exact(&mut answer).context("failed to take an answer")?;
            ensure!(answer.starts_with(OK), "{}", String::from_utf8_lossy(&answer));
            stream.write_all(request)?;
            answers += 1;
        }
    }
    println!("{answers}");
    Ok(())
}
