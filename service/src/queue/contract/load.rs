//! What is told of the work that waits.

use super::{Bench, LONG, NONE, Tested, addon, claim_one, done, finished, job, remote};
use crate::domain::{AddonKey, Deadlines, EndpointName, NewJob};
use crate::queue::load::Due;
use crate::queue::{Outcome, Queue, ResultBody, WorkRecord};

const HOUR: Deadlines = Deadlines {
    median_seconds: 3600.0,
    p99_seconds: 7200.0,
    cutoff_seconds: 36_000.0,
};

async fn enqueue(queue: &dyn Queue, sid: &str, deadlines: Deadlines) -> Tested {
    queue.enqueue(NewJob { deadlines, ..job(sid)? }).await?;
    Ok(())
}

/// In the order of deadlines.
async fn due(queue: &dyn Queue) -> Result<Vec<Due>, Box<dyn std::error::Error>> {
    let mut due = queue.load().await?.due;
    due.sort_by(|left, right| left.left_seconds.total_cmp(&right.left_seconds));
    Ok(due)
}

fn close(left: f64, right: f64, by: f64) -> bool {
    (left - right).abs() < by
}

pub(crate) async fn waiting_work_is_collected_by_deadline(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    assert_eq!(queue.load().await?, crate::queue::load::Load::default());
    for sid in ["MR1", "MR2"] {
        enqueue(queue.as_ref(), sid, HOUR).await?;
    }
    let later = Deadlines {
        median_seconds: 7000.0,
        ..HOUR
    };
    enqueue(queue.as_ref(), "MR3", later).await?;
    let other = bench.open(&AddonKey::new("addons", "caller-names"), LONG).await?;
    enqueue(other.as_ref(), "MR4", HOUR).await?;

    let due = due(queue.as_ref()).await?;
    let jobs: Vec<_> = due.iter().map(|due| due.jobs).collect();
    assert_eq!(jobs, [2, 1], "{due:?}");
    assert!(due.iter().all(|due| due.endpoint == EndpointName::new("recordings")));
    // Down to a minute, and to ten: never more than there is.
    assert!(
        close(due[0].left_seconds, 3540.0, 1.0) && close(due[1].left_seconds, 6600.0, 1.0),
        "{due:?}"
    );
    assert!(close(due[0].audio_seconds, 2.0 * 3.68, 0.001), "{due:?}");
    assert!(close(due[0].done_seconds, 0.0, 0.001), "{due:?}");
    Ok(())
}

pub(crate) async fn work_in_progress_stands_alone_with_what_is_done(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    for sid in ["MR1", "MR2", "MR3"] {
        enqueue(queue.as_ref(), sid, HOUR).await?;
    }
    assert_eq!(queue.claim(2).await?.len(), 2);
    let found = due(queue.as_ref()).await?;
    let mut done: Vec<_> = found.iter().map(|due| (due.jobs, due.done_seconds > 0.0)).collect();
    done.sort_unstable();
    assert_eq!(done, [(1, false), (1, true), (1, true)], "{found:?}");

    let queue = bench.open(&AddonKey::new("addons", "caller-names"), NONE).await?;
    enqueue(queue.as_ref(), "MR1", HOUR).await?;
    claim_one(queue.as_ref()).await?;
    let found = due(queue.as_ref()).await?;
    assert!(
        close(found[0].done_seconds, 0.0, f64::EPSILON),
        "a lease that has ended has done nothing: {found:?}"
    );
    Ok(())
}

pub(crate) async fn an_overdue_job_is_planned_against_its_next_deadline(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    for (sid, median_seconds, p99_seconds, cutoff_seconds) in [
        ("MR-past-median", 0.0, 600.0, 1000.0),
        ("MR-past-99", 0.0, 0.0, 2000.0),
        ("MR-past-all", 0.0, 0.0, 0.0),
        ("MR-cut-before-its-median", 90.0, 90.0, 60.0),
    ] {
        let deadlines = Deadlines {
            median_seconds,
            p99_seconds,
            cutoff_seconds,
        };
        enqueue(queue.as_ref(), sid, deadlines).await?;
    }
    let left: Vec<_> = due(queue.as_ref()).await?.iter().map(|due| due.left_seconds).collect();
    // Of the cut-off, what is for work: less 6, and less 200. And each may be a little less, for time goes on.
    let expected = [(48.0, 54.0), (540.0, 600.0), (1740.0, 1800.0)];
    assert_eq!(left.len(), expected.len(), "{left:?}");
    for (left, (from, to)) in left.iter().zip(expected) {
        assert!((from..to).contains(left), "{left} is not in {from}..{to}");
    }
    Ok(())
}

pub(crate) async fn what_nobody_may_work_on_is_no_load(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    finished(queue.as_ref(), &job("MR1")?).await?;
    queue.enqueue(remote("MR2", "https://media.example.com/a")?).await?;
    assert_eq!(queue.load().await?.due, []);
    Ok(())
}

pub(crate) async fn the_pace_is_that_of_results(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    for sid in ["MR1", "MR2"] {
        queue.enqueue(job(sid)?).await?;
        let lease = claim_one(queue.as_ref()).await?;
        queue.finish(lease, done("{}")).await?;
    }
    queue.enqueue(job("MR3")?).await?;
    let failed = Outcome {
        body: ResultBody::Inline("{}".to_owned()),
        error_code: Some("timed_out"),
    };
    let lease = claim_one(queue.as_ref()).await?;
    queue.finish(lease, WorkRecord::Done(failed)).await?;
    queue.enqueue(job("MR4")?).await?;
    claim_one(queue.as_ref()).await?;

    let paces = queue.load().await?.paces;
    assert_eq!(paces.len(), 1);
    assert_eq!(paces[0].endpoint, EndpointName::new("recordings"));
    assert!(close(paces[0].audio_seconds, 2.0 * 3.68, 0.001), "{paces:?}");
    assert!((0.0..60.0).contains(&paces[0].work_seconds), "{paces:?}");
    Ok(())
}

pub(crate) async fn a_long_queue_is_a_short_answer(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    for number in 0..300 {
        let deadlines = Deadlines {
            median_seconds: 3000.0 + f64::from(number) / 10.0,
            ..HOUR
        };
        enqueue(queue.as_ref(), &format!("MR{number}"), deadlines).await?;
    }
    let due = due(queue.as_ref()).await?;
    assert_eq!(due.iter().map(|due| due.jobs).sum::<u64>(), 300);
    assert!(due.len() <= 2, "{due:?}");
    Ok(())
}
