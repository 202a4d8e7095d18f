//! Whose turn it is to roll its pods because of the operator: after an upgrade of it, a new image of the service or a new
//! rendering would replace the pods of every add-on at once. At most so many do at a time, and one that does not come to
//! its end keeps its turn: a bad release stops after a few. What a person changes in an add-on waits for nobody.
//!
//! Called by apply, before it writes a Deployment, and by the pass, which reports it. Who rolled when the operator was
//! restarted is read from the conditions.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use marketplace_crds::MarketplaceAddonStatus;
use marketplace_crds::status::ConditionType;

use crate::memory::Addon;

/// Where an add-on stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Its pods are being replaced.
    Rolling,
    /// Too many others roll.
    Waiting,
}

impl Turn {
    /// The reason of the condition `Upgrading`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Rolling => "Rolling",
            Self::Waiting => "WaitingForTurn",
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Turns {
    limit: usize,
    taken: Mutex<BTreeMap<Addon, Turn>>,
}

impl Turns {
    /// So many at a time; 0: no limit.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            taken: Mutex::default(),
        }
    }

    /// Whether anybody may have to wait.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.limit > 0
    }

    /// How many may roll at a time.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// An add-on that an operator before this one has left rolling still does.
    pub fn recall(&self, addon: Addon, status: Option<&MarketplaceAddonStatus>) {
        let said = status.and_then(|status| status.condition(ConditionType::Upgrading));
        if said.is_some_and(|said| said.reason == Turn::Rolling.reason()) {
            self.taken().entry(addon).or_insert(Turn::Rolling);
        }
    }

    /// The add-on would roll: it may, or is written down as waiting.
    pub fn take(&self, addon: &Addon) -> bool {
        let mut taken = self.taken();
        let others = taken
            .iter()
            .filter(|(other, turn)| *other != addon && **turn == Turn::Rolling)
            .count();
        let may = !self.is_limited() || others < self.limit;
        taken.insert(addon.clone(), if may { Turn::Rolling } else { Turn::Waiting });
        may
    }

    /// The add-on does not roll, or no longer.
    pub fn done(&self, addon: &Addon) {
        self.taken().remove(addon);
    }

    /// Where the add-on stands.
    #[must_use]
    pub fn of(&self, addon: &Addon) -> Option<Turn> {
        self.taken().get(addon).copied()
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<Addon, Turn>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn addon(name: &str) -> Addon {
        ("shop".to_owned(), name.to_owned())
    }

    #[test]
    fn the_next_rolls_when_one_is_done() {
        let turns = Turns::new(2);
        assert!(turns.take(&addon("a")) && turns.take(&addon("b")));
        assert!(!turns.take(&addon("c")));
        assert_eq!(turns.of(&addon("c")), Some(Turn::Waiting));
        assert!(turns.take(&addon("a")), "it has its turn already");
        turns.done(&addon("b"));
        assert!(turns.take(&addon("c")));
        assert_eq!(turns.of(&addon("c")), Some(Turn::Rolling));
        assert_eq!(turns.of(&addon("b")), None);
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let turns = Turns::new(0);
        assert!(["a", "b", "c", "d"].iter().all(|name| turns.take(&addon(name))));
    }

    #[test]
    fn who_rolled_before_a_restart_keeps_its_turn_and_who_waited_has_none() {
        let turns = Turns::new(1);
        for (name, reason) in [("waits", "WaitingForTurn"), ("rolls", "Rolling")] {
            let condition = json!({"type": "Upgrading", "status": "True", "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
            let status = serde_json::from_value(json!({"conditions": [condition]})).ok();
            turns.recall(addon(name), status.as_ref());
        }
        assert!(!turns.take(&addon("other")));
        turns.done(&addon("rolls"));
        assert!(turns.take(&addon("other")));
    }
}
