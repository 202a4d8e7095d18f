//! Audio that is to be fetched first.

use super::{Bench, LONG, NONE, Tested, addon, claim_delivery, claim_one, done, elsewhere, job, nothing_to_do, remote};
use crate::domain::{Deadlines, Job, NewJob};
use crate::queue::{Enqueued, FetchRecord, Fetched, Lease, Outcome, Queue, QueueError, ResultBody, Standing};

const URL: &str = "https://media.example.com/recording?signature=1";

fn fetched() -> Result<FetchRecord, Box<dyn std::error::Error>> {
    let NewJob { audio, format, .. } = job("MR0")?;
    Ok(FetchRecord::Fetched(Fetched {
        audio,
        format,
        deadlines: Deadlines {
            median_seconds: 40.0,
            p99_seconds: 50.0,
            cutoff_seconds: 60.0,
        },
    }))
}

const LATER: FetchRecord = FetchRecord::Retry {
    reason: "busy",
    after_seconds: 1000.0,
};
const AT_ONCE: FetchRecord = FetchRecord::Retry {
    reason: "busy",
    after_seconds: 0.0,
};

async fn claim_fetch(queue: &dyn Queue) -> Result<Lease<Job>, Box<dyn std::error::Error>> {
    let mut leases = queue.claim_fetches(10).await?;
    match (leases.pop(), leases.is_empty()) {
        (Some(lease), true) => Ok(lease),
        _ => Err("want one fetch".into()),
    }
}

pub(crate) async fn a_remote_job_is_fetched_before_it_is_worked_on(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let work = remote("MR1", URL)?;
    assert_eq!(queue.enqueue(work.clone()).await?, Enqueued::Accepted);
    assert!(nothing_to_do(queue.as_ref()).await?, "its audio is not there");
    let lease = claim_fetch(queue.as_ref()).await?;
    assert_eq!((lease.subject.attempt, &lease.subject.work), (1, &work));
    assert!(queue.claim_fetches(10).await?.is_empty(), "it is leased");
    assert!(nothing_to_do(queue.as_ref()).await?, "its audio is on its way");
    queue.end_fetch(lease, fetched()?).await?;
    assert!(queue.claim_fetches(10).await?.is_empty());
    assert_eq!(claim_one(queue.as_ref()).await?.subject.attempt, 1);
    Ok(())
}

pub(crate) async fn what_was_fetched_has_its_own_deadlines_and_no_url(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(remote("MR1", URL)?).await?;
    let lease = claim_fetch(queue.as_ref()).await?;
    let record = fetched()?;
    queue.end_fetch(lease, record.clone()).await?;
    let work = claim_one(queue.as_ref()).await?.subject.work;
    let kept = FetchRecord::Fetched(Fetched {
        audio: work.audio,
        format: work.format,
        deadlines: work.deadlines,
    });
    assert_eq!((kept, work.remote), (record, None));
    Ok(())
}

pub(crate) async fn a_fetch_that_may_pass_waits_and_counts(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(remote("MR1", URL)?).await?;
    for (attempt, record) in [(1, AT_ONCE), (2, FetchRecord::Release), (2, LATER)] {
        let lease = claim_fetch(queue.as_ref()).await?;
        assert_eq!(lease.subject.attempt, attempt);
        queue.end_fetch(lease, record).await?;
    }
    assert!(queue.claim_fetches(10).await?.is_empty());
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn a_fetch_that_is_given_up_is_delivered(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(remote("MR1", URL)?).await?;
    let lease = claim_fetch(queue.as_ref()).await?;
    let body = ResultBody::Inline("{}".to_owned());
    let outcome = Outcome {
        body: body.clone(),
        error_code: Some("audio_unreachable"),
    };
    queue.end_fetch(lease, FetchRecord::GiveUp(outcome)).await?;
    assert!(queue.claim_fetches(10).await?.is_empty());
    assert_eq!(claim_delivery(queue.as_ref()).await?.subject.body, body);
    Ok(())
}

pub(crate) async fn a_stale_fetch_changes_nothing(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), NONE).await?;
    queue.enqueue(remote("MR1", URL)?).await?;
    for record in [fetched()?, AT_ONCE, FetchRecord::Release] {
        let stale = claim_fetch(queue.as_ref()).await?;
        claim_fetch(queue.as_ref()).await?;
        let ended = queue.end_fetch(stale, record).await;
        assert!(matches!(ended, Err(QueueError::LoseLease)), "{ended:?}");
    }
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn an_ended_fetch_lease_frees_its_job(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), NONE).await?;
    queue.enqueue(remote("MR1", URL)?).await?;
    claim_fetch(queue.as_ref()).await?;
    assert_eq!(claim_fetch(queue.as_ref()).await?.subject.attempt, 2);
    Ok(())
}

pub(crate) async fn a_repeat_of_a_waiting_fetch_brings_its_own_urls(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = remote("MR1", URL)?;
    queue.enqueue(first.clone()).await?;
    let lease = claim_fetch(queue.as_ref()).await?;
    queue.end_fetch(lease, LATER).await?;
    let second = elsewhere(remote("MR1", "https://media.example.com/recording?signature=2")?)?;
    assert_eq!(
        queue.enqueue(second.clone()).await?,
        Enqueued::Duplicate {
            unneeded: first.audio.key
        }
    );
    let lease = claim_fetch(queue.as_ref()).await?;
    assert_eq!((lease.subject.attempt, &lease.subject.work), (1, &second));
    // While the second is fetched, a third takes it over.
    let third = remote("MR1", "https://media.example.com/recording?signature=3")?;
    queue.enqueue(third.clone()).await?;
    let ended = queue.end_fetch(lease, fetched()?).await;
    assert!(matches!(ended, Err(QueueError::LoseLease)), "{ended:?}");
    assert_eq!(claim_fetch(queue.as_ref()).await?.subject.work, third);
    Ok(())
}

pub(crate) async fn a_repeat_of_a_running_fetch_from_there_only_redirects_its_callback(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(remote("MR1", URL)?).await?;
    let lease = claim_fetch(queue.as_ref()).await?;
    let second = elsewhere(remote("MR1", URL)?)?;
    let unneeded = second.audio.key.clone();
    assert_eq!(queue.enqueue(second.clone()).await?, Enqueued::Duplicate { unneeded });
    queue.end_fetch(lease, fetched()?).await?;
    assert_eq!(claim_one(queue.as_ref()).await?.subject.work.callback, second.callback);
    Ok(())
}

pub(crate) async fn a_repeat_of_a_fetched_job_keeps_its_audio(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(remote("MR1", URL)?).await?;
    let lease = claim_fetch(queue.as_ref()).await?;
    queue.end_fetch(lease, fetched()?).await?;
    let second = elsewhere(remote("MR1", "https://media.example.com/recording?signature=2")?)?;
    let unneeded = second.audio.key.clone();
    assert_eq!(queue.enqueue(second.clone()).await?, Enqueued::Duplicate { unneeded });
    assert!(queue.claim_fetches(10).await?.is_empty());
    let lease = claim_one(queue.as_ref()).await?;
    assert_eq!(lease.subject.work.callback, second.callback);
    assert_eq!(lease.subject.work.audio.bytes, 117_868);
    queue.finish(lease, done("{}")).await?;
    Ok(())
}

pub(crate) async fn a_fetch_that_died_is_recovered(bench: &dyn Bench) -> Tested {
    let dead = bench.open(&addon(), LONG).await?;
    dead.enqueue(remote("MR1", URL)?).await?;
    let lease = claim_fetch(dead.as_ref()).await?;
    let next = bench.open(&addon(), LONG).await?;
    assert_eq!(next.recover().await?, 1);
    assert!(dead.renew(lease.fence()).await.is_err(), "the dead do not come back");
    assert_eq!(claim_fetch(next.as_ref()).await?.subject.attempt, 2);
    Ok(())
}

pub(crate) async fn a_remote_job_is_gauged_as_fetching(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(remote("MR1", URL)?).await?;
    queue.enqueue(remote("MR2", URL)?).await?;
    for (fetching, queued) in [(2, 0), (1, 1)] {
        let jobs = queue.gauges().await?.jobs;
        assert!(jobs.contains(&(Standing::Fetching, fetching)), "{jobs:?}");
        assert!(jobs.contains(&(Standing::Queued, queued)), "{jobs:?}");
        let lease = queue.claim_fetches(1).await?.pop().ok_or("want a fetch")?;
        queue.end_fetch(lease, fetched()?).await?;
    }
    Ok(())
}
