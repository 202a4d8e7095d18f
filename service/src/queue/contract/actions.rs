//! What people do with jobs that are listed: replayed, discarded, purged, each with a row of the audit.

use super::jobs::{listed, note, only};
use super::{Bench, LONG, Tested, addon, again, claim_delivery, claim_one, done, finished, job, nothing_to_do};
use crate::domain::AddonKey;
use crate::queue::jobs::{Acted, Action, Jobs, Refuse};
use crate::queue::{DeliveryRecord, Enqueued, QueueError, Standing};

async fn rejected(queue: &dyn Jobs) -> Tested {
    finished(queue, &job("MR1")?).await?;
    let lease = claim_delivery(queue).await?;
    let record = DeliveryRecord::Rejected { reason: "status_400" };
    Ok(queue.record(lease, record).await?)
}

pub(crate) async fn a_rejected_result_is_replayed(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    rejected(queue.as_ref()).await?;
    let id = only(queue.as_ref()).await?.id;
    assert!(nothing_to_do(queue.as_ref()).await?);
    assert!(matches!(
        queue.act(Action::Replay, id, &note()).await?,
        Acted::Done {
            audio: None,
            result: None
        }
    ));
    let lease = claim_delivery(queue.as_ref()).await?;
    assert_eq!((lease.subject.id, lease.subject.attempt), (id, 1));
    assert!(lease.subject.left_seconds > 500.0, "{}", lease.subject.left_seconds);
    assert_eq!(
        queue.act(Action::Replay, id, &note()).await?,
        Acted::Refused(Refuse::InHand),
        "it is being sent"
    );
    Ok(())
}

pub(crate) async fn work_is_done_again_from_the_audio(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    rejected(queue.as_ref()).await?;
    let id = only(queue.as_ref()).await?.id;
    assert!(matches!(
        queue.act(Action::Rework, id, &note()).await?,
        Acted::Done { .. }
    ));
    let facts = only(queue.as_ref()).await?;
    assert_eq!(
        (facts.standing, facts.has_result, facts.last_error),
        (Standing::Queued, false, None)
    );
    let lease = claim_one(queue.as_ref()).await?;
    assert_eq!((lease.subject.id, lease.subject.attempt), (id, 1));
    let left = lease.subject.work.deadlines.cutoff_seconds - lease.age_seconds;
    assert!(left > 600.0, "there is time to work: {left}");
    queue.finish(lease, done("{}")).await?;
    let lease = claim_delivery(queue.as_ref()).await?;
    queue.record(lease, DeliveryRecord::Confirmed).await?;
    queue.audio_removed(id).await?;
    assert_eq!(
        queue.act(Action::Rework, id, &note()).await?,
        Acted::Refused(Refuse::FindAudio)
    );
    Ok(())
}

pub(crate) async fn a_discarded_job_is_nobodys_and_does_not_come_back(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let accepted = job("MR1")?;
    queue.enqueue(accepted.clone()).await?;
    let id = only(queue.as_ref()).await?.id;
    let discard = Action::Discard { force: false };
    assert!(matches!(queue.act(discard, id, &note()).await?, Acted::Done { .. }));
    assert!(nothing_to_do(queue.as_ref()).await?);
    assert_eq!(only(queue.as_ref()).await?.standing, Standing::Discarded);
    let repeated = again(&accepted);
    let unneeded = repeated.audio.key.clone();
    assert_eq!(queue.enqueue(repeated).await?, Enqueued::Duplicate { unneeded });
    assert!(nothing_to_do(queue.as_ref()).await?, "not by a repeated request either");
    assert_eq!(queue.removable_audio(10).await?, [(id, accepted.audio.key)]);
    assert_eq!(queue.act(discard, id, &note()).await?, Acted::Refused(Refuse::Ended));
    Ok(())
}

pub(crate) async fn a_forced_discard_voids_the_lease(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(job("MR1")?).await?;
    let lease = claim_one(queue.as_ref()).await?;
    let id = lease.subject.id;
    let gentle = queue.act(Action::Discard { force: false }, id, &note()).await?;
    assert_eq!(gentle, Acted::Refused(Refuse::InHand));
    queue.act(Action::Discard { force: true }, id, &note()).await?;
    assert!(matches!(
        queue.finish(lease, done("{}")).await,
        Err(QueueError::LoseLease)
    ));
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn a_purged_job_is_gone_and_names_its_files(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let accepted = job("MR1")?;
    queue.enqueue(accepted.clone()).await?;
    let id = only(queue.as_ref()).await?.id;
    let ended = Action::Purge { unfinished: false };
    assert_eq!(queue.act(ended, id, &note()).await?, Acted::Refused(Refuse::Unfinished));
    let expected = Acted::Done {
        audio: Some(accepted.audio.key.clone()),
        result: None,
    };
    assert_eq!(
        queue.act(Action::Purge { unfinished: true }, id, &note()).await?,
        expected
    );
    assert_eq!(queue.act(ended, id, &note()).await?, Acted::Gone);
    assert!(listed(queue.as_ref()).await?.is_empty());
    assert_eq!(
        queue.enqueue(accepted).await?,
        Enqueued::Accepted,
        "its request would be a new one"
    );
    Ok(())
}

pub(crate) async fn every_change_leaves_a_row_of_the_audit(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    rejected(queue.as_ref()).await?;
    let id = only(queue.as_ref()).await?.id;
    queue.act(Action::Rework, id, &note()).await?;
    let refused = queue.act(Action::Replay, id, &note()).await?;
    assert_eq!(refused, Acted::Refused(Refuse::Waits));
    queue.act(Action::Discard { force: false }, id, &note()).await?;
    queue.act(Action::Purge { unfinished: false }, id, &note()).await?;
    let audit = queue.audit(10).await?;
    // Two of one millisecond may stand either way.
    let mut actions: Vec<_> = audit.iter().map(|entry| entry.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["discard", "purge", "rework"], "what is refused is no change");
    for entry in &audit {
        assert_eq!(entry.job.as_deref(), Some(id.to_string().as_str()));
        assert_eq!(entry.request.as_deref(), Some("MR1"));
        assert_eq!((entry.by.as_str(), entry.choice.as_str()), ("ada", "state=rejected"));
    }
    assert_eq!(queue.audit(1).await?.len(), 1);
    Ok(())
}

pub(crate) async fn jobs_of_others_are_out_of_reach(bench: &dyn Bench) -> Tested {
    let ours = bench.open(&addon(), LONG).await?;
    let theirs = bench.open(&AddonKey::new("addons", "other"), LONG).await?;
    ours.enqueue(job("MR1")?).await?;
    let id = only(ours.as_ref()).await?.id;
    assert!(listed(theirs.as_ref()).await?.is_empty());
    assert_eq!(
        theirs.act(Action::Discard { force: true }, id, &note()).await?,
        Acted::Gone
    );
    assert_eq!(theirs.fence(1e12, &note()).await?, 0);
    ours.act(Action::Discard { force: true }, id, &note()).await?;
    assert_eq!(theirs.audit(10).await?.len(), 1, "their own fence");
    Ok(())
}
