//! How much work waits and how fast work goes, as the database shows it: what `demand` decides on. The same for every
//! process that shares the database.

use crate::domain::EndpointName;

/// Unfinished work that may still be in time, and the pace of work.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    /// Jobs whose deadlines are close to one another as one; what somebody works on, each alone. In no order.
    pub due: Vec<Due>,
    /// What was measured lately.
    pub paces: Vec<Pace>,
}

/// Jobs that are due at about the same time.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// Whose work it is.
    pub endpoint: EndpointName,
    /// The time until the first of their deadlines that can still be met, in steps: never more than there is.
    pub left_seconds: f64,
    /// How many.
    pub jobs: u64,
    /// How long their audio plays, in all.
    pub audio_seconds: f64,
    /// For how long they are worked on already.
    pub done_seconds: f64,
}

/// What the last results of an endpoint took.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// Whose.
    pub endpoint: EndpointName,
    /// How long their audio plays, in all.
    pub audio_seconds: f64,
    /// How long work on it took, in all.
    pub work_seconds: f64,
}
