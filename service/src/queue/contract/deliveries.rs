//! Results on their way.

use super::{Bench, LONG, NONE, Tested, addon, busy, claim_delivery, claim_one, finished, job, nothing_to_do};
use crate::domain::{Deadlines, NewJob, SpoolKey};
use crate::queue::{CALLBACK_FLOOR_SECONDS, DeliveryRecord, Outcome, QueueError, ResultBody, WorkRecord};

pub(crate) async fn a_result_is_never_without_its_callback(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let accepted = job("MR1")?;
    finished(queue.as_ref(), &accepted).await?;
    assert!(queue.claim(10).await?.is_empty(), "its work is done");
    let delivery = claim_delivery(queue.as_ref()).await?.subject;
    assert_eq!(delivery.body, ResultBody::Inline(r#"{"results":1}"#.to_owned()));
    assert_eq!(delivery.callback, accepted.callback);
    assert_eq!(delivery.endpoint, accepted.endpoint);
    assert_eq!(delivery.deadlines, accepted.deadlines);
    assert_eq!(delivery.attempt, 1);
    Ok(())
}

pub(crate) async fn a_large_result_is_named_by_its_key(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(job("MR1")?).await?;
    let lease = claim_one(queue.as_ref()).await?;
    let body = ResultBody::Spooled(SpoolKey::random());
    queue
        .finish(
            lease,
            WorkRecord::Done(Outcome {
                body: body.clone(),
                error_code: Some("timed_out"),
            }),
        )
        .await?;
    assert_eq!(claim_delivery(queue.as_ref()).await?.subject.body, body);
    Ok(())
}

pub(crate) async fn a_delivery_that_may_pass_waits_and_counts(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    finished(queue.as_ref(), &job("MR1")?).await?;
    for attempt in 1..=3 {
        let lease = claim_delivery(queue.as_ref()).await?;
        assert_eq!(lease.subject.attempt, attempt);
        assert!(nothing_to_do(queue.as_ref()).await?, "it is being sent");
        queue.record(lease, busy(0.0)).await?;
    }
    let lease = claim_delivery(queue.as_ref()).await?;
    queue.record(lease, busy(1000.0)).await?;
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn a_stale_delivery_changes_nothing(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), NONE).await?;
    finished(queue.as_ref(), &job("MR1")?).await?;
    for record in [
        DeliveryRecord::Confirmed,
        DeliveryRecord::Expired,
        DeliveryRecord::Rejected { reason: "redirect" },
        DeliveryRecord::Retry {
            reason: "busy",
            after_seconds: 1000.0,
        },
    ] {
        let stale = claim_delivery(queue.as_ref()).await?;
        claim_delivery(queue.as_ref()).await?;
        assert!(
            matches!(queue.record(stale, record).await, Err(QueueError::LoseLease)),
            "{record:?}"
        );
    }
    let stale = claim_delivery(queue.as_ref()).await?;
    let fresh = claim_delivery(queue.as_ref()).await?;
    assert!(matches!(
        queue.release_delivery(stale).await,
        Err(QueueError::LoseLease)
    ));
    queue.record(fresh, DeliveryRecord::Confirmed).await?;
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn a_released_delivery_counts_no_attempt(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    finished(queue.as_ref(), &job("MR1")?).await?;
    for _ in 0..3 {
        let lease = claim_delivery(queue.as_ref()).await?;
        assert_eq!(lease.subject.attempt, 1);
        queue.release_delivery(lease).await?;
    }
    Ok(())
}

pub(crate) async fn a_late_result_still_has_its_minutes(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    for (sid, cutoff_seconds, least, most) in [
        ("MR1", 1.0, CALLBACK_FLOOR_SECONDS - 60.0, CALLBACK_FLOOR_SECONDS),
        ("MR2", 9000.0, 9000.0 - 60.0, 9000.0),
    ] {
        let deadlines = Deadlines {
            median_seconds: 1.0,
            p99_seconds: 1.0,
            cutoff_seconds,
        };
        finished(queue.as_ref(), &NewJob { deadlines, ..job(sid)? }).await?;
        let left = claim_delivery(queue.as_ref()).await?.subject.left_seconds;
        assert!((least..=most).contains(&left), "{sid}: {left}");
    }
    Ok(())
}
