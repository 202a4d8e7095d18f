//! What a change of a job by hand does, or why it is not made. Pure, so that every database decides alike and a table says
//! all of it.

use crate::queue::{JobState, Standing};

/// What somebody wants done with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Deliver the stored result again; a held job goes on where it was.
    Replay,
    /// Work on the audio again, and deliver what comes of it.
    Rework,
    /// End it without a callback.
    Discard {
        /// Also while somebody works on it: what they bring is refused.
        force: bool,
    },
    /// Delete it, with what belongs to it.
    Purge {
        /// Also when it has not ended: its add-on is gone.
        unfinished: bool,
    },
}

impl Action {
    /// The word of the audit.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Rework => "rework",
            Self::Discard { .. } => "discard",
            Self::Purge { .. } => "purge",
        }
    }
}

/// What is known of the job.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of a row, asked for by its name"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::queue) struct Situation {
    pub(in crate::queue) standing: Standing,
    /// Where it is under a hold.
    pub(in crate::queue) state: JobState,
    pub(in crate::queue) is_leased: bool,
    pub(in crate::queue) has_audio: bool,
    pub(in crate::queue) has_result: bool,
    pub(in crate::queue) has_callback: bool,
}

/// What is done to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::queue) enum Change {
    /// The result is due now.
    Deliver,
    /// The work is due now, as if it had never been tried.
    Work,
    /// Ended.
    Discard,
    /// Gone.
    Delete,
}

/// Why a change is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refuse {
    /// Changing it would work against somebody alive.
    #[error("somebody works on it or sends it at this moment")]
    InHand,
    /// Nothing is to be done that is not about to be.
    #[error("it waits for a worker already")]
    Waits,
    /// It was never worked on to the end.
    #[error("it has no result; its audio is there, so that --work works on it again")]
    FindResult,
    /// Nothing is left of it to send.
    #[error("it has no result, and its audio is gone")]
    FindResultOrAudio,
    /// Nothing is left of it to work on.
    #[error("its audio is gone")]
    FindAudio,
    /// Retention is over.
    #[error("its callback and its result are forgotten")]
    FindCallback,
    /// Nothing is left to end.
    #[error("it has ended already")]
    Ended,
    /// Somebody is owed its result.
    #[error("it has not ended; discard it first")]
    Unfinished,
}

/// Decides.
pub(in crate::queue) fn decide(action: Action, job: Situation) -> Result<Change, Refuse> {
    match action {
        Action::Replay => replay(job),
        Action::Rework => rework(job),
        Action::Discard { force } => discard(job, force),
        Action::Purge { unfinished } => purge(job, unfinished),
    }
}

fn replay(job: Situation) -> Result<Change, Refuse> {
    match (job.standing, job.state) {
        (Standing::Held, JobState::Fetching | JobState::Queued) => Ok(Change::Work),
        _ if job.is_leased => Err(Refuse::InHand),
        (Standing::Fetching | Standing::Queued | Standing::Running, _) => Err(Refuse::Waits),
        _ if !job.has_callback => Err(Refuse::FindCallback),
        _ if job.has_result => Ok(Change::Deliver),
        _ if job.has_audio => Err(Refuse::FindResult),
        _ => Err(Refuse::FindResultOrAudio),
    }
}

fn rework(job: Situation) -> Result<Change, Refuse> {
    match (job.standing, job.state) {
        (Standing::Held, JobState::Fetching | JobState::Queued) => Ok(Change::Work),
        _ if job.is_leased => Err(Refuse::InHand),
        (Standing::Fetching | Standing::Queued | Standing::Running, _) => Err(Refuse::Waits),
        _ if !job.has_callback => Err(Refuse::FindCallback),
        _ if job.has_audio => Ok(Change::Work),
        _ => Err(Refuse::FindAudio),
    }
}

fn discard(job: Situation, force: bool) -> Result<Change, Refuse> {
    if is_ended(job.standing) {
        Err(Refuse::Ended)
    } else if job.is_leased && !force {
        Err(Refuse::InHand)
    } else {
        Ok(Change::Discard)
    }
}

fn purge(job: Situation, unfinished: bool) -> Result<Change, Refuse> {
    if job.is_leased {
        Err(Refuse::InHand)
    } else if is_ended(job.standing) || unfinished {
        Ok(Change::Delete)
    } else {
        Err(Refuse::Unfinished)
    }
}

const fn is_ended(standing: Standing) -> bool {
    match standing {
        Standing::Fetching | Standing::Queued | Standing::Running | Standing::Delivering | Standing::Held => false,
        Standing::Confirmed | Standing::Rejected | Standing::Expired | Standing::Discarded => true,
    }
}

#[cfg(test)]
mod tests {
    use super::Action::{Discard, Purge, Replay, Rework};
    use super::*;

    /// Audio, result and callback are there, and nobody has it.
    fn job(standing: Standing, state: JobState) -> Situation {
        Situation {
            standing,
            state,
            is_leased: false,
            has_audio: true,
            has_result: true,
            has_callback: true,
        }
    }

    #[test]
    fn says_what_each_change_does_and_which_are_not_made() {
        let waiting = job(Standing::Queued, JobState::Queued);
        let running = Situation {
            is_leased: true,
            ..job(Standing::Running, JobState::Running)
        };
        let delivering = job(Standing::Delivering, JobState::Delivering);
        let sent = Situation {
            is_leased: true,
            ..delivering
        };
        let held = job(Standing::Held, JobState::Queued);
        let fetching = Situation {
            has_audio: false,
            ..job(Standing::Fetching, JobState::Queued)
        };
        let awaited = Situation {
            has_audio: false,
            ..held
        };
        let held_result = job(Standing::Held, JobState::Delivering);
        let rejected = job(Standing::Rejected, JobState::Rejected);
        let discarded = job(Standing::Discarded, JobState::Expired);
        let heard = Situation {
            has_audio: false,
            ..job(Standing::Confirmed, JobState::Confirmed)
        };
        let unworked = Situation {
            has_result: false,
            ..discarded
        };
        let empty = Situation {
            has_audio: false,
            ..unworked
        };
        let forgotten = Situation {
            has_callback: false,
            ..empty
        };
        let (gentle, forced) = (Discard { force: false }, Discard { force: true });
        let (ended, all) = (Purge { unfinished: false }, Purge { unfinished: true });
        for (action, situation, expected) in [
            (Replay, waiting, Err(Refuse::Waits)),
            (Replay, running, Err(Refuse::InHand)),
            (Replay, delivering, Ok(Change::Deliver)),
            (Replay, sent, Err(Refuse::InHand)),
            (Replay, held, Ok(Change::Work)),
            (Replay, held_result, Ok(Change::Deliver)),
            (Replay, rejected, Ok(Change::Deliver)),
            (Replay, discarded, Ok(Change::Deliver)),
            (Replay, heard, Ok(Change::Deliver)),
            (Replay, unworked, Err(Refuse::FindResult)),
            (Replay, empty, Err(Refuse::FindResultOrAudio)),
            (Replay, forgotten, Err(Refuse::FindCallback)),
            (Rework, waiting, Err(Refuse::Waits)),
            (Rework, running, Err(Refuse::InHand)),
            (Rework, sent, Err(Refuse::InHand)),
            (Rework, held_result, Ok(Change::Work)),
            (Rework, awaited, Ok(Change::Work)),
            (Replay, awaited, Ok(Change::Work)),
            (Replay, fetching, Err(Refuse::Waits)),
            (gentle, fetching, Ok(Change::Discard)),
            (Rework, rejected, Ok(Change::Work)),
            (Rework, unworked, Ok(Change::Work)),
            (Rework, heard, Err(Refuse::FindAudio)),
            (Rework, forgotten, Err(Refuse::FindCallback)),
            (gentle, waiting, Ok(Change::Discard)),
            (gentle, running, Err(Refuse::InHand)),
            (forced, running, Ok(Change::Discard)),
            (gentle, held, Ok(Change::Discard)),
            (gentle, delivering, Ok(Change::Discard)),
            (forced, rejected, Err(Refuse::Ended)),
            (ended, heard, Ok(Change::Delete)),
            (ended, discarded, Ok(Change::Delete)),
            (ended, held, Err(Refuse::Unfinished)),
            (all, held, Ok(Change::Delete)),
            (all, running, Err(Refuse::InHand)),
        ] {
            assert_eq!(decide(action, situation), expected, "{action:?} {situation:?}");
        }
    }
}
