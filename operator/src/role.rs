//! The two kinds of pods of an add-on: those that take requests, and, where jobs are shared, those that work on them.

use crate::render::{labels, names};

/// What a pod is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Takes requests; where there are no workers, does their work too.
    Front,
    /// Works on recordings.
    Workers,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Front, Self::Workers];

    /// The label of its pods.
    #[must_use]
    pub fn component(self) -> &'static str {
        match self {
            Self::Front => labels::FRONT,
            Self::Workers => labels::WORKERS,
        }
    }

    /// The name of its Deployment, and of whatever is made for that Deployment alone.
    #[must_use]
    pub fn child(self, addon: &str) -> String {
        match self {
            Self::Front => names::front(addon),
            Self::Workers => names::workers(addon),
        }
    }
}
