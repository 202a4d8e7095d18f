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
/// When all calls fail for so long, the fault may be ours after all, and a restart is tried.
pub const FUTILE: Duration = Duration::from_mins(15);

/// When each watch was last answered.
#[derive(Clone, Debug)]
pub struct Progress {
    started: Arc<Mutex<Instant>>,
    answered: Arc<Mutex<HashMap<String, Instant>>>,
    failed: Arc<Mutex<Option<Instant>>>,
}

impl Progress {
    /// Begins to measure.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Arc::new(Mutex::new(Instant::now())),
            answered: Arc::default(),
            failed: Arc::default(),
        }
    }

    /// Alive, or since when no watch was answered. While calls still end, if only in failure, the process is patient: it
    /// is the API server that is gone, and a restart would only add its own back-off to that.
    pub fn check(&self, now: Instant) -> Result<(), String> {
        let started = *self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let last = answered.values().copied().max().unwrap_or(started);
        let silent = now.saturating_duration_since(last);
        let is_trying = failed.is_some_and(|failed| now.saturating_duration_since(failed) <= STALLED);
        if silent <= if is_trying { FUTILE } else { STALLED } {
            return Ok(());
        }
        Err(format!("no watch was answered for {} s", silent.as_secs()))
    }

    /// A call has ended in failure.
    pub fn note_failure(&self, at: Instant) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// For how many seconds each watch has been silent, by its path.
    #[must_use]
    pub fn silences(&self, now: Instant) -> Vec<(String, u64)> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = |at: &Instant| now.saturating_duration_since(*at).as_secs();
        answered.iter().map(|(path, at)| (path.clone(), seconds(at))).collect()
    }

    /// The watches begin now; what stood for them until now is forgotten.
    pub fn restart(&self, stood_for_them: &str, at: Instant) {
        *self.started.lock().unwrap_or_else(PoisonError::into_inner) = at;
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.remove(stood_for_them);
    }

    /// A sign of life: the answer to a watch, or where none is due, to something else.
    pub fn note(&self, path: String, at: Instant) {
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
        let path = is_watch(&request).then(|| request.uri().path().to_owned());
        let progress = self.progress.clone();
        let answer = self.inner.call(request);
        async move {
            let answer = answer.await;
            if let Some(path) = path {
                match &answer {
                    Ok(response) if response.status().is_success() => progress.note(path, Instant::now()),
                    Ok(_) | Err(_) => progress.note_failure(Instant::now()),
                }
            }
            answer
        }
        .boxed()
    }
}

/// Whether the answer to a call is a stream that goes on.
fn is_watch<B>(request: &Request<B>) -> bool {
    let query = request.uri().query();
    query.is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"))
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
        let started = *progress.started.lock().unwrap_or_else(PoisonError::into_inner);
        let at = |seconds| started + Duration::from_secs(seconds);
        assert_eq!(progress.check(at(90)), Ok(()));
        assert_eq!(progress.check(at(91)), Err("no watch was answered for 91 s".to_owned()));
        progress.note("/quick".to_owned(), at(60));
        progress.note("/stuck".to_owned(), at(5));
        assert_eq!(progress.check(at(150)), Ok(()), "one that gets on is enough");
        assert!(progress.check(at(151)).is_err());
    }

    #[test]
    fn an_outage_is_waited_out_as_long_as_calls_end() {
        let progress = Progress::start();
        let started = *progress.started.lock().unwrap_or_else(PoisonError::into_inner);
        let at = |seconds| started + Duration::from_secs(seconds);
        progress.note_failure(at(600));
        assert_eq!(progress.check(at(610)), Ok(()));
        assert!(progress.check(at(691)).is_err(), "nothing ends any more");
        progress.note_failure(at(901));
        assert!(progress.check(at(901)).is_err(), "it does not end by itself");
    }
}
