//! Decides which connection ends when there are more than are held. Called by `connection` for each that is accepted and
//! for each request on it.
//!
//! A connection that waits for the head of a request costs little, but ten thousand cost much. So when all seats are taken,
//! a newcomer gets the seat of the one that has waited longest, and of those that never made a request first: a proxy in
//! front keeps its idle connections longer than a stranger who trickles. A request that has begun is never cut off.
//!
//! A seat costs a request two atomic writes. Who has waited longest is looked for only when somebody needs a seat.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// One in so many seats is taken back at a time, so that a flood of newcomers does not look through all of them each time.
const SHARE_TAKEN_BACK: usize = 256;

/// What a seat says of itself: that a request is under way, that it is lost, or since when its connection waits. Ticks are
/// smaller for those that give it up sooner.
const REQUESTING: u64 = 0;
const LOST: u64 = u64::MAX;
/// Added to the ticks of who has made a genuine request.
const GENUINE: u64 = 1 << 62;

/// All seats of a process.
#[derive(Debug)]
pub struct Seats {
    limit: usize,
    taken: Mutex<HashMap<u64, Arc<Chair>>>,
    /// Later is larger; no clock needed.
    ticks: AtomicU64,
    /// How many newcomers have none.
    standing: AtomicUsize,
    freed: Notify,
}

#[derive(Debug)]
struct Chair {
    state: AtomicU64,
    lost: CancellationToken,
}

/// The seat of one connection, free again when dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    number: u64,
    chair: Arc<Chair>,
}

impl Seats {
    /// This many seats.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: Mutex::default(),
            ticks: AtomicU64::new(REQUESTING),
            standing: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// A seat for a connection that was accepted; waits only while every seat has a request under way.
    pub async fn take(self: &Arc<Self>) -> Seat {
        if let Some(seat) = self.try_take() {
            return seat;
        }
        let _standing = Standing::begin(&self.standing);
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
        if taken.len() >= self.limit {
            take_back(&mut taken, (self.limit / SHARE_TAKEN_BACK).max(1));
        }
        if taken.len() >= self.limit {
            return None;
        }
        let number = self.tick();
        let chair = Arc::new(Chair {
            state: AtomicU64::new(number),
            lost: CancellationToken::new(),
        });
        taken.insert(number, Arc::clone(&chair));
        Some(Seat {
            seats: Arc::clone(self),
            number,
            chair,
        })
    }

    /// How many seats are taken.
    #[must_use]
    pub fn used(&self) -> usize {
        self.taken().len()
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Somebody who stands may look again.
    fn tell_of_change(&self) {
        if self.standing.load(Ordering::SeqCst) > 0 {
            self.freed.notify_one();
        }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u64, Arc<Chair>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the seats of those that have waited longest. One whose request begins at this moment keeps its own.
fn take_back(taken: &mut HashMap<u64, Arc<Chair>>, count: usize) {
    let states = taken
        .iter()
        .map(|(number, chair)| (chair.state.load(Ordering::SeqCst), *number));
    let mut waiting: Vec<_> = states.filter(|(state, _)| *state != REQUESTING).collect();
    if waiting.len() > count {
        waiting.select_nth_unstable(count);
        waiting.truncate(count);
    }
    for (state, number) in waiting {
        let chair = &taken[&number];
        let exchanged = chair
            .state
            .compare_exchange(state, LOST, Ordering::SeqCst, Ordering::SeqCst);
        if exchanged.is_ok() {
            chair.lost.cancel();
            taken.remove(&number);
        }
    }
}

impl Seat {
    /// Resolves when the seat is another's.
    pub async fn lost(&self) {
        self.chair.lost.cancelled().await;
    }

    /// A head has come: the request keeps its seat to its end.
    pub fn begin(&self) {
        self.change(REQUESTING);
    }

    /// The request is answered, and the connection waits for the next; `genuine` unless it was a stranger's.
    pub fn end(&self, genuine: bool) {
        let since = self.seats.tick() | if genuine { GENUINE } else { 0 };
        self.change(since);
        // Who waits may be sent away, so that one who is waiting for a seat may have it.
        self.seats.tell_of_change();
    }

    /// What is lost stays lost.
    fn change(&self, to: u64) {
        let changed = |state| (state != LOST).then_some(to);
        // An error says that it is lost.
        let _ = self
            .chair
            .state
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, changed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().remove(&self.number);
        self.seats.tell_of_change();
    }
}

/// A newcomer without a seat, until dropped.
struct Standing<'a>(&'a AtomicUsize);

impl<'a> Standing<'a> {
    fn begin(standing: &'a AtomicUsize) -> Self {
        standing.fetch_add(1, Ordering::SeqCst);
        Self(standing)
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::{Seat, Seats};

    fn lost(seats: &[&Seat]) -> Vec<bool> {
        seats.iter().map(|seat| seat.chair.lost.is_cancelled()).collect()
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
