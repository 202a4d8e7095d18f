//! Add-ons apart, figures, and forgetting.

use super::{Bench, LONG, Tested, addon, again, claim_delivery, claim_one, done, finished, job, nothing_to_do};
use crate::domain::{AddonKey, Deadlines, NewJob, SpoolKey};
use crate::queue::{DeliveryRecord, Enqueued, Outcome, Queue, ResultBody, Retention, Standing, WorkRecord};

const AT_ONCE: Retention = Retention {
    result_seconds: 0.0,
    row_seconds: 0.0,
};

async fn confirmed(queue: &dyn Queue, job: &NewJob) -> Tested {
    finished(queue, job).await?;
    let lease = claim_delivery(queue).await?;
    Ok(queue.record(lease, DeliveryRecord::Confirmed).await?)
}

pub(crate) async fn two_addons_never_cross(bench: &dyn Bench) -> Tested {
    let one = bench.open(&addon(), LONG).await?;
    let other = bench.open(&AddonKey::new("addons", "caller-names"), LONG).await?;
    let request = job("MR1")?;
    assert_eq!(one.enqueue(request.clone()).await?, Enqueued::Accepted);
    assert!(nothing_to_do(other.as_ref()).await?);
    assert_eq!(
        other.enqueue(again(&request)).await?,
        Enqueued::Accepted,
        "a key belongs to its add-on"
    );
    let (mine, theirs) = (claim_one(one.as_ref()).await?, claim_one(other.as_ref()).await?);
    assert_ne!(mine.subject.id, theirs.subject.id);
    assert!(other.renew(mine.fence()).await.is_err());
    assert_eq!(other.recover().await?, 1, "only its own");
    one.renew(mine.fence()).await?;
    one.finish(mine, done("{}")).await?;
    assert!(other.claim_deliveries(10).await?.is_empty());
    let lease = claim_delivery(one.as_ref()).await?;
    one.record(lease, DeliveryRecord::Confirmed).await?;
    assert!(other.removable_audio(10).await?.is_empty());
    assert_eq!(other.retire(&AT_ONCE).await?, 0);
    let theirs = other.gauges().await?.jobs;
    assert_eq!(theirs.iter().map(|(_, jobs)| jobs).sum::<u64>(), 1);
    Ok(())
}

pub(crate) async fn gauges_count_by_state(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let empty = queue.gauges().await?;
    assert_eq!(empty.jobs, Standing::GAUGED.map(|state| (state, 0)));
    assert!(empty.oldest_seconds.abs() < f64::EPSILON);
    finished(queue.as_ref(), &job("MR1")?).await?;
    queue.enqueue(job("MR2")?).await?;
    claim_one(queue.as_ref()).await?;
    for sid in ["MR3", "MR4"] {
        queue.enqueue(job(sid)?).await?;
    }
    let gauges = queue.gauges().await?;
    let expected = [
        (Standing::Fetching, 0),
        (Standing::Queued, 2),
        (Standing::Running, 1),
        (Standing::Delivering, 1),
        (Standing::Held, 0),
        (Standing::Rejected, 0),
        (Standing::Expired, 0),
    ];
    assert_eq!(gauges.jobs, expected);
    assert!(gauges.oldest_seconds > 0.0);
    Ok(())
}

pub(crate) async fn audio_goes_when_its_callback_has_ended(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let ends = [
        ("MR1", DeliveryRecord::Confirmed),
        ("MR2", DeliveryRecord::Rejected { reason: "redirect" }),
        ("MR3", DeliveryRecord::Expired),
    ];
    for (sid, end) in ends {
        let accepted = job(sid)?;
        finished(queue.as_ref(), &accepted).await?;
        let lease = claim_delivery(queue.as_ref()).await?;
        assert!(queue.removable_audio(10).await?.is_empty(), "{sid}: not yet");
        let id = lease.subject.id;
        queue.record(lease, end).await?;
        assert_eq!(queue.removable_audio(10).await?, [(id, accepted.audio.key)]);
        queue.audio_removed(id).await?;
        assert!(queue.removable_audio(10).await?.is_empty(), "{sid}: once");
    }
    Ok(())
}

pub(crate) async fn audio_goes_after_the_cut_off(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let deadlines = Deadlines {
        median_seconds: 0.0,
        p99_seconds: 0.0,
        cutoff_seconds: -1.0,
    };
    let late = NewJob {
        deadlines,
        ..job("MR1")?
    };
    queue.enqueue(late.clone()).await?;
    let lease = claim_one(queue.as_ref()).await?;
    assert!(queue.removable_audio(10).await?.is_empty(), "it has no result yet");
    queue.finish(lease, done("{}")).await?;
    let removable = queue.removable_audio(10).await?;
    assert_eq!(
        removable.into_iter().map(|(_, key)| key).collect::<Vec<_>>(),
        [late.audio.key]
    );
    Ok(())
}

pub(crate) async fn a_forgotten_request_would_be_new(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let accepted = job("MR1")?;
    confirmed(queue.as_ref(), &accepted).await?;
    let keep_rows = Retention {
        row_seconds: 1000.0,
        ..AT_ONCE
    };
    assert_eq!(queue.retire(&keep_rows).await?, 1);
    assert_eq!(queue.retire(&keep_rows).await?, 0);
    assert_eq!(queue.enqueue(again(&accepted)).await?, Enqueued::Accepted);
    Ok(())
}

pub(crate) async fn rows_go_last(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    confirmed(queue.as_ref(), &job("MR1")?).await?;
    assert_eq!(
        queue.retire(&AT_ONCE).await?,
        1,
        "forgotten, but its audio still lies in the spool"
    );
    for (id, _) in queue.removable_audio(10).await? {
        queue.audio_removed(id).await?;
    }
    assert_eq!(queue.retire(&AT_ONCE).await?, 1, "deleted");
    assert_eq!(queue.retire(&AT_ONCE).await?, 0);
    Ok(())
}

pub(crate) async fn unfinished_work_is_never_retired(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    finished(queue.as_ref(), &job("MR1")?).await?;
    queue.enqueue(job("MR2")?).await?;
    let running = claim_one(queue.as_ref()).await?;
    queue.enqueue(job("MR3")?).await?;
    assert_eq!(queue.retire(&AT_ONCE).await?, 0);
    assert!(queue.removable_audio(10).await?.is_empty());
    queue.renew(running.fence()).await?;
    claim_one(queue.as_ref()).await?;
    claim_delivery(queue.as_ref()).await?;
    Ok(())
}

pub(crate) async fn only_files_without_a_row_are_unknown(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let accepted = job("MR1")?;
    queue.enqueue(accepted.clone()).await?;
    let (result, orphan) = (SpoolKey::random(), SpoolKey::random());
    let lease = claim_one(queue.as_ref()).await?;
    let body = ResultBody::Spooled(result.clone());
    queue
        .finish(lease, WorkRecord::Done(Outcome { body, error_code: None }))
        .await?;
    let known = queue
        .known_files(&[accepted.audio.key.clone(), result.clone(), orphan])
        .await?;
    assert_eq!(known, [accepted.audio.key, result].into());
    assert!(queue.known_files(&[]).await?.is_empty());
    Ok(())
}
