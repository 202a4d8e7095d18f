//! Work that does not go to its end: lost, stopped, too late or tried too often.

use super::*;

#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up_and_its_sender_is_told() -> Tested {
    let mut bench = Bench::start(Duration::ZERO, &[]).await?;
    bench.accept(&wav()?, "MR1").await?;
    for attempt in 1..=MAX_ATTEMPTS {
        let leases = bench.queue.claim(1).await?;
        assert_eq!(leases.first().map(|lease| lease.subject.attempt), Some(attempt));
    }
    bench.reopen(LEASE).await?;
    let bodies = bench.work_until_called(1).await?;
    assert_eq!(bodies[0]["error_code"], "internal_error");
    assert!(bench.metrics_text()?.contains(r#"outcome="gave_up"} 1"#));
    Ok(())
}

#[tokio::test]
async fn a_job_whose_time_is_over_is_not_worked_on_and_its_sender_is_told() -> Tested {
    let mut bench = Bench::start(LEASE, &[]).await?;
    let mut file = bench.spool.quarantine().await?;
    file.write(&wav()?).await?;
    let deadlines = Deadlines {
        median_seconds: 0.0,
        p99_seconds: 0.0,
        cutoff_seconds: 0.0,
    };
    let job = NewJob {
        deadlines,
        ..bench.job(file.store().await?, "MR1")?
    };
    bench.queue.enqueue(job).await?;
    let bodies = bench.work_until_called(1).await?;
    assert_eq!(bodies[0]["error_code"], "timed_out");
    let text = bench.metrics_text()?;
    assert!(text.contains(r#"deadline="late",endpoint="recordings"} 1"#), "{text}");
    assert!(!text.contains("marketplace_analysis_seconds_count"), "{text}");
    Ok(())
}

#[tokio::test]
async fn audio_that_is_lost_is_tried_again_and_not_forgotten() -> Tested {
    let bench = Bench::start(LEASE, &[]).await?;
    let job = bench.accept(&wav()?, "MR1").await?;
    bench.spool.remove(Area::Audio, &job.audio.key).await?;
    let stage = bench.stage();
    for lease in claiming::Stage::claim(&stage, 1).await? {
        claiming::Stage::handle(&stage, lease).await;
    }
    assert_eq!(bench.jobs(Standing::Queued).await?, 1);
    assert!(bench.metrics_text()?.contains(r#"outcome="failed"} 1"#));
    Ok(())
}

#[tokio::test]
async fn the_result_of_a_lost_lease_is_dropped() -> Tested {
    let bench = Bench::start(Duration::ZERO, &[]).await?;
    bench.accept(&wav()?, "MR1").await?;
    let stage = bench.stage();
    let outdated = claiming::Stage::claim(&stage, 1).await?;
    let fresh = bench.queue.claim(1).await?;
    for lease in outdated {
        claiming::Stage::handle(&stage, lease).await;
    }
    assert_eq!(bench.jobs(Standing::Running).await?, 1, "the other still has it");
    assert_eq!(bench.jobs(Standing::Delivering).await?, 0);
    assert!(bench.metrics_text()?.contains(r#"outcome="lease_lost"} 1"#));
    drop(fresh);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_stopped_gives_its_work_back_uncounted() -> Tested {
    let bench = Bench::start(LEASE, &[]).await?;
    // Half an hour of silence that takes no room on the disk: far more than is analysed before the stop.
    let mut header = wav()?;
    let (samples_bytes, header_bytes) = (1_u32 << 29, 44_usize);
    header.splice(40..44, samples_bytes.to_le_bytes());
    header.truncate(header_bytes);
    let job = bench.accept(&header, "MR1").await?;
    let file = std::fs::File::options()
        .write(true)
        .open(bench.spool.path(&job.audio.key))?;
    file.set_len(u64::from(samples_bytes) + header_bytes as u64)?;

    let stop = CancellationToken::new();
    let limits = WorkerLimits {
        grace: Duration::ZERO,
        ..LIMITS
    };
    let working = tokio::spawn(bench.worker(limits)?.run(stop.clone()));
    let started = async {
        while bench.jobs(Standing::Running).await? == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok::<(), Box<dyn Error>>(())
    };
    tokio::time::timeout(PATIENCE, started).await??;
    stop.cancel();
    tokio::time::timeout(PATIENCE, working).await??;
    let leases = bench.queue.claim(1).await?;
    assert_eq!(leases.first().map(|lease| lease.subject.attempt), Some(1));
    assert!(bench.metrics_text()?.contains(r#"outcome="released"} 1"#));
    Ok(())
}

#[tokio::test]
async fn a_stopped_worker_finishes_what_fits_its_grace() -> Tested {
    let bench = Bench::start(LEASE, &[]).await?;
    bench.accept(&wav()?, "MR1").await?;
    let stop = CancellationToken::new();
    let working = tokio::spawn(bench.worker(LIMITS)?.run(stop.clone()));
    let started = async {
        while bench.jobs(Standing::Queued).await? == 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok::<(), Box<dyn Error>>(())
    };
    tokio::time::timeout(PATIENCE, started).await??;
    stop.cancel();
    tokio::time::timeout(PATIENCE, working).await??;
    assert_eq!(
        bench.jobs(Standing::Queued).await? + bench.jobs(Standing::Running).await?,
        0
    );
    assert!(bench.metrics_text()?.contains(r#"outcome="analyzed"} 1"#));
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_keeps_its_lease_until_another_has_it() -> Tested {
    let bench = Bench::start(Duration::ZERO, &[]).await?;
    bench.accept(&wav()?, "MR1").await?;
    let mut leases = bench.queue.claim(1).await?;
    let lease = leases.pop().ok_or("no lease")?;
    let every = Duration::from_millis(3);
    let heartbeat = heartbeat::Heartbeat::start(Arc::clone(&bench.queue), lease.fence().clone(), every);
    let fresh = bench.queue.claim(1).await?;
    tokio::time::timeout(PATIENCE, heartbeat.lost()).await?;
    for lease in fresh {
        bench.queue.renew(lease.fence()).await?;
    }
    Ok(())
}
