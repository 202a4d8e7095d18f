//! Where a job is for whoever looks at it: its state, or what somebody has decided about it. Shown by the gauges and by
//! `jobs`; what the service itself goes by is the state.

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Its audio is still to be fetched.
    Fetching,
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// The result is stored and on its way.
    Delivering,
    /// Unfinished, and nothing is done with it until somebody replays or discards it.
    Held,
    /// The receiver has the result.
    Confirmed,
    /// The receiver does not want it.
    Rejected,
    /// The receiver could not be told in time.
    Expired,
    /// Ended by somebody, without a callback.
    Discarded,
}

impl Standing {
    /// What gauges show, also when it is none. Confirmed jobs are only as many as retention keeps, and costly to count.
    pub const GAUGED: [Self; 7] = [
        Self::Fetching,
        Self::Queued,
        Self::Running,
        Self::Delivering,
        Self::Held,
        Self::Rejected,
        Self::Expired,
    ];

    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Fetching,
        Self::Queued,
        Self::Running,
        Self::Delivering,
        Self::Held,
        Self::Confirmed,
        Self::Rejected,
        Self::Expired,
        Self::Discarded,
    ];

    /// The word for it, in the database and as a metric label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fetching => "fetching",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Delivering => "delivering",
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Discarded => "discarded",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.label() == text)
    }
}
