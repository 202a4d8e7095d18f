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
    AddonKey, AudioFormat, CallbackUrl, Credentials, Deadlines, NewJob, RequestDetails, RequestKey, RequestSid,
    StoredAudio, TwilioSids,
};
use crate::egress::tests::provide_tls;
use crate::egress::{AudioClient, CallbackPolicy, Egress, FetchCredentials, FetchPolicy, SystemResolver};
use crate::queue::{Enqueued, Outcome, ResultBody, SqliteQueue, Standing, WorkRecord};
use crate::spool::{Area, Limits, SpoolError};

mod endings;
mod results;

type Tested = Result<(), Box<dyn Error>>;

/// Long enough for the slowest machine; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_mins(2);
const LIMITS: WorkerLimits = WorkerLimits {
    analyses: 2,
    fetches: 2,
    callbacks: 4,
    lease: LEASE,
    grace: Duration::from_secs(30),
    retention: RETENTION,
    result_bytes: 1_000_000,
};
const SLA: Sla = Sla {
    median_factor: 3.0,
    p99_factor: 5.0,
    cutoff_factor: 10.0,
    floor_seconds: 30.0,
};
const RETENTION: Retention = Retention {
    result_seconds: 72.0 * 3600.0,
    row_seconds: 30.0 * 24.0 * 3600.0,
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
            spool_bytes: 1 << 40,
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
            proxy: None,
        };
        let audio = FetchPolicy {
            allowed_hosts: None,
            allow_insecure: true,
            credentials: FetchCredentials::None,
            timeout_seconds: 300.0,
        };
        let credentials = Credentials {
            account_sid: "AC1".into(),
            tokens: vec![SecretString::from("token")],
            has_previous: false,
        };
        let (_, credentials) = watch::channel(Arc::new(credentials));
        let plan = AnalysisPlan {
            acoustics: Some(AcousticsPlan::default()),
            ..AnalysisPlan::default()
        };
        Ok(Worker {
            queue: Arc::clone(&self.queue),
            spool: Arc::clone(&self.spool),
            plans: HashMap::from([(EndpointName::new("recordings"), plan)]),
            partners: Partners::new(),
            sla: SLA,
            fetcher: Fetcher::new(
                AudioClient::new(audio, Arc::new(SystemResolver))?,
                credentials.clone(),
                1 << 20,
            ),
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
            details: RequestDetails::default(),
            callback: self.callback.clone(),
            audio,
            format: AudioFormat {
                channels: 1,
                sample_rate_hertz: 8_000,
                bits_per_sample: 16,
                seconds: 1.0,
            },
            remote: None,
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

    async fn jobs(&self, wanted: Standing) -> Result<u64, Box<dyn Error>> {
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

impl Bench {
    fn stage(&self) -> WorkStage {
        let plan = AnalysisPlan {
            acoustics: Some(AcousticsPlan::default()),
            ..AnalysisPlan::default()
        };
        WorkStage {
            queue: Arc::clone(&self.queue),
            spool: Arc::clone(&self.spool),
            plans: HashMap::from([(EndpointName::new("recordings"), plan)]),
            partners: Partners::new(),
            metrics: self.metrics.clone(),
            jitter: Arc::new(Jitter::seeded(1)),
            lease: LEASE,
            result_bytes: LIMITS.result_bytes,
            given_up: CancellationToken::new(),
        }
    }
}
