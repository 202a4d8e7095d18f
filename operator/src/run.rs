//! The operator as a process: what it starts, and in what order it stops. Called by `main`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::FutureExt;
use kube::Resource as _;
use kube_runtime::events::{Recorder, Reporter};
use marketplace_daemon::{Admin, Build, Grace, Readiness, Tasks, on_signal, telemetry};
use prometheus::Registry;

use crate::backoff::Failures;
use crate::config::Run;
use crate::controller::{self, Leads, Scope};
use crate::leader::fence::Fence;
use crate::leader::{self, Leader, LeaseName, Standing};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::reconcile::Context;
use crate::render::{ADMIN_PORT, labels};
use crate::silence;
use crate::sla::Sla;
use crate::tokens::Pods;
use crate::turns::Turns;
use crate::validate::Defaults;

const BUILD: Build = Build {
    name: "marketplace-operator",
    version: env!("CARGO_PKG_VERSION"),
};

/// No traffic comes to an operator, so nobody has to notice that it goes; a pass takes seconds at most.
const GRACE: Grace = Grace {
    notice: Duration::ZERO,
    finish: Duration::from_secs(20),
};

/// Runs until asked to stop, or until a part of it ends.
pub async fn run(config: Run) -> anyhow::Result<()> {
    telemetry::start(BUILD, config.log_format, &config.log_level, None)?;
    let asked = on_signal()?;
    let registry = Registry::new();
    telemetry::register_build(&registry, BUILD)?;
    let metrics = Metrics::register(&registry).context("failed to register the metrics")?;

    let progress = Progress::start();
    silence::register(&registry, progress.clone()).context("failed to register the metric of the watches")?;
    let cluster = kube::Config::infer()
        .await
        .context("failed to find the way to the cluster")?;
    let election = elect(&config, cluster.clone())?;
    let client = controller::client(cluster, &progress, &election.fence)
        .context("failed to build the client of the API server")?;
    let reporter = Reporter {
        controller: labels::OPERATOR.to_owned(),
        instance: config.pod_name.clone(),
    };
    let defaults = Defaults {
        operator: config.peer(),
        ..config.defaults.with_image(&config.service_image)
    };
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter),
        client,
        sla: Arc::new(Sla::new(defaults.prometheus.clone())),
        defaults,
        resync: config.resync(),
        memory: Memory::default(),
        turns: Turns::new(config.rolls_at_once.into()),
        failures: Failures::default(),
        metrics: metrics.clone(),
        pods: Pods::new(u16::try_from(ADMIN_PORT)?).context("failed to prepare for asking the pods")?,
    });

    let readiness = Readiness::default();
    let listener = Admin::listen(config.listen).await?;
    let admin = Admin {
        readiness: readiness.clone(),
        liveness: Arc::new({
            let progress = progress.clone();
            move || progress.check(Instant::now())
        }),
        registry,
        pages: Vec::new(),
    };
    let mut tasks = Tasks::default();
    let admin = tokio::spawn(admin.serve(listener, tasks.last()));
    for namespace in config.scopes() {
        let scope = Scope {
            namespace,
            concurrency: config.concurrency,
        };
        controller::start(&mut tasks, &context, &election.standing, scope);
    }
    let asked_of = Arc::clone(&context.sla);
    tasks.spawn(
        "ask Prometheus",
        asked_of.run(election.standing.clone(), config.resync(), tasks.stop()),
    );
    let held = if let Some((lease, leader)) = election.leader {
        tasks.spawn("keep the lease", leader::keep(leader.standing(), tasks.stop(), lease));
        leader.hold(tasks.last(), progress, metrics).boxed()
    } else {
        metrics.set_leader(true);
        std::future::ready(()).boxed()
    };
    let held = tokio::spawn(held);
    tracing::info!(
        resource = %marketplace_crds::MarketplaceAddon::plural(&()),
        namespaces = ?config.namespaces,
        service.image = config.service_image,
        "watching"
    );
    readiness.started();
    let ended = tasks.supervise(asked, readiness, GRACE).await;
    held.await.context("failed to join the keeper of the lease")?;
    ended?;
    admin.await.context("failed to join the admin server")??;
    Ok(())
}

/// Who may write, and whether that is decided by a lease.
struct Election {
    fence: Fence,
    standing: Leads,
    leader: Option<(LeaseName, Leader)>,
}

fn elect(config: &Run, cluster: kube::Config) -> anyhow::Result<Election> {
    let Some(lease) = config.lease.clone() else {
        let standing = tokio::sync::watch::Sender::new(Standing::Leading).subscribe();
        return Ok(Election {
            fence: Fence::always_open(),
            standing,
            leader: None,
        });
    };
    let identity = config
        .pod_name
        .clone()
        .context("--lease needs --pod-name: the replicas are told apart by it")?;
    let fence = Fence::closed();
    // a client of its own: the lease waits for no other call, and no fence stands before it
    let client = kube::Client::try_from(cluster).context("failed to build the client for the lease")?;
    let leader = Leader::new(client, &lease, identity, fence.clone());
    Ok(Election {
        fence,
        standing: leader.standing(),
        leader: Some((lease, leader)),
    })
}
