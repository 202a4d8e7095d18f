//! What was applied, and whether it still stands: the reason that nothing is written when nothing has changed.
//!
//! A child stands when what is wanted now was applied last, and no watch has seen a later version of it since. Apply writes
//! here what it did, the watches what they saw. Nothing here is needed for correctness: a child that is unknown is applied.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kind::Kind;

/// The fingerprint of a desired child.
pub type Hash = [u8; 32];

/// One child in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// An add-on: namespace and name.
pub type Addon = (String, String);

/// The children that an add-on was last pruned down to.
pub type Kept = BTreeSet<(Kind, String)>;

#[derive(Debug)]
struct Entry {
    addon: String,
    seen: u64,
    applied: Option<(Hash, u64)>,
}

#[derive(Debug, Default)]
struct State {
    children: HashMap<Key, Entry>,
    pruned: HashMap<Addon, Kept>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether exactly this was applied and nobody has touched it since.
    pub fn stands(&self, key: &Key, hash: &Hash) -> bool {
        self.state().children.get(key).is_some_and(
            |entry| matches!(entry.applied, Some((applied, version)) if applied == *hash && version >= entry.seen),
        )
    }

    /// Whether exactly this was applied last, whoever has touched it since.
    pub fn was_applied(&self, key: &Key, hash: &Hash) -> bool {
        let state = self.state();
        let applied = state.children.get(key).and_then(|entry| entry.applied);
        applied.is_some_and(|(applied, _)| applied == *hash)
    }

    /// A child of the add-on is about to be applied. What the watches see from now on counts.
    pub fn begin(&self, key: Key, addon: &str) {
        let entry = Entry {
            addon: addon.to_owned(),
            seen: 0,
            applied: None,
        };
        self.state()
            .children
            .entry(key)
            .and_modify(|entry| entry.applied = None)
            .or_insert(entry);
    }

    /// The child was applied. If a watch has seen it go in the meantime, it stays unknown.
    pub fn applied(&self, key: &Key, hash: Hash, resource_version: Option<&str>) {
        if let Some(entry) = self.state().children.get_mut(key) {
            entry.applied = number(resource_version).map(|version| (hash, version));
        }
    }

    /// We have changed what we did not apply there: the version is another one, and what was applied still stands if it did.
    pub fn moved(&self, key: &Key, resource_version: Option<&str>) {
        if let Some(entry) = self.state().children.get_mut(key)
            && let (Some((hash, version)), Some(moved)) = (entry.applied, number(resource_version))
            && version >= entry.seen
        {
            entry.applied = Some((hash, moved));
        }
    }

    /// A watch, or a get, has seen this version of the child.
    pub fn saw(&self, key: &Key, resource_version: Option<&str>) {
        if let Some(entry) = self.state().children.get_mut(key) {
            // A version that cannot be compared counts as later than anything.
            entry.seen = entry.seen.max(number(resource_version).unwrap_or(u64::MAX));
        }
    }

    /// A watch, or a get, has seen that the child is gone.
    pub fn gone(&self, key: &Key) {
        self.state().children.remove(key);
    }

    /// A watch has listed all that is there. Returns the add-ons of those children that are not: their deletion was missed.
    pub fn relisted(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        listed: &BTreeSet<(String, String)>,
    ) -> BTreeSet<Addon> {
        let mut bereft = BTreeSet::new();
        self.state().children.retain(|key, entry| {
            let concerned = key.kind == kind && namespace.is_none_or(|namespace| namespace == key.namespace);
            let missing = concerned && !listed.contains(&(key.namespace.clone(), key.name.clone()));
            if missing {
                bereft.insert((key.namespace.clone(), entry.addon.clone()));
            }
            !missing
        });
        bereft
    }

    /// Whether the add-on was pruned down to exactly these children.
    pub fn is_pruned(&self, addon: &Addon, kept: &Kept) -> bool {
        self.state().pruned.get(addon) == Some(kept)
    }

    /// The add-on was pruned down to these children.
    pub fn pruned(&self, addon: Addon, kept: Kept) {
        self.state().pruned.insert(addon, kept);
    }

    /// The add-on is gone.
    pub fn forget(&self, (namespace, name): &Addon) {
        let mut state = self.state();
        state
            .children
            .retain(|key, entry| !(key.namespace == *namespace && entry.addon == *name));
        state.pruned.remove(&(namespace.clone(), name.clone()));
    }
}

/// Versions of one kind are numbers that grow: stated by Kubernetes since 1.35, true since etcd.
fn number(resource_version: Option<&str>) -> Option<u64> {
    resource_version?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Hash = [1; 32];
    const OTHER: Hash = [2; 32];

    fn key() -> Key {
        Key {
            kind: Kind::Service,
            namespace: "shop".to_owned(),
            name: "acme-front".to_owned(),
        }
    }

    fn remembering(version: &str) -> Memory {
        let memory = Memory::default();
        memory.begin(key(), "acme");
        memory.applied(&key(), WANTED, Some(version));
        memory
    }

    #[test]
    fn stands_until_something_else_is_wanted_or_seen() {
        let memory = remembering("10");
        assert!(memory.stands(&key(), &WANTED));
        assert!(!memory.stands(&key(), &OTHER));
        memory.saw(&key(), Some("9"));
        memory.saw(&key(), Some("10"));
        assert!(
            memory.stands(&key(), &WANTED),
            "our own write comes back through the watch"
        );
        memory.saw(&key(), Some("11"));
        assert!(!memory.stands(&key(), &WANTED));
    }

    #[test]
    fn a_change_seen_before_our_answer_came_is_not_overlooked() {
        let memory = Memory::default();
        memory.begin(key(), "acme");
        memory.saw(&key(), Some("11"));
        memory.applied(&key(), WANTED, Some("10"));
        assert!(!memory.stands(&key(), &WANTED));
    }

    #[test]
    fn a_deletion_seen_before_our_answer_came_is_not_overlooked() {
        let memory = Memory::default();
        memory.begin(key(), "acme");
        memory.gone(&key());
        memory.applied(&key(), WANTED, Some("10"));
        assert!(!memory.stands(&key(), &WANTED));
    }

    #[test]
    fn a_deletion_that_the_watch_missed_is_found_by_the_next_list() {
        let memory = remembering("10");
        let listed = BTreeSet::from([("shop".to_owned(), "acme-front".to_owned())]);
        assert_eq!(memory.relisted(Kind::Service, None, &listed), BTreeSet::new());
        assert_eq!(
            memory.relisted(Kind::Service, Some("elsewhere"), &BTreeSet::new()),
            BTreeSet::new()
        );
        assert!(memory.stands(&key(), &WANTED));
        let bereft = memory.relisted(Kind::Service, None, &BTreeSet::new());
        assert_eq!(bereft, BTreeSet::from([("shop".to_owned(), "acme".to_owned())]));
        assert!(!memory.stands(&key(), &WANTED));
    }

    #[test]
    fn versions_that_are_no_numbers_never_stand() {
        assert!(!remembering("opaque").stands(&key(), &WANTED));
    }

    #[test]
    fn a_deleted_addon_leaves_nothing_behind() {
        let memory = remembering("10");
        let addon = ("shop".to_owned(), "acme".to_owned());
        memory.pruned(addon.clone(), Kept::new());
        memory.forget(&addon);
        let state = memory.state();
        assert!(state.children.is_empty() && state.pruned.is_empty());
    }
}
