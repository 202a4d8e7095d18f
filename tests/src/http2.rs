//! A connection of HTTP/2, over TCP or TLS: what only this protocol can do, beside asking.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::channel::mpsc;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::http::Answer;
use crate::patience::BOUND;
use crate::twilio::SignedRequest;

type Outgoing = UnsyncBoxBody<Bytes, Infallible>;

/// What is still to come of a body; it ends when this is dropped.
pub struct Rest(mpsc::UnboundedSender<Result<Frame<Bytes>, Infallible>>);

impl Rest {
    /// Sends a piece.
    pub fn send(&self, piece: Bytes) -> Result<()> {
        self.0
            .unbounded_send(Ok(Frame::data(piece)))
            .context("the request has ended")
    }
}

/// A connection for many requests at once.
pub struct Http2 {
    requests: SendRequest<Outgoing>,
    connection: JoinHandle<Result<(), hyper::Error>>,
}

impl Http2 {
    /// Connects without TLS, knowing beforehand that HTTP/2 is spoken.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Self::over(stream).await
    }

    /// The same over a connection that is there.
    pub async fn over(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Self> {
        let (requests, connection) = handshake(TokioExecutor::new(), TokioIo::new(io)).await?;
        Ok(Self {
            requests,
            connection: tokio::spawn(connection),
        })
    }

    /// Sends a request; may be called again before the answer is there.
    pub fn send(&self, request: &SignedRequest) -> Result<impl Future<Output = Result<Answer>> + Send + use<>> {
        self.send_with(request, Full::from(request.body.concat()).boxed_unsync())
    }

    /// Sends its head alone; the body comes piece by piece.
    pub fn begin(
        &self,
        request: &SignedRequest,
    ) -> Result<(Rest, impl Future<Output = Result<Answer>> + Send + use<>)> {
        let (pieces, body) = mpsc::unbounded();
        let answer = self.send_with(request, StreamBody::new(body).boxed_unsync())?;
        Ok((Rest(pieces), answer))
    }

    fn send_with(
        &self,
        request: &SignedRequest,
        body: Outgoing,
    ) -> Result<impl Future<Output = Result<Answer>> + Send + use<>> {
        let host = request.header("host").context("a request names its host")?;
        let mut builder = Request::builder()
            .version(Version::HTTP_2)
            .method(request.method)
            .uri(format!("https://{host}{}", request.target));
        for (name, value) in &request.headers {
            if !name.eq_ignore_ascii_case("host") {
                builder = builder.header(name, value);
            }
        }
        let request = builder.body(body)?;
        let mut requests = self.requests.clone();
        Ok(async move {
            let answered = tokio::time::timeout(BOUND, async {
                let (head, body) = requests.send_request(request).await?.into_parts();
                Result::<_, hyper::Error>::Ok((head, body.collect().await?.to_bytes()))
            });
            let (head, body) = answered.await.context("no answer came")??;
            let headers = head.headers.iter().map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), value)
            });
            Ok(Answer {
                status: head.status.as_u16(),
                headers: headers.collect(),
                body: body.to_vec(),
            })
        })
    }

    /// Waits until the other side has closed it in order.
    pub async fn closed(self) -> Result<()> {
        let closed = tokio::time::timeout(BOUND, self.connection).await;
        Ok(closed.context("the connection is still open")???)
    }

    /// Ends it from this side, whatever is under way.
    pub fn abort(self) {
        self.connection.abort();
    }
}
