//! Until when this process may write, and the layer below the client that lets no write pass after that. Opened by the
//! leader's renewals; asked before every call to the API server, whichever part of the operator makes it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request};
use tower::{BoxError, Layer, Service};

/// What is not answered within this is given up: without it, a pass would wait for as long as TCP does for the answer of
/// an API server that is gone. Of a watch it is the head of the answer, which comes at once.
const ANSWER: Duration = Duration::from_secs(10);

/// Why a call was not made, or not waited for.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The lease is not ours, or was not renewed in time.
    #[error("failed to write: this replica does not hold the lease now")]
    HoldLease,
    /// The API server is silent.
    #[error("failed to get an answer from the API server in time")]
    Answer,
}

#[derive(Clone, Copy, Debug)]
enum Gate {
    /// There is no election.
    Always,
    Until(Instant),
    Closed,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Fence(Arc<Mutex<Gate>>);

impl Fence {
    /// Open, without a leader: there is one replica, as its owner has promised.
    #[must_use]
    pub fn always_open() -> Self {
        Self(Arc::new(Mutex::new(Gate::Always)))
    }

    /// Closed until a leader opens it.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(Mutex::new(Gate::Closed)))
    }

    /// Writes may begin until then.
    pub fn open_until(&self, end: Instant) {
        self.set(Gate::Until(end));
    }

    /// No write may begin any more.
    pub fn close(&self) {
        self.set(Gate::Closed);
    }

    /// Whether a write may begin.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        self.left(now).is_some_and(|left| !left.is_zero())
    }

    /// For how long a write that begins now may take.
    fn left(&self, now: Instant) -> Option<Duration> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Gate::Always => Some(ANSWER),
            Gate::Until(end) => Some(end.saturating_duration_since(now).min(ANSWER)),
            Gate::Closed => None,
        }
    }

    fn set(&self, gate: Gate) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = gate;
    }
}

impl<S> Layer<S> for Fence {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced {
            inner,
            fence: self.clone(),
        }
    }
}

/// A client whose writes are fenced, and whose calls end.
#[derive(Clone, Debug)]
pub struct Fenced<S> {
    inner: S,
    fence: Fence,
}

impl<S, B> Service<Request<B>> for Fenced<S>
where
    S: Service<Request<B>>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Into<BoxError> + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let left = if *request.method() == Method::GET {
            Some(ANSWER)
        } else {
            self.fence.left(Instant::now()).filter(|left| !left.is_zero())
        };
        let Some(left) = left else {
            return std::future::ready(Err(FenceError::HoldLease.into())).boxed();
        };
        let answer = self.inner.call(request);
        async move {
            match tokio::time::timeout(left, answer).await {
                Ok(answer) => answer.map_err(Into::into),
                Err(_) => Err(FenceError::Answer.into()),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use tower::ServiceExt;
    use tower::service_fn;

    use super::*;

    async fn passes(fence: &Fence, method: Method) -> bool {
        let server = service_fn(|_: Request<()>| std::future::ready(Ok::<_, BoxError>(Response::new(()))));
        let mut request = Request::new(());
        *request.method_mut() = method;
        fence.layer(server).oneshot(request).await.is_ok()
    }

    #[tokio::test]
    async fn only_reads_pass_a_closed_fence() {
        let now = Instant::now();
        let lapsed = Fence::closed();
        lapsed.open_until(now);
        for (fence, writes) in [(Fence::closed(), false), (lapsed, false), (Fence::always_open(), true)] {
            assert!(passes(&fence, Method::GET).await);
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(passes(&fence, method.clone()).await, writes, "{method} {fence:?}");
            }
        }
    }

    #[test]
    fn it_closes_by_itself_and_at_once_when_told() {
        let (fence, now) = (Fence::closed(), Instant::now());
        assert!(!fence.is_open(now));
        fence.open_until(now + Duration::from_secs(10));
        assert!(fence.is_open(now + Duration::from_secs(9)));
        assert!(!fence.is_open(now + Duration::from_secs(10)));
        fence.close();
        assert!(!fence.is_open(now));
    }
}
