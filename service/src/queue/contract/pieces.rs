//! What is finished of a job that is not.

use super::{Bench, LONG, NONE, Tested, addon, claim_one, done, job};
use crate::domain::AddonKey;
use crate::queue::{QueueError, Retention, WorkRecord};

const KEEP_ALL: Retention = Retention {
    result_seconds: 1e9,
    row_seconds: 1e9,
};

fn piece(place: u32, text: &str) -> (u32, String) {
    (place, text.to_owned())
}

pub(crate) async fn a_moved_job_finds_what_was_finished(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), NONE).await?;
    queue.enqueue(job("MR1")?).await?;
    let first = claim_one(queue.as_ref()).await?;
    queue.keep_piece(first.fence(), "one", (1, "b")).await?;
    queue.keep_piece(first.fence(), "one", (0, "a")).await?;
    queue.keep_piece(first.fence(), "one", (1, "B")).await?;
    let second = claim_one(queue.as_ref()).await?;
    let kept = queue.kept_pieces(second.fence(), "one").await?;
    assert_eq!(kept, [piece(0, "a"), piece(1, "B")]);
    assert_eq!(
        queue.kept_pieces(second.fence(), "two").await?,
        [],
        "another engine writes other words"
    );
    Ok(())
}

pub(crate) async fn who_has_lost_the_lease_keeps_nothing(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), NONE).await?;
    queue.enqueue(job("MR1")?).await?;
    let first = claim_one(queue.as_ref()).await?;
    let second = claim_one(queue.as_ref()).await?;
    let kept = queue.keep_piece(first.fence(), "one", (0, "a")).await;
    assert!(matches!(kept, Err(QueueError::LoseLease)), "{kept:?}");
    assert_eq!(queue.kept_pieces(second.fence(), "one").await?, []);
    Ok(())
}

pub(crate) async fn pieces_go_with_the_end_of_their_job(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let other = bench.open(&AddonKey::new("addons", "another"), LONG).await?;
    for queue in [&queue, &other] {
        queue.enqueue(job("MR1")?).await?;
    }
    let (ours, theirs) = (claim_one(queue.as_ref()).await?, claim_one(other.as_ref()).await?);
    queue.keep_piece(ours.fence(), "one", (0, "a")).await?;
    other.keep_piece(theirs.fence(), "one", (0, "a")).await?;
    let (fence, their_fence) = (ours.fence().clone(), theirs.fence().clone());

    queue.retire(&KEEP_ALL).await?;
    assert_eq!(
        queue.kept_pieces(&fence, "one").await?,
        [piece(0, "a")],
        "the job is not done"
    );
    let again = WorkRecord::Retry {
        reason: "analyze",
        after_seconds: 0.0,
    };
    queue.finish(ours, again).await?;
    queue.retire(&KEEP_ALL).await?;
    assert_eq!(queue.kept_pieces(&fence, "one").await?, [piece(0, "a")], "it goes on");
    queue.finish(claim_one(queue.as_ref()).await?, done("{}")).await?;
    queue.retire(&KEEP_ALL).await?;
    assert_eq!(queue.kept_pieces(&fence, "one").await?, []);
    assert_eq!(
        other.kept_pieces(&their_fence, "one").await?,
        [piece(0, "a")],
        "another add-on's"
    );
    Ok(())
}
