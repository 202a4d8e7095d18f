//! What reaches the receiver, and what is tidied away afterwards.

use super::*;

#[tokio::test]
async fn a_recording_becomes_a_result_that_reaches_its_callback() -> Tested {
    let mut bench = Bench::start(LEASE, &[]).await?;
    let job = bench.accept(&wav()?, "MR1").await?;
    let bodies = bench.work_until_called(1).await?;
    let body = &bodies[0];
    assert_eq!(body["request_sid"], "MR1");
    assert_eq!(body["endpoint"], "recordings");
    assert_eq!(body["error_code"], Value::Null);
    let acoustics = &body["results"]["acoustics"];
    assert_eq!(acoustics["duration_seconds"], 1.0);
    assert_eq!(
        acoustics["silence"]["spans"],
        json!([{"start_seconds": 0.5, "end_seconds": 1.0}])
    );

    bench.sweeper().sweep().await?;
    assert!(
        !bench.spool.path(&job.audio.key).exists(),
        "gone once the callback is confirmed"
    );
    let text = bench.metrics_text()?;
    for line in [
        r#"marketplace_jobs_finished_total{addon="addons/call-insights",deadline="median",endpoint="recordings"} 1"#,
        r#"marketplace_job_attempts_total{addon="addons/call-insights",endpoint="recordings",outcome="analyzed"} 1"#,
        r#"marketplace_callbacks_total{addon="addons/call-insights",endpoint="recordings",outcome="confirmed",reason="none"} 1"#,
        r#"marketplace_analyzed_audio_seconds_total{addon="addons/call-insights",endpoint="recordings"} 1"#,
        r#"marketplace_queue_jobs{addon="addons/call-insights",state="queued"} 0"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    Ok(())
}

#[tokio::test]
async fn many_recordings_each_reach_their_callback_once() -> Tested {
    let mut bench = Bench::start(LEASE, &[]).await?;
    for number in 0..25 {
        bench.accept(&wav()?, &format!("MR{number}")).await?;
    }
    let bodies = bench.work_until_called(25).await?;
    let mut sids: Vec<_> = bodies.iter().filter_map(|body| body["request_sid"].as_str()).collect();
    sids.sort_unstable();
    sids.dedup();
    assert_eq!(sids.len(), 25);
    assert!(bench.received.try_recv().is_err(), "none came twice");
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_again() -> Tested {
    let mut bench = Bench::start(LEASE, &[503]).await?;
    bench.accept(&wav()?, "MR1").await?;
    let bodies = bench.work_until_called(2).await?;
    assert_eq!(bodies[0], bodies[1], "the stored result, not a new one");
    let text = bench.metrics_text()?;
    assert!(text.contains(r#"outcome="retried",reason="server_error"} 1"#), "{text}");
    assert!(text.contains(r#"outcome="confirmed",reason="none"} 1"#), "{text}");
    Ok(())
}

#[tokio::test]
async fn audio_that_can_not_be_read_is_an_error_result() -> Tested {
    let mut bench = Bench::start(LEASE, &[]).await?;
    bench.accept(b"these are not the bytes of a sound", "MR1").await?;
    let expected = json!({
        "schema_version": 1, "request_sid": "MR1", "endpoint": "recordings", "error_code": "unreadable_audio", "results": null,
    });
    assert_eq!(bench.work_until_called(1).await?, [expected]);
    Ok(())
}

#[tokio::test]
async fn a_large_result_is_delivered_from_the_spool() -> Tested {
    let mut bench = Bench::start(LEASE, &[]).await?;
    bench.accept(&wav()?, "MR1").await?;
    let large = json!({"results": "x".repeat(300_000)});
    let key = bench.spool.store_result(large.to_string().as_bytes()).await?;
    let body = ResultBody::Spooled(key.clone());
    for lease in bench.queue.claim(1).await? {
        let outcome = Outcome {
            body: body.clone(),
            error_code: None,
        };
        bench.queue.finish(lease, WorkRecord::Done(outcome)).await?;
    }
    assert_eq!(bench.work_until_called(1).await?, [large]);
    Ok(())
}

#[tokio::test]
async fn only_what_no_row_names_is_tidied_away() -> Tested {
    let bench = Bench::start(LEASE, &[]).await?;
    let job = bench.accept(&wav()?, "MR1").await?;
    let mut upload = bench.spool.quarantine().await?;
    upload.write(b"accepted by nobody").await?;
    let orphan = upload.store().await?;
    let result = bench.spool.store_result(b"{}").await?;
    bench.sweeper().tidy(Duration::from_mins(10)).await?;
    assert!(
        bench.spool.path(&orphan.key).exists(),
        "its row may be about to be written"
    );
    bench.sweeper().tidy(Duration::ZERO).await?;
    assert!(!bench.spool.path(&orphan.key).exists());
    assert!(matches!(
        bench.spool.read(Area::Results, &result).await,
        Err(SpoolError::FindFile)
    ));
    assert!(bench.spool.path(&job.audio.key).exists());
    Ok(())
}

#[tokio::test]
async fn a_rejected_callback_keeps_its_row_and_is_not_tried_again() -> Tested {
    let mut bench = Bench::start(LEASE, &[400]).await?;
    bench.accept(&wav()?, "MR1").await?;
    bench.work_until_called(1).await?;
    assert_eq!(bench.jobs(Standing::Rejected).await?, 1);
    assert!(bench.queue.claim_deliveries(1).await?.is_empty());
    assert!(
        bench
            .metrics_text()?
            .contains(r#"outcome="rejected",reason="client_error"} 1"#)
    );
    Ok(())
}
