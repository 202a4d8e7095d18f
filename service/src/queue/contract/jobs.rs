//! What people see of jobs.

use super::{Bench, LONG, Tested, addon, job};
use crate::domain::{JobId, NewJob};
use crate::queue::jobs::{Filter, JobFacts, Jobs, Note, Page};
use crate::queue::{QueueError, Standing};

const ALL: Page = Page {
    after: None,
    limit: 100,
};

pub(super) fn note() -> Note {
    Note {
        author: "ada".to_owned(),
        choice: "state=rejected".to_owned(),
    }
}

pub(super) async fn listed(queue: &dyn Jobs) -> Result<Vec<JobFacts>, QueueError> {
    queue.list(&Filter::default(), ALL).await
}

pub(super) async fn only(queue: &dyn Jobs) -> Result<JobFacts, Box<dyn std::error::Error>> {
    let mut all = listed(queue).await?;
    all.pop()
        .filter(|_| all.is_empty())
        .ok_or_else(|| "want one job".into())
}

fn of_install(sid: &str, install: &str) -> Result<NewJob, Box<dyn std::error::Error>> {
    let mut job = job(sid)?;
    job.sids.addon_install = Some(install.to_owned());
    job.sids.addon_version = Some(format!("{install}-version"));
    Ok(job)
}

type Narrow = fn(&mut Filter);

/// Of a running job of XE1 and a waiting one of XE2.
const NARROWED: [(&str, Narrow, usize); 13] = [
    ("nothing", |_| (), 2),
    ("one state", |filter| filter.standings = vec![Standing::Running], 1),
    (
        "two",
        |filter| filter.standings = vec![Standing::Running, Standing::Queued],
        2,
    ),
    ("another", |filter| filter.standings = vec![Standing::Held], 0),
    ("the endpoint", |filter| filter.endpoint = Some("recordings".into()), 2),
    ("another endpoint", |filter| filter.endpoint = Some("other".into()), 0),
    ("an installation", |filter| filter.install = Some("XE2".into()), 1),
    ("a version", |filter| filter.version = Some("XE1-version".into()), 1),
    ("a request", |filter| filter.request = Some("MR2".into()), 1),
    ("half a request", |filter| filter.request = Some("MR".into()), 0),
    (
        "this century",
        |filter| (filter.after, filter.before) = (Some(1e9), Some(1e11)),
        2,
    ),
    ("a later one", |filter| filter.after = Some(1e11), 0),
    ("an earlier one", |filter| filter.before = Some(1e9), 0),
];

pub(crate) async fn jobs_are_listed_by_every_filter(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    queue.enqueue(of_install("MR1", "XE1")?).await?;
    queue.enqueue(of_install("MR2", "XE2")?).await?;
    let first = claim_one_of(queue.as_ref(), 1).await?;
    let by_name = Filter {
        id: Some(first),
        ..Filter::default()
    };
    assert_eq!(queue.list(&by_name, ALL).await?.len(), 1);
    for (what, narrow, expected) in NARROWED {
        let mut filter = Filter::default();
        narrow(&mut filter);
        assert_eq!(queue.list(&filter, ALL).await?.len(), expected, "{what}");
    }
    // By its id: two that were accepted in one millisecond stand in no order.
    let facts = queue.list(&by_name, ALL).await?.pop().ok_or("the job is listed")?;
    assert_eq!(
        (facts.standing, facts.is_leased, facts.attempts),
        (Standing::Running, true, 1)
    );
    assert_eq!(facts.callback_host.as_deref(), Some("api.twilio.com"));
    assert!((facts.has_audio, facts.has_result) == (true, false) && facts.times.cutoff > facts.times.accepted);
    Ok(())
}

async fn claim_one_of(queue: &dyn Jobs, limit: usize) -> Result<JobId, Box<dyn std::error::Error>> {
    let lease = queue.claim(limit).await?.pop().ok_or("there is a job")?;
    Ok(lease.subject.id)
}

pub(crate) async fn pages_follow_one_another(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    for number in 0..5 {
        queue.enqueue(job(&format!("MR{number}"))?).await?;
    }
    let all: Vec<_> = listed(queue.as_ref()).await?.iter().map(|job| job.id).collect();
    let mut paged = Vec::new();
    loop {
        let after = paged.last().copied();
        let page = queue.list(&Filter::default(), Page { after, limit: 2 }).await?;
        paged.extend(page.iter().map(|job| job.id));
        if page.len() < 2 {
            break;
        }
    }
    assert_eq!((paged.len(), paged), (5, all));
    Ok(())
}
