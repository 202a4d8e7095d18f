//! `run`: opens what the add-on needs, starts its parts, and stops them in order. Only wiring; every decision is elsewhere.

mod descriptors;
pub(in crate::cli) mod engines;
mod files;
mod storage;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use marketplace_daemon::{Admin, Grace, Readiness, Tasks, on_signal, telemetry};
use tokio::net::TcpListener;

pub(super) use self::storage::open_bucket;
use self::storage::{Storage, fit};
use super::{AddonOptions, BUILD, CommandError, LogOptions, ModelOptions, TraceOptions, read_config};
use crate::callback::Callbacks;
use crate::config::{Config, Endpoint, HandlerPlan};
use crate::domain::EndpointName;
use crate::egress::{AudioClient, Egress, SystemResolver};
use crate::fetch::Fetcher;
use crate::files::{SecretFiles, Secrets};
use crate::gauging::Gauging;
use crate::handler::LookupHandler;
use crate::handler::analysis::Recordings;
use crate::handler::http::{self, PartnerMetrics, Partners};
use crate::metrics::Metrics;
use crate::retry::Jitter;
use crate::server::connection::{self, Door, Held, Stop};
use crate::server::seats::Seats;
use crate::server::{Passwords, Server};
use crate::speech::Engines;
use crate::worker::{LEASE, WorkMetrics, Worker, WorkerLimits};

/// Callbacks only wait, so there may be many.
const CALLBACKS_LIMIT: usize = 16;

/// Fetches mostly wait too; but each writes to the disk, and takes a place in quarantine that an upload may want.
const FETCHES_LIMIT: usize = 8;

/// How much longer than the worker's own grace period the process waits for its parts.
const FINISH_MARGIN: Duration = Duration::from_secs(5);

/// Flags of `run`.
#[derive(Debug, clap::Args)]
pub struct RunOptions {
    #[command(flatten)]
    addon: AddonOptions,

    /// Where accepted recordings and their jobs are kept. Needed when an endpoint is answered later.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where Twilio's requests are served: as plain HTTP, so that TLS ends in front of it, unless there is --tls.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,

    /// A folder with tls.crt and tls.key, as a Secret of the type kubernetes.io/tls is mounted: requests are served with TLS
    /// 1.2 or 1.3. A new pair is taken without a restart.
    #[arg(long, value_name = "DIR")]
    tls: Option<PathBuf>,

    /// Where /healthz, /readyz, /metrics and /credentials are served.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8081")]
    admin: SocketAddr,

    /// Which half of the work this process does: accept requests, work on recordings, or both.
    #[arg(long, value_enum, default_value_t)]
    role: Role,

    /// How often the files of the secrets and of the certificate are read again.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    secrets_interval_seconds: u64,

    /// On SIGTERM: how long requests are still taken after readiness has fallen, so that who sends them can notice.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=60))]
    notice_seconds: u64,

    /// On SIGTERM, after that: how long requests and analyses may take to finish. What does not is left to the next start.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(0..=3600))]
    grace_seconds: u64,

    /// How many recordings a worker analyzes at one time; as many as the process has processors when it is not given. Give
    /// the same to every process of an add-on: the number of workers that are needed follows from it.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1000))]
    analyses: Option<u16>,

    #[command(flatten)]
    model: ModelOptions,

    /// After a backup was restored: hold what was accepted before this time (RFC 3339) and is unfinished in the backup, for
    /// it may have been finished since. Neither worked on nor delivered until `jobs replay` or `jobs discard` chooses. Done
    /// once for each time that is given here; give it to every process.
    #[arg(long, value_name = "TIME")]
    fence_before: Option<Timestamp>,

    #[command(flatten)]
    log: LogOptions,

    #[command(flatten)]
    traces: TraceOptions,
}

/// Which half of the work a process does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Accept requests.
    Front,
    /// Work on recordings.
    Worker,
    /// Both.
    #[default]
    All,
}

/// Serves until SIGTERM or SIGINT.
pub async fn run(options: RunOptions) -> Result<(), CommandError> {
    let config = Arc::new(read_config(&options.addon.file).map_err(CommandError::input)?);
    fit(&config, options.role, options.data.is_some()).map_err(CommandError::input)?;
    files::find_secrets(&config, &options.addon.places()).map_err(CommandError::input)?;
    let traces = options.traces.start(&config.addon).map_err(CommandError::input)?;
    options.log.start(traces.as_ref()).map_err(CommandError::input)?;
    descriptors::raise(&config.limits);
    let asked = on_signal().map_err(CommandError::work)?;
    let metrics = Metrics::new(&config.addon).map_err(CommandError::work)?;
    telemetry::register_build(metrics.registry(), BUILD).map_err(CommandError::work)?;
    metrics.describe(&config);

    let admin_listener = Admin::listen(options.admin).await.map_err(CommandError::work)?;
    let listener = match options.role {
        Role::Front | Role::All => {
            let certificate = files::open_certificate(&options, &config, &metrics)?;
            Some((listen(options.listen).await?, certificate))
        }
        Role::Worker => None,
    };
    let (secret_files, secrets) = SecretFiles::open(options.addon.places(), config.secrets.clone());
    let storage = storage::open(&config, options.data.as_deref(), &secrets).await?;
    if let (Some(storage), Some(before)) = (&storage, options.fence_before) {
        storage::fence(storage.queue.as_ref(), before).await?;
    }

    let partners = open_partners(&config, &secrets, &metrics)?;
    let (looker, reach_page) = storage.as_ref().map(storage::looker).unzip();
    let (mut tasks, readiness) = (Tasks::default(), Readiness::default());
    let registry = metrics.registry().clone();
    let admin = Admin {
        readiness: readiness.clone(),
        liveness: Arc::new(|| Ok(())),
        registry,
        pages: std::iter::once(files::credentials_page(secrets.credentials.clone()))
            .chain(reach_page)
            .collect(),
    };
    let admin = tokio::spawn(admin.serve(admin_listener, tasks.last()));
    let (interval, grace) = (Duration::from_secs(options.secrets_interval_seconds), grace(&options));
    tasks.spawn(
        "secrets",
        files::reread(secret_files, interval, tasks.stop(), secrets.clone(), metrics.clone()),
    );
    if let Some(looker) = looker {
        storage::look(looker, &mut tasks);
    }
    let analyses = analyses(&options);
    if let Some(storage) = &storage {
        let (queue, stop) = (storage.queue.clone(), tasks.stop());
        let gauging = Gauging::register(metrics.registry(), &config.addon, queue, analyses);
        let gauging = gauging.map_err(CommandError::work)?;
        tasks.spawn("gauging", async move {
            gauging.run(stop).await;
            Ok::<_, Infallible>(())
        });
    }
    if let (Some(storage), Role::All | Role::Worker) = (&storage, options.role) {
        let engines = engines::start(&config, &options.model, &secrets, analyses)?;
        let doers = (partners.clone(), engines);
        let worker = worker(&config, storage, (&secrets, &metrics), doers, (analyses, grace))?;
        let stop = tasks.stop();
        tasks.spawn("worker", async move {
            worker.run(stop).await;
            Ok::<_, Infallible>(())
        });
    }
    if let Some((listener, certificate)) = listener {
        let address = listener.local_addr().map_err(CommandError::work)?;
        let lookups = LookupHandler::all(&config, &secrets, &partners, options.data.as_deref());
        let door = Door {
            listener,
            held: hold(&config, storage.as_ref(), &metrics).map_err(CommandError::work)?,
            metrics: Arc::new(metrics.clone()),
            front: server(config, storage, (&secrets, lookups), metrics)
                .into_front()
                .map_err(CommandError::work)?,
            tls: certificate.map(|certificate| files::keep_certificate(certificate, &mut tasks, interval)),
        };
        let stop = Stop {
            asked: tasks.stop(),
            drain: Duration::from_secs(options.grace_seconds),
        };
        tasks.spawn("front", async move {
            connection::serve(door, stop).await;
            Ok::<_, Infallible>(())
        });
        tracing::info!(listen = %address, admin = %options.admin, "serving");
    } else {
        tracing::info!(admin = %options.admin, "working");
    }
    readiness.started();
    let ended = tasks.supervise(asked, readiness, grace).await;
    if let Some(traces) = traces {
        traces.flush().await;
    }
    ended.map_err(CommandError::work)?;
    admin.await.map_err(CommandError::work)?.map_err(CommandError::work)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CommandError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| CommandError::work(Listen { address, source }))
}

/// Why there is no address to serve at.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address}")]
struct Listen {
    address: SocketAddr,
    #[source]
    source: std::io::Error,
}

fn analyses(options: &RunOptions) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    options.analyses.map_or_else(processors, usize::from)
}

fn grace(options: &RunOptions) -> Grace {
    Grace {
        notice: Duration::from_secs(options.notice_seconds),
        finish: Duration::from_secs(options.grace_seconds) + FINISH_MARGIN,
    }
}

/// The limits that all requests share, each shown with what is taken of it.
fn hold(config: &Config, storage: Option<&Storage>, metrics: &Metrics) -> Result<Held, prometheus::Error> {
    let limits = config.limits;
    let seats = Seats::new(limits.connection.connections);
    let used = Arc::clone(&seats);
    metrics.watch_limit(("connections", limits.connection.connections as u64), move || {
        used.used() as u64
    })?;
    if let Some(Storage { spool, .. }) = storage {
        let (bytes, files) = (Arc::clone(spool), Arc::clone(spool));
        metrics.watch_limit(("quarantineBytes", limits.spool.quarantine_bytes), move || {
            bytes.quarantined().bytes
        })?;
        metrics.watch_limit(("quarantineFiles", limits.spool.quarantine_files as u64), move || {
            files.quarantined().files as u64
        })?;
    }
    Ok(Held {
        seats,
        limits: limits.connection,
    })
}

/// Registered where there are any: an add-on without one shows nothing of them.
fn open_partners(config: &Config, secrets: &Secrets, metrics: &Metrics) -> Result<Partners, CommandError> {
    let is_partner = |endpoint: &Endpoint| matches!(endpoint.handler, HandlerPlan::Http(_));
    if !config.endpoints.iter().any(is_partner) {
        return Ok(Partners::new());
    }
    let measured = PartnerMetrics::register(metrics.registry(), &config.addon).map_err(CommandError::work)?;
    http::all(config, secrets, &measured).map_err(CommandError::work)
}

fn server(
    config: Arc<Config>,
    storage: Option<Storage>,
    (secrets, lookups): (&Secrets, HashMap<EndpointName, LookupHandler>),
    metrics: Metrics,
) -> Server {
    let recordings = storage.map(|Storage { spool, queue }| Recordings {
        spool,
        queue,
        sla: config.sla,
        fetch_seconds: config.audio_fetch.timeout_seconds,
    });
    Server {
        passwords: Passwords::all(&config, secrets),
        lookups,
        credentials: secrets.credentials.clone(),
        constants: secrets.constants.clone(),
        recordings,
        metrics,
        config,
    }
}

fn worker(
    config: &Config,
    storage: &Storage,
    (secrets, metrics): (&Secrets, &Metrics),
    (partners, engines): (Partners, Engines),
    (analyses, grace): (usize, Grace),
) -> Result<Worker, CommandError> {
    let plans: HashMap<_, _> = config
        .endpoints
        .iter()
        .filter_map(|endpoint| Some((endpoint.name.clone(), endpoint.handler.analysis()?.clone())))
        .collect();
    let measured = WorkMetrics::register(metrics.registry(), &config.addon).map_err(CommandError::work)?;
    for endpoint in config.endpoints.iter().filter(|one| one.integration.is_asynchronous()) {
        measured.begin(&endpoint.name);
    }
    let egress = Egress::new(config.callbacks.clone(), Arc::new(SystemResolver)).map_err(CommandError::work)?;
    let audio = AudioClient::new(config.audio_fetch.clone(), Arc::new(SystemResolver)).map_err(CommandError::work)?;
    Ok(Worker {
        queue: storage.queue.clone(),
        spool: Arc::clone(&storage.spool),
        plans,
        partners,
        engines,
        sla: config.sla,
        fetcher: Fetcher::new(audio, secrets.credentials.clone(), config.limits.spool.max_file_bytes),
        callbacks: Callbacks::new(egress, secrets.credentials.clone()),
        metrics: measured,
        jitter: Jitter::from_system(),
        limits: WorkerLimits {
            analyses,
            fetches: FETCHES_LIMIT,
            callbacks: CALLBACKS_LIMIT,
            lease: LEASE,
            grace: grace.finish.saturating_sub(FINISH_MARGIN),
            retention: config.retention,
            result_bytes: config.limits.result_bytes,
        },
    })
}
