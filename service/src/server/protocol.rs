//! Tells HTTP/2 from HTTP/1.1 by the first bytes of a connection, with or without TLS around it: a client that speaks
//! HTTP/2 begins with a preface that is no request of HTTP/1.1. Called by `connection`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// The beginning of the preface, as far as no method of HTTP/1.1 shares it.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// How a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, or what is none at all: its parser says so.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A connection whose first bytes were looked at; they are read again.
#[derive(Debug)]
pub struct Begun<I> {
    first: [u8; PREFACE.len()],
    /// Which of them are still to be read.
    left: std::ops::Range<usize>,
    inner: I,
}

/// Reads no more than it takes to tell. None: the connection ended before its first byte.
pub async fn tell<I: AsyncRead + Unpin>(mut inner: I) -> io::Result<Option<(Protocol, Begun<I>)>> {
    let mut first = [0; PREFACE.len()];
    let mut read = 0;
    let protocol = loop {
        let count = inner.read(&mut first[read..]).await?;
        read += count;
        if read == 0 {
            return Ok(None);
        }
        if !PREFACE.starts_with(&first[..read]) || count == 0 {
            break Protocol::Http1;
        }
        if read == PREFACE.len() {
            break Protocol::Http2;
        }
    };
    let left = 0..read;
    Ok(Some((protocol, Begun { first, left, inner })))
}

impl<I: AsyncRead + Unpin> AsyncRead for Begun<I> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.left.is_empty() {
            return Pin::new(&mut this.inner).poll_read(context, into);
        }
        let count = this.left.len().min(into.remaining());
        let end = this.left.start + count;
        into.put_slice(&this.first[this.left.start..end]);
        this.left.start = end;
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Begun<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::{Protocol, tell};

    #[tokio::test]
    async fn tells_by_the_preface_and_loses_no_byte() -> io::Result<()> {
        for (sent, expected) in [
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Protocol::Http2)),
            ("POST / HTTP/1.1\r\n\r\n", Some(Protocol::Http1)),
            ("PROPFIND / HTTP/1.1\r\n\r\n", Some(Protocol::Http1)),
            ("PRI / HTTP/1.1\r\n\r\n", Some(Protocol::Http1)),
            ("PRI", Some(Protocol::Http1)),
            ("x", Some(Protocol::Http1)),
            ("", None),
        ] {
            let (near, mut far) = tokio::io::duplex(3);
            let sender = tokio::spawn(async move {
                far.write_all(sent.as_bytes()).await?;
                far.shutdown().await
            });
            let mut read = String::new();
            let told = tell(near).await?;
            assert_eq!(told.as_ref().map(|(protocol, _)| *protocol), expected, "{sent:?}");
            if let Some((_, mut begun)) = told {
                begun.read_to_string(&mut read).await?;
            }
            assert_eq!(read, sent);
            sender.await??;
        }
        Ok(())
    }
}
