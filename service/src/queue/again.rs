//! Decides what the same request means when it comes again. Pure, so that every database decides alike.

use super::JobState;
use crate::domain::NewJob;

/// What is known of the earlier request under the same key.
#[derive(Debug, Clone)]
pub(super) struct Earlier {
    pub(super) state: JobState,
    /// Someone works on it, or sends it, at this moment.
    pub(super) leased: bool,
    /// Somebody ended it for good.
    pub(super) discarded: bool,
    pub(super) fields_digest: String,
    pub(super) callback: String,
    /// Where its audio is still to be fetched from, as it is stored.
    pub(super) audio_source: Option<String>,
}

/// What is to be done with the earlier job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Not fetched: the new callback and where the audio is now take the place of the earlier ones.
    Refetch,
    /// Not begun: the new callback and the new audio take the place of the earlier ones.
    Replace,
    /// Being worked on, or fetched from there: only the callback is replaced; the audio is in use.
    Redirect,
    /// Its result is being sent to the same place: that is the delivery that was asked for.
    Await,
    /// Its result goes out once more.
    Redeliver,
    /// Finished and confirmed at the same place; or discarded, and it does not come to life again.
    Nothing,
    /// Another request under the same SID.
    Reuse,
}

/// A repeated request is Twilio's way to say that it has not heard from us: as little as possible is done twice, and
/// nothing is left undone.
pub(super) fn decide(earlier: &Earlier, new: &NewJob, audio_source: Option<&str>) -> Again {
    if earlier.fields_digest != new.fields_digest {
        return Again::Reuse;
    }
    if earlier.discarded {
        return Again::Nothing;
    }
    let same_callback = earlier.callback == new.callback.expose().as_str();
    match earlier.state {
        JobState::Fetching if earlier.leased && earlier.audio_source.as_deref() == audio_source => Again::Redirect,
        JobState::Fetching => Again::Refetch,
        // What was fetched under the earlier URL is there.
        JobState::Queued if new.remote.is_some() => Again::Redirect,
        JobState::Queued => Again::Replace,
        JobState::Running => Again::Redirect,
        JobState::Delivering if same_callback && earlier.leased => Again::Await,
        JobState::Confirmed if same_callback => Again::Nothing,
        JobState::Delivering | JobState::Confirmed | JobState::Rejected | JobState::Expired => Again::Redeliver,
    }
}
