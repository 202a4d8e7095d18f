//! What the next process finds when this one dies at each point. The dead process's queue is left as it is, never closed.

use super::{Bench, LONG, Tested, addon, again, claim_delivery, claim_one, finished, job, nothing_to_do};
use crate::queue::{DeliveryRecord, Enqueued};

pub(crate) async fn an_accepted_job_survives(bench: &dyn Bench) -> Tested {
    let dead = bench.open(&addon(), LONG).await?;
    let accepted = job("MR1")?;
    dead.enqueue(accepted.clone()).await?;
    let next = bench.open(&addon(), LONG).await?;
    assert_eq!(next.recover().await?, 0);
    assert_eq!(claim_one(next.as_ref()).await?.subject.work, accepted);
    Ok(())
}

pub(crate) async fn a_job_in_work_is_tried_again(bench: &dyn Bench) -> Tested {
    let dead = bench.open(&addon(), LONG).await?;
    dead.enqueue(job("MR1")?).await?;
    let lease = claim_one(dead.as_ref()).await?;
    let next = bench.open(&addon(), LONG).await?;
    assert!(
        nothing_to_do(next.as_ref()).await?,
        "the lease goes on until it is known that its holder is dead"
    );
    assert_eq!(next.recover().await?, 1);
    assert_eq!(claim_one(next.as_ref()).await?.subject.attempt, 2);
    assert!(dead.renew(lease.fence()).await.is_err(), "the dead do not come back");
    Ok(())
}

pub(crate) async fn a_finished_job_is_delivered(bench: &dyn Bench) -> Tested {
    let dead = bench.open(&addon(), LONG).await?;
    finished(dead.as_ref(), &job("MR1")?).await?;
    let next = bench.open(&addon(), LONG).await?;
    assert_eq!(next.recover().await?, 0);
    assert!(next.claim(10).await?.is_empty(), "the work is not done twice");
    assert_eq!(claim_delivery(next.as_ref()).await?.subject.attempt, 1);
    Ok(())
}

pub(crate) async fn a_delivery_in_flight_is_sent_again(bench: &dyn Bench) -> Tested {
    let dead = bench.open(&addon(), LONG).await?;
    finished(dead.as_ref(), &job("MR1")?).await?;
    let in_flight = claim_delivery(dead.as_ref()).await?;
    let next = bench.open(&addon(), LONG).await?;
    assert_eq!(next.recover().await?, 1);
    let lease = claim_delivery(next.as_ref()).await?;
    assert_eq!(
        lease.subject.id, in_flight.subject.id,
        "the receiver knows it by the same key"
    );
    assert_eq!(lease.subject.attempt, 2);
    Ok(())
}

pub(crate) async fn a_confirmed_job_is_known(bench: &dyn Bench) -> Tested {
    let dead = bench.open(&addon(), LONG).await?;
    let accepted = job("MR1")?;
    finished(dead.as_ref(), &accepted).await?;
    let lease = claim_delivery(dead.as_ref()).await?;
    dead.record(lease, DeliveryRecord::Confirmed).await?;
    let next = bench.open(&addon(), LONG).await?;
    assert_eq!(next.recover().await?, 0);
    assert!(nothing_to_do(next.as_ref()).await?);
    assert!(matches!(
        next.enqueue(again(&accepted)).await?,
        Enqueued::Duplicate { .. }
    ));
    Ok(())
}
