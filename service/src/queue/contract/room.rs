//! How much of the queue there is for whom.

use std::collections::HashMap;

use super::jobs::note;
use super::{Bench, LONG, Tested, addon, again, claim_one, done, job};
use crate::domain::NewJob;
use crate::queue::{Enqueued, Room};

fn of_install(sid: &str, install: Option<&str>) -> Result<NewJob, Box<dyn std::error::Error>> {
    let mut job = job(sid)?;
    job.sids.addon_install = install.map(str::to_owned);
    Ok(job)
}

fn running(most: u64) -> Room {
    Room {
        install_running: Some(most),
        ..Room::UNBOUNDED
    }
}

pub(crate) async fn a_full_queue_takes_nothing_new(bench: &dyn Bench) -> Tested {
    let room = Room {
        unfinished: 2,
        ..Room::UNBOUNDED
    };
    let queue = bench.open_bounded(&addon(), LONG, room).await?;
    for sid in ["MR1", "MR2"] {
        assert_eq!(queue.enqueue(job(sid)?).await?, Enqueued::Accepted);
    }
    let third = job("MR3")?;
    let unneeded = third.audio.key.clone();
    assert_eq!(queue.enqueue(third.clone()).await?, Enqueued::Full { unneeded });
    let lease = queue.claim(1).await?.pop().ok_or("there is work")?;
    assert!(
        matches!(queue.enqueue(third.clone()).await?, Enqueued::Full { .. }),
        "work takes room"
    );
    queue.finish(lease, done("{}")).await?;
    assert_eq!(queue.enqueue(third).await?, Enqueued::Accepted);
    Ok(())
}

pub(crate) async fn one_installation_does_not_fill_the_queue(bench: &dyn Bench) -> Tested {
    let room = Room {
        install_unfinished: 1,
        ..Room::UNBOUNDED
    };
    let queue = bench.open_bounded(&addon(), LONG, room).await?;
    for (number, install) in [Some("XE1"), Some("XE2"), None].into_iter().enumerate() {
        let first = of_install(&format!("MR{number}"), install)?;
        assert_eq!(queue.enqueue(first).await?, Enqueued::Accepted, "{install:?}");
        let second = of_install(&format!("MR{number}-2"), install)?;
        let unneeded = second.audio.key.clone();
        let enqueued = queue.enqueue(second).await?;
        assert_eq!(enqueued, Enqueued::InstallFull { unneeded }, "{install:?}");
    }
    Ok(())
}

pub(crate) async fn a_known_request_is_never_refused_for_room(bench: &dyn Bench) -> Tested {
    let room = Room {
        unfinished: 1,
        install_unfinished: 1,
        install_running: None,
    };
    let queue = bench.open_bounded(&addon(), LONG, room).await?;
    let accepted = job("MR1")?;
    queue.enqueue(accepted.clone()).await?;
    assert!(matches!(
        queue.enqueue(again(&accepted)).await?,
        Enqueued::Duplicate { .. }
    ));
    Ok(())
}

pub(crate) async fn held_jobs_take_no_room(bench: &dyn Bench) -> Tested {
    let room = Room {
        unfinished: 1,
        install_unfinished: 1,
        install_running: None,
    };
    let queue = bench.open_bounded(&addon(), LONG, room).await?;
    queue.enqueue(job("MR1")?).await?;
    queue.fence(1e12, &note()).await?;
    assert_eq!(queue.enqueue(job("MR2")?).await?, Enqueued::Accepted);
    Ok(())
}

pub(crate) async fn a_flood_leaves_workers_for_others(bench: &dyn Bench) -> Tested {
    let queue = bench.open_bounded(&addon(), LONG, running(2)).await?;
    for number in 0..20 {
        let mut job = of_install(&format!("MR-flood-{number}"), Some("XE1"))?;
        job.deadlines.median_seconds = f64::from(number);
        queue.enqueue(job).await?;
    }
    queue.enqueue(of_install("MR-other", Some("XE2"))?).await?;
    let claimed = queue.claim(10).await?;
    let sids: Vec<_> = claimed
        .iter()
        .map(|lease| lease.subject.work.sids.request.as_deref())
        .collect();
    assert_eq!(sids, [Some("MR-flood-0"), Some("MR-flood-1"), Some("MR-other")]);
    assert!(queue.claim(10).await?.is_empty(), "two of the flood run");
    for lease in claimed.into_iter().take(1) {
        queue.finish(lease, done("{}")).await?;
    }
    let next = claim_one(queue.as_ref()).await?;
    assert_eq!(next.subject.work.sids.request.as_deref(), Some("MR-flood-2"));
    Ok(())
}

pub(crate) async fn no_more_than_may_run_are_claimed_at_once(bench: &dyn Bench) -> Tested {
    let (one, two) = (
        bench.open_bounded(&addon(), LONG, running(3)).await?,
        bench.open_bounded(&addon(), LONG, running(3)).await?,
    );
    for number in 0..30 {
        let install = format!("XE{}", number % 2);
        one.enqueue(of_install(&format!("MR{number}"), Some(&install))?).await?;
    }
    let claims = (0..20).map(|turn| if turn % 2 == 0 { one.claim(2) } else { two.claim(2) });
    let mut running: HashMap<_, u64> = HashMap::new();
    for claimed in futures::future::join_all(claims).await {
        for lease in claimed? {
            *running.entry(lease.subject.work.sids.addon_install).or_default() += 1;
        }
    }
    assert_eq!(running.into_values().collect::<Vec<_>>(), [3, 3]);
    Ok(())
}
