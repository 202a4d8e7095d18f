use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn due(left_seconds: f64, jobs: u64, audio_seconds: f64) -> Due {
    Due {
        endpoint: EndpointName::new("recordings"),
        left_seconds,
        jobs,
        audio_seconds,
        done_seconds: 0.0,
    }
}

/// Work takes as long as the audio plays, by much measuring.
fn load(due: Vec<Due>) -> Load {
    let paces = vec![Pace {
        endpoint: EndpointName::new("recordings"),
        audio_seconds: 1e6,
        work_seconds: 1e6,
    }];
    Load { due, paces }
}

fn workers(due: Vec<Due>, permits: usize) -> f64 {
    demand(&load(due), permits).workers
}

#[test]
fn the_hardest_deadline_decides() {
    for (what, dues, permits, expected) in [
        ("nothing to do", vec![], 1, 0.0),
        ("one job with much time", vec![due(180.0, 1, 60.0)], 1, 1.0),
        ("nine that one worker does in time", vec![due(540.0, 9, 540.0)], 1, 1.0),
        ("ten that it does not", vec![due(540.0, 10, 600.0)], 1, 2.0),
        ("with two permits it does", vec![due(540.0, 10, 600.0)], 2, 1.0),
        (
            "the later work is more, but has time",
            vec![due(20.0, 4, 60.0), due(1000.0, 9, 900.0)],
            1,
            3.0,
        ),
        (
            "what comes first is done first",
            vec![due(100.0, 9, 900.0), due(10.0, 3, 30.0)],
            1,
            10.0,
        ),
        (
            "more workers than jobs are of no use",
            vec![due(10.0, 2, 6000.0)],
            1,
            2.0,
        ),
        (
            "work due now needs a worker as soon as one can come",
            vec![due(0.0, 50, 100.0)],
            1,
            10.0,
        ),
    ] {
        assert!((workers(dues, permits) - expected).abs() < f64::EPSILON, "{what}");
    }
}

#[test]
fn what_is_done_is_not_to_be_done_but_what_runs_is_never_quite_done() {
    let mut running = due(20.0, 1, 100.0);
    running.done_seconds = 60.0;
    assert!((demand(&load(vec![running.clone()]), 1).work_seconds - 40.0).abs() < 1e-6);
    running.done_seconds = 500.0;
    let late = demand(&load(vec![running]), 1);
    assert!(
        (late.work_seconds - 10.0).abs() < 1e-6 && (late.workers - 1.0).abs() < f64::EPSILON,
        "{late:?}"
    );
}

#[test]
fn a_pace_is_believed_as_more_is_measured() {
    let measured = |audio_seconds, work_seconds| {
        factor(&Pace {
            endpoint: EndpointName::new("recordings"),
            audio_seconds,
            work_seconds,
        })
    };
    assert!((measured(0.0, 0.0) - 1.0).abs() < f64::EPSILON);
    assert!((measured(10.0, 0.0) - 0.5).abs() < f64::EPSILON);
    assert!((measured(1e6, 2e6) - 2.0).abs() < 1e-4);
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1e5_f64, any::<f64>()]
}

fn any_due() -> impl Strategy<Value = Due> {
    (number(), any::<u64>(), number(), number()).prop_map(|(left_seconds, jobs, audio_seconds, done_seconds)| Due {
        done_seconds,
        ..due(left_seconds, jobs, audio_seconds)
    })
}

fn ordinary() -> impl Strategy<Value = Due> {
    (0.0..1e4_f64, 1..100_u64, 0.0..1e4_f64).prop_map(|(left, jobs, audio)| due(left, jobs, audio))
}

proptest! {
    #[test]
    fn is_a_whole_number_of_workers_whatever_the_database_says(
        dues in vec(any_due(), 0..20), audio in number(), work in number(), permits in any::<usize>(),
    ) {
        let paces = vec![Pace { endpoint: EndpointName::new("recordings"), audio_seconds: audio, work_seconds: work }];
        let found = demand(&Load { due: dues, paces }, permits);
        prop_assert!((0.0..=WORKERS_LIMIT).contains(&found.workers) && found.workers.fract() == 0.0, "{:?}", found);
        prop_assert!(found.work_seconds.is_finite() && found.work_seconds >= 0.0, "{:?}", found);
        prop_assert!(found.factors.iter().all(|(_, factor)| factor.is_finite() && *factor >= 0.0), "{:?}", found);
    }

    #[test]
    fn never_falls_as_work_comes_and_never_rises_with_permits(dues in vec(ordinary(), 1..20), more in ordinary()) {
        let before = workers(dues.clone(), 2);
        let mut after = dues.clone();
        after.push(more);
        prop_assert!(workers(after, 2) >= before);
        prop_assert!(workers(dues.clone(), 3) <= before);
        let jobs: u64 = dues.iter().map(|due| due.jobs).sum();
        prop_assert!(workers(dues, 1) <= f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)));
    }

    /// Simulated: so many permits, always given to the earliest deadline, are late by no more than one job.
    #[test]
    fn so_many_workers_meet_every_deadline_but_for_the_last_piece(
        jobs in vec((20_u32..2000, 1_u32..60), 1..60),
    ) {
        let mut jobs: Vec<_> = jobs.into_iter().map(|(left, audio)| (f64::from(left), f64::from(audio))).collect();
        jobs.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let dues = jobs.iter().map(|(left, audio)| due(*left, 1, *audio)).collect();
        let needed = workers(dues, 1);
        let mut free_at: Vec<f64> = (0..60)
            .map(f64::from)
            .take_while(|worker| *worker < needed)
            .map(|_| 0.0)
            .collect();
        for (deadline, work) in jobs {
            free_at.sort_by(f64::total_cmp);
            free_at[0] += work;
            prop_assert!(free_at[0] <= deadline + 60.0, "{} > {}", free_at[0], deadline);
        }
    }
}
