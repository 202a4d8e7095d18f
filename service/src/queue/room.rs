//! How many jobs may be unfinished and in work at one time, in all and for one installation of the add-on: one customer
//! must not fill the queue. Made by `limits`, held by every queue.
//!
//! What holds: whoever enqueues counts after its own row is in, so that the bounds are passed by no more jobs than are
//! enqueued at the same moment. `install_running` is exact: those who claim under it do so one after the other, and a lease
//! that has ended counts no more. The installation is what `X-Twilio-AddOnInstallSid` of a genuine request says; that
//! header is not signed, and jobs without it are one installation.

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Jobs that wait or are worked on. Held ones take no room.
    pub unfinished: u64,
    /// Of these, jobs of one installation.
    pub install_unfinished: u64,
    /// Jobs of one installation that are worked on at one time; any number when there is none.
    pub install_running: Option<u64>,
}

impl Room {
    /// As much as there is disk.
    pub const UNBOUNDED: Self = Self {
        unfinished: u64::MAX,
        install_unfinished: u64::MAX,
        install_running: None,
    };
}
