//! How long to wait after failures, one after the other. Called for each add-on by the controller, and by each watch for
//! itself: nobody waits for another's failures.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Doubles from `first` with every failure in a row, up to `most`.
#[must_use]
pub fn delay(failures: u32, first: Duration, most: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings).min(most)
}

/// The failures in a row of each object.
#[derive(Debug)]
pub struct Failures<K>(Mutex<HashMap<K, u32>>);

impl<K> Default for Failures<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Failures<K> {
    /// Counts one more, and says how many in a row that makes.
    pub fn add(&self, object: K) -> u32 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(object).or_insert(0);
        *count = count.saturating_add(1);
        *count
    }

    /// The object succeeded, or is gone.
    pub fn reset(&self, object: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_most() {
        let seconds = |failures| delay(failures, Duration::from_secs(1), Duration::from_mins(5)).as_secs();
        assert_eq!([1, 2, 3, 9, 10, 1000].map(seconds), [1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn each_object_starts_anew_after_a_success() {
        let failures = Failures::default();
        assert_eq!(
            [failures.add("acme"), failures.add("acme"), failures.add("other")],
            [1, 2, 1]
        );
        failures.reset(&"acme");
        assert_eq!([failures.add("acme"), failures.add("other")], [1, 2]);
    }
}
