//! Puts our own answer in the place of the HTTP library's: a request whose head cannot be parsed, or is beyond the limits,
//! never becomes a request, and the library answers it with 400, 414 or 431 by itself. Wrapped around every connection by
//! `connection`; which answers are replaced, and by what, is said in `verdict`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reasons::{HEAD_TOO_LARGE, HEAD_UNREADABLE, HEADERS_TOO_MANY};
use super::verdict::{LibraryRefusal, Reason, UNPARSED, find_library_refusal};
use crate::metrics::Metrics;

/// A connection that watches for the library's own answers. Such an answer is the last of its connection.
pub struct Unparsed<I> {
    inner: I,
    /// What is left to write of our answer, once the library has begun with one of its own.
    replacement: Option<&'static [u8]>,
    head_bytes: usize,
    /// What has come since the last answer.
    came_bytes: usize,
    metrics: Arc<Metrics>,
}

impl<I> Unparsed<I> {
    /// Wraps a connection whose heads may have so many bytes.
    pub const fn new(inner: I, head_bytes: usize, metrics: Arc<Metrics>) -> Self {
        Self {
            inner,
            replacement: None,
            head_bytes,
            came_bytes: 0,
            metrics,
        }
    }

    const fn reason(&self, refusal: LibraryRefusal) -> Reason {
        match refusal {
            LibraryRefusal::Unreadable => HEAD_UNREADABLE,
            LibraryRefusal::TargetTooLong => HEAD_TOO_LARGE,
            LibraryRefusal::BeyondLimits if self.came_bytes >= self.head_bytes => HEAD_TOO_LARGE,
            LibraryRefusal::BeyondLimits => HEADERS_TOO_MANY,
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Unparsed<I> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, into);
        self.came_bytes = self.came_bytes.saturating_add(into.filled().len() - before);
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Unparsed<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.replacement.is_none() {
            match find_library_refusal(bytes) {
                None => {
                    this.came_bytes = 0;
                    return Pin::new(&mut this.inner).poll_write(context, bytes);
                }
                Some((0, refusal)) => {
                    this.metrics.record_unread(this.reason(refusal));
                    this.replacement = Some(UNPARSED);
                }
                Some((before, _)) => return Pin::new(&mut this.inner).poll_write(context, &bytes[..before]),
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

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use std::error::Error;
    use std::sync::Arc;

    use prometheus::TextEncoder;

    use super::Unparsed;
    use crate::domain::AddonKey;
    use crate::metrics::Metrics;
    use crate::server::verdict::UNPARSED;

    async fn passed(pieces: &[&str]) -> Result<(Vec<u8>, String), Box<dyn Error>> {
        let (near, mut far) = tokio::io::duplex(16);
        let reader = tokio::spawn(async move {
            let mut read = Vec::new();
            far.read_to_end(&mut read).await.map(|_| read)
        });
        let metrics = Arc::new(Metrics::new(&AddonKey::new("addons", "call-insights"))?);
        let mut connection = Unparsed::new(near, 100, Arc::clone(&metrics));
        for piece in pieces {
            connection.write_all(piece.as_bytes()).await?;
        }
        connection.shutdown().await?;
        drop(connection);
        let read = reader.await??;
        Ok((read, TextEncoder::new().encode_to_string(&metrics.registry().gather())?))
    }

    #[tokio::test]
    async fn replaces_the_librarys_own_refusals_and_nothing_else() -> Result<(), Box<dyn Error>> {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\n\"HTTP/1.1 400 Bad Request\"";
        let refusal = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let long = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let ours = String::from_utf8_lossy(UNPARSED).into_owned();
        let both = format!("{answer}{refusal}");
        let cases = [
            (vec![answer], answer.to_owned(), None),
            (vec![refusal], ours.clone(), Some("head_unreadable")),
            (vec![long], ours.clone(), Some("headers_too_many")),
            (
                vec![answer, refusal],
                format!("{answer}{ours}"),
                Some("head_unreadable"),
            ),
            (vec![both.as_str()], format!("{answer}{ours}"), Some("head_unreadable")),
        ];
        for (pieces, expected, reason) in &cases {
            let (read, counted) = passed(pieces).await?;
            assert_eq!(&String::from_utf8_lossy(&read), expected, "{pieces:?}");
            for word in ["head_unreadable", "headers_too_many"] {
                assert_eq!(counted.contains(word), *reason == Some(word), "{pieces:?}: {word}");
            }
        }
        Ok(())
    }
}
