//! The worker on a real queue, a real spool and a receiver on the loopback address.

use std::error::Error;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use hound::{SampleFormat, WavSpec, WavWriter};
use prometheus::{Registry, TextEncoder};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::*;
use crate::analysis::AcousticsPlan;
use crate::domain::{
    AddonKey, AudioFormat, CallbackUrl, Credentials, Deadlines, NewJob, RequestKey, RequestSid, StoredAudio, TwilioSids,
};
use crate::egress::tests::provide_tls;
use crate::egress::{CallbackPolicy, Egress, SystemResolver};
use crate::queue::{Enqueued, JobState, Outcome, ResultBody, SqliteQueue, WorkRecord};
use crate::spool::{Area, Limits, SpoolError};

type Tested = Result<(), Box<dyn Error>>;

/// Long enough for the slowest machine; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_mins(2);
const LIMITS: WorkerLimits = WorkerLimits {
    analyses: 2,
    callbacks: 4,
    lease: LEASE,
    grace: Duration::from_secs(30),
    retention: RETENTION,
};

/// A service without its server.
struct Bench {
    queue: Arc<dyn Queue>,
    spool: Arc<Spool>,
    registry: Registry,
    metrics: WorkMetrics,
    callback: CallbackUrl,
    received: mpsc::UnboundedReceiver<Value>,
    folder: TempDir,
}

impl Bench {
    /// The receiver answers with these statuses in turn, then with 200.
    async fn start(lease: Duration, statuses: &[u16]) -> Result<Self, Box<dyn Error>> {
        provide_tls();
        let folder = TempDir::new()?;
        let limits = Limits {
            max_file_bytes: 1 << 30,
            quarantine_bytes: 1 << 30,
            quarantine_files: 10,
        };
        let addon = AddonKey::new("addons", "call-insights");
        let queue = SqliteQueue::open(&folder.path().join("queue.sqlite"), addon.clone(), lease).await?;
        let spool = Spool::open(folder.path(), limits)?;
        let registry = Registry::new();
        let metrics = WorkMetrics::register(&registry, &addon)?;
        let (callback, received) = receiver(statuses).await?;
        Ok(Self {
            queue: Arc::new(queue),
            spool: Arc::new(spool),
            registry,
            metrics,
            callback,
            received,
            folder,
        })
    }

    fn worker(&self, limits: WorkerLimits) -> Result<Worker, Box<dyn Error>> {
        let policy = CallbackPolicy {
            allowed_hosts: vec!["127.0.0.1".parse()?],
            allow_insecure: true,
        };
        let credentials = Credentials {
            account_sid: "AC1".into(),
            tokens: vec![SecretString::from("token")],
        };
        let (_, credentials) = watch::channel(Arc::new(credentials));
        let plan = AnalysisPlan {
            acoustics: Some(AcousticsPlan::default()),
        };
        Ok(Worker {
            queue: Arc::clone(&self.queue),
            spool: Arc::clone(&self.spool),
            plans: HashMap::from([(EndpointName::new("recordings"), plan)]),
            callbacks: Callbacks::new(Egress::new(policy, Arc::new(SystemResolver))?, credentials),
            metrics: self.metrics.clone(),
            jitter: Jitter::seeded(1),
            limits,
        })
    }

    async fn accept(&self, bytes: &[u8], sid: &str) -> Result<NewJob, Box<dyn Error>> {
        let mut file = self.spool.quarantine().await?;
        file.write(bytes).await?;
        let job = self.job(file.store().await?, sid)?;
        assert_eq!(self.queue.enqueue(job.clone()).await?, Enqueued::Accepted);
        Ok(job)
    }

    fn job(&self, audio: StoredAudio, sid: &str) -> Result<NewJob, Box<dyn Error>> {
        Ok(NewJob {
            endpoint: EndpointName::new("recordings"),
            request: RequestKey::from_sid(&RequestSid::parse(sid)?),
            sids: TwilioSids {
                request: Some(sid.to_owned()),
                ..TwilioSids::default()
            },
            callback: self.callback.clone(),
            audio,
            format: AudioFormat {
                channels: 1,
                sample_rate_hertz: 8_000,
                bits_per_sample: 16,
                seconds: 1.0,
            },
            fields_digest: "digest".to_owned(),
            deadlines: Deadlines {
                median_seconds: 600.0,
                p99_seconds: 600.0,
                cutoff_seconds: 600.0,
            },
        })
    }

    /// Works until this many callbacks have come.
    async fn work_until_called(&mut self, times: usize) -> Result<Vec<Value>, Box<dyn Error>> {
        let stop = CancellationToken::new();
        let working = tokio::spawn(self.worker(LIMITS)?.run(stop.clone()));
        let mut bodies = Vec::new();
        for _ in 0..times {
            let body = tokio::time::timeout(PATIENCE, self.received.recv()).await?;
            bodies.push(body.ok_or("the receiver is gone")?);
        }
        stop.cancel();
        tokio::time::timeout(PATIENCE, working).await??;
        Ok(bodies)
    }

    /// The same queue as the next process opens it.
    async fn reopen(&mut self, lease: Duration) -> Tested {
        let addon = AddonKey::new("addons", "call-insights");
        self.queue = Arc::new(SqliteQueue::open(&self.folder.path().join("queue.sqlite"), addon, lease).await?);
        Ok(())
    }

    fn metrics_text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    fn sweeper(&self) -> Sweeper {
        Sweeper {
            queue: Arc::clone(&self.queue),
            spool: Arc::clone(&self.spool),
            metrics: self.metrics.clone(),
            retention: RETENTION,
        }
    }

    async fn jobs(&self, wanted: JobState) -> Result<u64, Box<dyn Error>> {
        let jobs = self.queue.gauges().await?.jobs;
        Ok(jobs
            .iter()
            .find(|(state, _)| *state == wanted)
            .map_or(0, |(_, jobs)| *jobs))
    }
}

type Answers = (Arc<Mutex<Vec<u16>>>, mpsc::UnboundedSender<Value>);

async fn receiver(statuses: &[u16]) -> Result<(CallbackUrl, mpsc::UnboundedReceiver<Value>), Box<dyn Error>> {
    let (sender, received) = mpsc::unbounded_channel();
    let statuses = Arc::new(Mutex::new(statuses.iter().rev().copied().collect()));
    let router = Router::new()
        .route("/callback", post(receive))
        .with_state((statuses, sender));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let callback = CallbackUrl::parse(&format!("http://{}/callback", listener.local_addr()?))?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((callback, received))
}

async fn receive(State((statuses, sender)): State<Answers>, body: String) -> StatusCode {
    drop(sender.send(serde_json::from_str(&body).unwrap_or(Value::Null)));
    let status = statuses.lock().expect("no test panics here").pop().unwrap_or(200);
    StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT)
}

/// One second that is heard for its first half.
fn wav() -> Result<Vec<u8>, hound::Error> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec)?;
    for frame in 0..8_000_i16 {
        writer.write_sample(if frame < 4_000 { (frame % 16 - 8) * 1000 } else { 0 })?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

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
    let expected =
        json!({"request_sid": "MR1", "endpoint": "recordings", "error_code": "unreadable_audio", "results": null});
    assert_eq!(bench.work_until_called(1).await?, [expected]);
    Ok(())
}

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
    assert_eq!(bench.jobs(JobState::Queued).await?, 1);
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
    assert_eq!(bench.jobs(JobState::Running).await?, 1, "the other still has it");
    assert_eq!(bench.jobs(JobState::Delivering).await?, 0);
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
        while bench.jobs(JobState::Running).await? == 0 {
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
        while bench.jobs(JobState::Queued).await? == 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok::<(), Box<dyn Error>>(())
    };
    tokio::time::timeout(PATIENCE, started).await??;
    stop.cancel();
    tokio::time::timeout(PATIENCE, working).await??;
    assert_eq!(
        bench.jobs(JobState::Queued).await? + bench.jobs(JobState::Running).await?,
        0
    );
    assert!(bench.metrics_text()?.contains(r#"outcome="analyzed"} 1"#));
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
        bench.spool.read_result(&result).await,
        Err(SpoolError::UseDisk { .. })
    ));
    assert!(bench.spool.path(&job.audio.key).exists());
    Ok(())
}

#[tokio::test]
async fn a_rejected_callback_keeps_its_row_and_is_not_tried_again() -> Tested {
    let mut bench = Bench::start(LEASE, &[400]).await?;
    bench.accept(&wav()?, "MR1").await?;
    bench.work_until_called(1).await?;
    assert_eq!(bench.jobs(JobState::Rejected).await?, 1);
    assert!(bench.queue.claim_deliveries(1).await?.is_empty());
    assert!(
        bench
            .metrics_text()?
            .contains(r#"outcome="rejected",reason="client_error"} 1"#)
    );
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

impl Bench {
    fn stage(&self) -> WorkStage {
        let plan = AnalysisPlan {
            acoustics: Some(AcousticsPlan::default()),
        };
        WorkStage {
            queue: Arc::clone(&self.queue),
            spool: Arc::clone(&self.spool),
            plans: HashMap::from([(EndpointName::new("recordings"), plan)]),
            metrics: self.metrics.clone(),
            jitter: Arc::new(Jitter::seeded(1)),
            lease: LEASE,
            given_up: CancellationToken::new(),
        }
    }
}
