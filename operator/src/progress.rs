//! Whether the watches get on: the only sign of life that a controller has. A watch is begun anew every minute at the
//! latest, so every healthy one is answered at least that often, however quiet the cluster is; `liveness` falls when none
//! was. It is measured where the answers come in, so that no part of the way to there can hide a stall.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use tower::{Layer, Service};

/// After how many seconds a watch is begun anew.
pub const WATCH_SECONDS: u32 = 60;
/// Without any answer for so long, the process is not of use: a watch's time, its idle limit, and a try in between.
pub const STALLED: Duration = Duration::from_secs(90);

/// When each watch was last answered.
#[derive(Clone, Debug)]
pub struct Progress {
    started: Instant,
    answered: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Progress {
    /// Begins to measure.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            answered: Arc::default(),
        }
    }

    /// Alive, or since when no watch was answered.
    pub fn check(&self, now: Instant, limit: Duration) -> Result<(), String> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let last = answered.values().copied().max().unwrap_or(self.started);
        let silent = now.saturating_duration_since(last);
        if silent <= limit {
            return Ok(());
        }
        Err(format!("no watch was answered for {} s", silent.as_secs()))
    }

    fn note(&self, path: String, at: Instant) {
        self.answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path, at);
    }
}

impl<S> Layer<S> for Progress {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed {
            inner,
            progress: self.clone(),
        }
    }
}

/// A client whose watches are observed.
#[derive(Clone, Debug)]
pub struct Observed<S> {
    inner: S,
    progress: Progress,
}

impl<S, B, R> Service<Request<B>> for Observed<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_watch = request
            .uri()
            .query()
            .is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"));
        let path = is_watch.then(|| request.uri().path().to_owned());
        let progress = self.progress.clone();
        let answer = self.inner.call(request);
        async move {
            let answer = answer.await;
            if let (Some(path), Ok(response)) = (path, &answer)
                && response.status().is_success()
            {
                progress.note(path, Instant::now());
            }
            answer
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt;
    use tower::service_fn;

    use super::*;

    async fn answered(query: &str, status: u16) -> Progress {
        let progress = Progress::start();
        let server = service_fn(move |_: Request<()>| std::future::ready(Response::builder().status(status).body(())));
        let request = Request::get(format!("/apis/example/v1/things?{query}"))
            .body(())
            .expect("the URI is well-formed");
        let answer = progress.layer(server).oneshot(request).await;
        assert_eq!(answer.map(|answer| answer.status().as_u16()).ok(), Some(status));
        progress
    }

    #[tokio::test]
    async fn only_the_answer_to_a_watch_is_a_sign_of_life() {
        for (query, status, alive) in [
            ("watch=true&limit=1", 200, true),
            ("watch=true", 500, false),
            ("limit=1", 200, false),
        ] {
            let progress = answered(query, status).await;
            let noted = !progress
                .answered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_empty();
            assert_eq!(noted, alive, "{query} {status}");
        }
    }

    #[test]
    fn life_ends_when_every_watch_is_silent_for_too_long() {
        let progress = Progress::start();
        let at = |seconds| progress.started + Duration::from_secs(seconds);
        assert_eq!(progress.check(at(90), STALLED), Ok(()));
        assert_eq!(
            progress.check(at(91), STALLED),
            Err("no watch was answered for 91 s".to_owned())
        );
        progress.note("/quick".to_owned(), at(60));
        progress.note("/stuck".to_owned(), at(5));
        assert_eq!(progress.check(at(150), STALLED), Ok(()), "one that gets on is enough");
        assert!(progress.check(at(151), STALLED).is_err());
    }
}
