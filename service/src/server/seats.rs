//! Decides which connection ends when there are more than are held. Called by `connection` for each that is accepted and
//! for each request on it.
//!
//! A connection that waits for the head of a request costs little, but ten thousand cost much. So when all seats are taken,
//! a newcomer gets the seat of the one that has waited longest, and of those that never made a request first: a proxy in
//! front keeps its idle connections longer than a stranger who trickles. A request that has begun is never cut off.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use std::collections::HashMap;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// All seats of a process.
#[derive(Debug)]
pub struct Seats {
    limit: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    all: HashMap<u64, CancellationToken>,
    /// Who waits for a head: whether it has made a request before, since when, and who.
    waiting: BTreeSet<(bool, u64, u64)>,
}

/// The seat of one connection, free again when dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    number: u64,
    lost: CancellationToken,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Waiting { served: bool, since: u64 },
    Requesting,
}

impl Seats {
    /// This many seats.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// A seat for a connection that was accepted; waits only while every seat has a request under way.
    pub async fn take(self: &Arc<Self>) -> Seat {
        loop {
            let freed = self.freed.notified();
            if let Some(seat) = self.try_take() {
                return seat;
            }
            freed.await;
        }
    }

    fn try_take(self: &Arc<Self>) -> Option<Seat> {
        let mut taken = self.taken();
        if taken.all.len() >= self.limit {
            let (_, _, longest) = taken.waiting.pop_first()?;
            if let Some(lost) = taken.all.remove(&longest) {
                lost.cancel();
            }
        }
        let (number, lost) = (taken.tick(), CancellationToken::new());
        taken.all.insert(number, lost.clone());
        taken.waiting.insert((false, number, number));
        Some(Seat {
            seats: Arc::clone(self),
            number,
            lost,
            state: Mutex::new(State::Waiting {
                served: false,
                since: number,
            }),
        })
    }

    /// How many seats are taken.
    #[must_use]
    pub fn used(&self) -> usize {
        self.taken().all.len()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Later is larger; no clock needed.
    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Seat {
    /// Resolves when the seat is another's.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// A head has come: the request keeps its seat to its end.
    pub fn begin(&self) {
        let mut taken = self.seats.taken();
        let mut state = self.state();
        if let State::Waiting { served, since } = *state {
            taken.waiting.remove(&(served, since, self.number));
        }
        *state = State::Requesting;
    }

    /// The request is answered, and the connection waits for the next; `genuine` unless it was a stranger's.
    pub fn end(&self, genuine: bool) {
        let mut taken = self.seats.taken();
        if !taken.all.contains_key(&self.number) {
            return;
        }
        let since = taken.tick();
        taken.waiting.insert((genuine, since, self.number));
        *self.state() = State::Waiting { served: genuine, since };
        drop(taken);
        // Who waits may be sent away, so that one who is waiting for a seat may have it.
        self.seats.freed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all.remove(&self.number);
        if let State::Waiting { served, since } = *self.state() {
            taken.waiting.remove(&(served, since, self.number));
        }
        drop(taken);
        self.seats.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::{Seat, Seats};

    fn lost(seats: &[&Seat]) -> Vec<bool> {
        seats.iter().map(|seat| seat.lost.is_cancelled()).collect()
    }

    #[tokio::test]
    async fn the_one_that_waited_longest_gives_its_seat_up() {
        let seats = Seats::new(3);
        let (first, second, third) = (seats.take().await, seats.take().await, seats.take().await);
        first.begin();
        first.end(false);
        let _fourth = seats.take().await;
        assert_eq!(lost(&[&first, &second, &third]), [false, true, false]);
        assert_eq!(seats.used(), 3);
    }

    #[tokio::test]
    async fn who_made_genuine_requests_is_sent_away_after_all_others() {
        let seats = Seats::new(2);
        let (proxy, stranger) = (seats.take().await, seats.take().await);
        proxy.begin();
        proxy.end(true);
        let _newcomer = seats.take().await;
        assert_eq!(lost(&[&proxy, &stranger]), [false, true]);
    }

    #[tokio::test]
    async fn a_request_keeps_its_seat_and_a_newcomer_waits_for_its_end() {
        let seats = Seats::new(1);
        let busy = seats.take().await;
        busy.begin();
        let mut newcomer = Box::pin(seats.take());
        assert!((&mut newcomer).now_or_never().is_none(), "there is no seat");
        busy.end(true);
        let newcomer = newcomer.await;
        assert_eq!(lost(&[&busy, &newcomer]), [true, false]);
        drop(busy);
        assert_eq!(seats.used(), 1, "the seat that was lost is not freed again");
        drop(newcomer);
        assert_eq!(seats.used(), 0);
    }
}
