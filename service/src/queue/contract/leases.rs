//! The right to work on a job.

use std::collections::HashSet;
use std::time::Duration;

use super::{Bench, LONG, NONE, Tested, addon, claim_one, done, job, nothing_to_do};
use crate::domain::Deadlines;
use crate::queue::{QueueError, WorkRecord};

pub(crate) async fn claims_the_earliest_deadline_first(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    for (sid, median_seconds) in [("MR-c", 300.0), ("MR-a", 100.0), ("MR-d", 400.0), ("MR-b", 200.0)] {
        let deadlines = Deadlines {
            median_seconds,
            p99_seconds: 500.0,
            cutoff_seconds: 600.0,
        };
        queue.enqueue(crate::domain::NewJob { deadlines, ..job(sid)? }).await?;
    }
    let sids: Vec<_> = queue
        .claim(3)
        .await?
        .into_iter()
        .filter_map(|lease| lease.subject.work.sids.request)
        .collect();
    assert_eq!(sids, ["MR-a", "MR-b", "MR-c"]);
    Ok(())
}

pub(crate) async fn claims_no_more_than_asked(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    for sid in ["MR1", "MR2", "MR3"] {
        queue.enqueue(job(sid)?).await?;
    }
    assert_eq!(queue.claim(2).await?.len(), 2);
    assert_eq!(queue.claim(2).await?.len(), 1);
    assert!(queue.claim(2).await?.is_empty());
    Ok(())
}

pub(crate) async fn a_lease_keeps_its_job_from_others(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(job("MR1")?).await?;
    let lease = claim_one(queue.as_ref()).await?;
    assert!(nothing_to_do(queue.as_ref()).await?);
    queue.renew(lease.fence()).await?;
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn an_ended_lease_frees_its_job_and_counts_the_attempt(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), NONE).await?;
    queue.enqueue(job("MR1")?).await?;
    for attempt in 1..=7 {
        assert_eq!(claim_one(queue.as_ref()).await?.subject.attempt, attempt);
    }
    Ok(())
}

pub(crate) async fn a_stale_lease_changes_nothing(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), NONE).await?;
    queue.enqueue(job("MR1")?).await?;
    let retry = WorkRecord::Retry {
        reason: "read_file",
        after_seconds: 0.0,
    };
    let postponed = WorkRecord::Postpone {
        reason: "partner_unreachable",
        after_seconds: 0.0,
    };
    for record in [done("{}"), WorkRecord::Release, retry, postponed] {
        let stale = claim_one(queue.as_ref()).await?;
        let fresh = claim_one(queue.as_ref()).await?;
        assert!(matches!(queue.renew(stale.fence()).await, Err(QueueError::LoseLease)));
        assert!(matches!(queue.finish(stale, record).await, Err(QueueError::LoseLease)));
        queue.renew(fresh.fence()).await?;
    }
    let lease = claim_one(queue.as_ref()).await?;
    let fence = lease.fence().clone();
    queue.finish(lease, done("{}")).await?;
    assert!(
        matches!(queue.renew(&fence).await, Err(QueueError::LoseLease)),
        "a finished lease is over"
    );
    Ok(())
}

pub(crate) async fn a_released_job_counts_no_attempt(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(job("MR1")?).await?;
    for _ in 0..3 {
        let lease = claim_one(queue.as_ref()).await?;
        assert_eq!(lease.subject.attempt, 1);
        queue.finish(lease, WorkRecord::Release).await?;
    }
    Ok(())
}

pub(crate) async fn a_postponed_job_counts_no_attempt_and_waits(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(job("MR1")?).await?;
    for after_seconds in [0.0, 0.0, 1000.0] {
        let lease = claim_one(queue.as_ref()).await?;
        assert_eq!(lease.subject.attempt, 1);
        let postponed = WorkRecord::Postpone {
            reason: "partner_unreachable",
            after_seconds,
        };
        queue.finish(lease, postponed).await?;
    }
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn a_failed_attempt_counts_and_waits(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(job("MR1")?).await?;
    let first = claim_one(queue.as_ref()).await?;
    queue
        .finish(
            first,
            WorkRecord::Retry {
                reason: "read_file",
                after_seconds: 0.0,
            },
        )
        .await?;
    let second = claim_one(queue.as_ref()).await?;
    assert_eq!(second.subject.attempt, 2);
    queue
        .finish(
            second,
            WorkRecord::Retry {
                reason: "read_file",
                after_seconds: 1000.0,
            },
        )
        .await?;
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn a_leased_job_is_as_it_was_accepted(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let accepted = job("MR1")?;
    queue.enqueue(accepted.clone()).await?;
    let lease = claim_one(queue.as_ref()).await?;
    assert_eq!(lease.subject.work, accepted);
    assert!((0.0..3600.0).contains(&lease.age_seconds), "{}", lease.age_seconds);
    Ok(())
}

pub(crate) async fn concurrent_claims_share_no_job(bench: &dyn Bench) -> Tested {
    let (one, two) = (bench.open(&addon(), LONG).await?, bench.open(&addon(), LONG).await?);
    for number in 0..40 {
        one.enqueue(job(&format!("MR{number}"))?).await?;
    }
    let claims = (0..40).map(|turn| if turn % 2 == 0 { one.claim(1) } else { two.claim(1) });
    let mut seen = HashSet::new();
    for claimed in futures::future::join_all(claims).await {
        for lease in claimed? {
            assert!(seen.insert(lease.subject.id), "one job was given twice");
        }
    }
    assert_eq!(seen.len(), 40);
    Ok(())
}

pub(crate) async fn an_arrival_wakes_the_worker(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let patience = Duration::from_mins(1);
    queue.enqueue(job("MR1")?).await?;
    tokio::time::timeout(patience, queue.arrivals().work.notified()).await?;
    let lease = claim_one(queue.as_ref()).await?;
    queue.finish(lease, done("{}")).await?;
    tokio::time::timeout(patience, queue.arrivals().deliveries.notified()).await?;
    Ok(())
}
