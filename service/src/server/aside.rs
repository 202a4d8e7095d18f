//! Waits for what happens once in the life of a connection, beside what happens with each request. Called by `connection` and
//! `speak`.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

/// The same future, polled only when it was woken itself. Each request wakes all that its connection waits for, and a signal
/// or a timer that is looked at each time takes a lock each time.
pub async fn aside<F: Future>(future: F) -> F::Output {
    let mut woken = FuturesUnordered::from_iter([future]);
    woken.next().await.expect("there is one, and nobody else takes it")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;

    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::aside;

    #[tokio::test]
    async fn is_polled_when_it_was_woken_and_not_before() {
        let (polls, signal) = (Cell::new(0), Notify::new());
        let mut waited = Box::pin(signal.notified());
        let once = aside(poll_fn(|context| {
            polls.set(polls.get() + 1);
            waited.as_mut().poll(context)
        }));
        let often = async {
            for _ in 0..10 {
                yield_now().await;
            }
            assert_eq!(polls.get(), 1);
            signal.notify_one();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = once => {}
            () = often => {}
        }
        assert_eq!(polls.get(), 2);
    }
}
