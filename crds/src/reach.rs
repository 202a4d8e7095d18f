//! Whether a pod reaches what recordings are kept in: told by the service on its admin address, and shown by the operator as
//! the condition StorageReachable. Pure.

use serde::{Deserialize, Serialize};

/// The path of the admin address that tells it.
pub const PATH: &str = "/storage";

/// What a pod found when it looked last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Whether it has looked yet.
    pub looked: bool,
    /// Why the database with the jobs was not reached, if it was not. In words that name no host, user or key.
    pub database: Option<String>,
    /// The same of the bucket with the audio.
    pub audio: Option<String>,
}
