//! What a fence after a restore holds, and what lets it go.

use super::jobs::{listed, note, only};
use super::{Bench, LONG, Tested, addon, again, claim_delivery, claim_one, finished, job, nothing_to_do, remote};
use crate::queue::jobs::{Action, Note};
use crate::queue::{DeliveryRecord, Enqueued, QueueError, Standing};

/// Later than anything that is accepted here.
const LATER: f64 = 1e12;

pub(crate) async fn a_fence_holds_what_is_unfinished_and_voids_its_leases(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    finished(queue.as_ref(), &job("MR-sent")?).await?;
    let sent = claim_delivery(queue.as_ref()).await?;
    finished(queue.as_ref(), &job("MR-delivering")?).await?;
    queue.enqueue(job("MR-running")?).await?;
    let running = claim_one(queue.as_ref()).await?;
    queue.enqueue(job("MR-queued")?).await?;
    assert_eq!(queue.count_fenced(LATER).await?, 4);
    assert_eq!(queue.fence(LATER, &note()).await?, 4);
    assert!(nothing_to_do(queue.as_ref()).await?);
    assert_eq!(queue.recover().await?, 0, "nor does a restart let anything go");
    assert!(nothing_to_do(queue.as_ref()).await?);
    for facts in listed(queue.as_ref()).await? {
        assert_eq!((facts.standing, facts.is_leased), (Standing::Held, false));
    }
    let worked = queue.finish(running, super::done("{}")).await;
    assert!(matches!(worked, Err(QueueError::LoseLease)));
    let delivered = queue.record(sent, DeliveryRecord::Confirmed).await;
    assert!(matches!(delivered, Err(QueueError::LoseLease)));
    let gauges = queue.gauges().await?;
    let counted: Vec<_> = gauges.jobs.iter().filter(|(_, jobs)| *jobs > 0).collect();
    assert_eq!(counted, [&(Standing::Held, 4)]);
    assert!(gauges.oldest_seconds.abs() < f64::EPSILON, "nothing waits for a worker");
    assert_eq!(queue.fence(LATER, &note()).await?, 0, "what is held is held");
    Ok(())
}

pub(crate) async fn a_held_job_goes_on_when_it_is_replayed(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    finished(queue.as_ref(), &job("MR1")?).await?;
    queue.enqueue(job("MR2")?).await?;
    queue.fence(LATER, &note()).await?;
    for facts in listed(queue.as_ref()).await? {
        queue.act(Action::Replay, facts.id, &note()).await?;
    }
    claim_one(queue.as_ref()).await?;
    claim_delivery(queue.as_ref()).await?;
    Ok(())
}

pub(crate) async fn a_held_job_goes_on_when_twilio_asks_again(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let (first, second) = (job("MR1")?, job("MR2")?);
    finished(queue.as_ref(), &first).await?;
    queue.enqueue(second.clone()).await?;
    queue.fence(LATER, &note()).await?;
    assert!(matches!(
        queue.enqueue(again(&first)).await?,
        Enqueued::Redeliver { .. }
    ));
    claim_delivery(queue.as_ref()).await?;
    let repeated = again(&second);
    assert!(matches!(
        queue.enqueue(repeated.clone()).await?,
        Enqueued::Duplicate { .. }
    ));
    assert_eq!(claim_one(queue.as_ref()).await?.subject.work, repeated);
    Ok(())
}

pub(crate) async fn a_fence_leaves_younger_and_finished_jobs_alone(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(job("MR1")?).await?;
    let accepted = only(queue.as_ref()).await?.times.accepted;
    assert_eq!(
        queue.fence(accepted, &note()).await?,
        0,
        "accepted at that moment, not before"
    );
    let lease = claim_one(queue.as_ref()).await?;
    queue.finish(lease, super::done("{}")).await?;
    let lease = claim_delivery(queue.as_ref()).await?;
    queue.record(lease, DeliveryRecord::Confirmed).await?;
    assert_eq!(queue.fence(LATER, &note()).await?, 0);
    assert_eq!(only(queue.as_ref()).await?.standing, Standing::Confirmed);
    Ok(())
}

pub(crate) async fn a_fence_is_known_by_its_time(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let other = Note {
        choice: "before=another".to_owned(),
        ..note()
    };
    assert!(!queue.is_fenced(&note()).await?);
    queue.fence(LATER, &note()).await?;
    assert!(queue.is_fenced(&note()).await?, "also when there was nothing to hold");
    assert!(!queue.is_fenced(&other).await?);
    Ok(())
}

pub(crate) async fn audio_is_not_fetched_for_a_held_job(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let accepted = remote("MR1", "https://media.example.com/first")?;
    queue.enqueue(accepted.clone()).await?;
    let fetching = queue.claim_fetches(1).await?.pop().ok_or("want a fetch")?;
    for asked_again in [false, true] {
        assert_eq!(queue.fence(LATER, &note()).await?, 1);
        assert!(queue.renew(fetching.fence()).await.is_err(), "its lease is void");
        assert!(queue.claim_fetches(10).await?.is_empty() && nothing_to_do(queue.as_ref()).await?);
        let facts = only(queue.as_ref()).await?;
        assert_eq!((facts.standing, facts.has_audio), (Standing::Held, false));
        if asked_again {
            let repeated = queue.enqueue(accepted.clone()).await?;
            assert!(matches!(repeated, Enqueued::Duplicate { .. }), "{repeated:?}");
        } else {
            queue.act(Action::Replay, facts.id, &note()).await?;
        }
        assert_eq!(only(queue.as_ref()).await?.standing, Standing::Fetching);
        assert!(
            nothing_to_do(queue.as_ref()).await?,
            "it is fetched before it is worked on"
        );
        assert_eq!(queue.claim_fetches(10).await?.len(), 1);
    }
    Ok(())
}
