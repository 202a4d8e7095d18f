//! Puts our own answer in the place of the HTTP library's: a request whose head cannot be parsed, or is beyond the limits,
//! never becomes a request, and the library answers it with 400, 414 or 431 by itself. Wrapped around every connection by
//! `connection`; which answers are replaced, and by what, is said in `verdict`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::verdict::{UNPARSED, find_library_refusal};

/// A connection that watches for the library's own answers. Such an answer is the last of its connection.
pub struct Unparsed<I> {
    inner: I,
    /// What is left to write of our answer, once the library has begun with one of its own.
    replacement: Option<&'static [u8]>,
}

impl<I> Unparsed<I> {
    /// Wraps a connection.
    pub const fn new(inner: I) -> Self {
        Self {
            inner,
            replacement: None,
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Unparsed<I> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Unparsed<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.replacement.is_none() {
            match find_library_refusal(bytes) {
                None => return Pin::new(&mut this.inner).poll_write(context, bytes),
                Some(0) => this.replacement = Some(UNPARSED),
                Some(before) => return Pin::new(&mut this.inner).poll_write(context, &bytes[..before]),
            }
        }
        while let Some(left @ [_, ..]) = this.replacement {
            let written = ready!(Pin::new(&mut this.inner).poll_write(context, left))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.replacement = Some(&left[written..]);
        }
        Poll::Ready(Ok(bytes.len()))
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

    use super::Unparsed;
    use crate::server::verdict::UNPARSED;

    async fn passed(pieces: &[&str]) -> io::Result<Vec<u8>> {
        let (near, mut far) = tokio::io::duplex(16);
        let reader = tokio::spawn(async move {
            let mut read = Vec::new();
            far.read_to_end(&mut read).await.map(|_| read)
        });
        let mut connection = Unparsed::new(near);
        for piece in pieces {
            connection.write_all(piece.as_bytes()).await?;
        }
        connection.shutdown().await?;
        drop(connection);
        reader.await?
    }

    #[tokio::test]
    async fn replaces_the_librarys_own_refusals_and_nothing_else() -> io::Result<()> {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\n\"HTTP/1.1 400 Bad Request\"";
        let refusal = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let long = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let ours = String::from_utf8_lossy(UNPARSED).into_owned();
        let both = format!("{answer}{refusal}");
        let cases = [
            (vec![answer], answer.to_owned()),
            (vec![refusal], ours.clone()),
            (vec![long], ours.clone()),
            (vec![answer, refusal], format!("{answer}{ours}")),
            (vec![both.as_str()], format!("{answer}{ours}")),
        ];
        for (pieces, expected) in &cases {
            assert_eq!(&String::from_utf8_lossy(&passed(pieces).await?), expected, "{pieces:?}");
        }
        Ok(())
    }
}
