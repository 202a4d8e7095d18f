//! Decides who may have a request read and answered when there are more than fit. Called by `server` before a body is read.
//!
//! A place costs memory, and whoever knows the shape of a signature may hold one by sending slowly. So when all are taken, a
//! newcomer gets the place of the slowest sender, if that one is slow by any measure; who sends at the speed of a network is
//! never sent away for another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Nobody is slow in the first second: a handshake, a proxy or a busy machine may take it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who sends less than this in a second is slow: a tenth of what the slowest of uplinks carries.
const SLOW_BYTES_PER_SECOND: u64 = 16 * 1024;

/// All places of a process.
#[derive(Debug)]
pub struct Room {
    limit: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// Requests that are being answered; they end by themselves.
    answering: usize,
    /// Requests whose body is read.
    reading: Vec<Arc<Reading>>,
}

#[derive(Debug)]
struct Reading {
    since: Instant,
    bytes: AtomicU64,
    displaced: CancellationToken,
}

/// One place, free again when dropped.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    /// What of the request is still to come; none when it has no body.
    reading: Option<Arc<Reading>>,
}

impl Room {
    /// A room with this many places.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: Mutex::default(),
        })
    }

    /// A place, if need be that of the slowest sender; none when all who are here are quick.
    #[must_use]
    pub fn enter(self: &Arc<Self>, has_body: bool) -> Option<Place> {
        let mut taken = self.taken();
        if taken.answering + taken.reading.len() >= self.limit {
            let slowest = taken.slowest(Instant::now())?;
            taken.reading.swap_remove(slowest).displaced.cancel();
        }
        if !has_body {
            taken.answering += 1;
            return Some(Place {
                room: Arc::clone(self),
                reading: None,
            });
        }
        let reading = Arc::new(Reading {
            since: Instant::now(),
            bytes: AtomicU64::new(0),
            displaced: CancellationToken::new(),
        });
        taken.reading.push(Arc::clone(&reading));
        Some(Place {
            room: Arc::clone(self),
            reading: Some(reading),
        })
    }

    /// How many places are taken.
    #[must_use]
    pub fn used(&self) -> usize {
        let taken = self.taken();
        taken.answering + taken.reading.len()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn slowest(&self, now: Instant) -> Option<usize> {
        let speeds = self.reading.iter().enumerate().filter_map(|(place, reading)| {
            let speed = slowness(now.duration_since(reading.since), reading.bytes.load(Ordering::Relaxed))?;
            Some((speed, place))
        });
        speeds.min().map(|(_, place)| place)
    }

    fn find(&self, reading: &Arc<Reading>) -> Option<usize> {
        self.reading.iter().position(|other| Arc::ptr_eq(other, reading))
    }
}

/// The bytes per second of a sender that is slow.
fn slowness(elapsed: Duration, bytes: u64) -> Option<u64> {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let speed = bytes.saturating_mul(1000) / milliseconds.max(1);
    (elapsed >= PATIENCE && speed < SLOW_BYTES_PER_SECOND).then_some(speed)
}

impl Place {
    /// Notes that this much more has come.
    pub fn received(&self, bytes: usize) {
        if let Some(reading) = &self.reading {
            reading.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Resolves when the place is another's.
    pub async fn displaced(&self) {
        match &self.reading {
            Some(reading) => reading.displaced.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// The body has come: from now on nobody takes the place. False when somebody has.
    #[must_use]
    pub fn keep(&self) -> bool {
        let Some(reading) = &self.reading else {
            return true;
        };
        let mut taken = self.room.taken();
        let Some(found) = taken.find(reading) else {
            return false;
        };
        taken.reading.swap_remove(found);
        taken.answering += 1;
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        match &self.reading {
            None => taken.answering -= 1,
            Some(reading) => match taken.find(reading) {
                Some(found) => drop(taken.reading.swap_remove(found)),
                None if reading.displaced.is_cancelled() => {}
                None => taken.answering -= 1,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Place, Room, slowness};

    /// As if it had begun this long ago.
    fn age(place: &mut Place, seconds: u64, bytes: usize) {
        let mut taken = place.room.taken();
        let reading = place.reading.clone().expect("it has a body");
        let found = taken.find(&reading).expect("it is being read");
        let began = reading.since.checked_sub(Duration::from_secs(seconds));
        let aged = super::Reading {
            since: began.expect("the machine has been up for longer"),
            bytes: super::AtomicU64::new(bytes as u64),
            displaced: reading.displaced.clone(),
        };
        taken.reading[found] = super::Arc::new(aged);
        let aged = super::Arc::clone(&taken.reading[found]);
        drop(taken);
        place.reading = Some(aged);
    }

    #[test]
    fn only_who_sends_little_for_long_is_slow() {
        for (seconds, bytes, slow) in [
            (0.5, 0, None),
            (1.0, 0, Some(0)),
            (10.0, 10_000, Some(1000)),
            (10.0, 1_000_000, None),
            (10_000.0, 1_000_000, Some(100)),
        ] {
            assert_eq!(
                slowness(Duration::from_secs_f64(seconds), bytes),
                slow,
                "{bytes} in {seconds} s"
            );
        }
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_slowest_and_of_no_other() {
        let room = Room::new(3);
        let mut places: Vec<_> = (0..3).map(|_| room.enter(true).expect("there is room")).collect();
        assert!(room.enter(true).is_none(), "all have just begun");
        age(&mut places[0], 10, 50_000);
        age(&mut places[1], 10, 100);
        age(&mut places[2], 10, 50_000_000);
        let newcomer = room.enter(true).expect("the second is slow");
        let displaced: Vec<_> = places
            .iter()
            .map(|place| {
                place
                    .reading
                    .as_ref()
                    .is_some_and(|reading| reading.displaced.is_cancelled())
            })
            .collect();
        assert_eq!(displaced, [false, true, false]);
        assert!(!places[1].keep(), "its place is gone");
        assert_eq!(room.used(), 3);
        drop(newcomer);
        drop(places);
        assert_eq!(room.used(), 0);
    }

    #[test]
    fn who_is_being_answered_is_never_sent_away() {
        let room = Room::new(1);
        let mut place = room.enter(true).expect("there is room");
        age(&mut place, 100, 0);
        assert!(place.keep());
        assert!(room.enter(true).is_none());
        drop(place);
        assert!(room.enter(true).is_some());
    }

    #[test]
    fn a_request_without_a_body_is_answered_at_once() {
        let room = Room::new(1);
        let place = room.enter(false).expect("there is room");
        assert!(room.enter(true).is_none() && place.keep());
        assert_eq!(room.used(), 1);
        drop(place);
        assert_eq!(room.used(), 0);
    }
}
