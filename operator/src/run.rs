//! The operator as a process: what it starts, and in what order it stops. Called by `main`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use kube::Resource as _;
use kube_runtime::events::{Recorder, Reporter};
use marketplace_daemon::{Admin, Build, Grace, Readiness, Tasks, on_signal, telemetry};
use prometheus::Registry;

use crate::backoff::Failures;
use crate::config::Run;
use crate::controller;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::progress::{Progress, STALLED};
use crate::reconcile::Context;
use crate::render::labels;
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
    let cluster = kube::Config::infer()
        .await
        .context("failed to find the way to the cluster")?;
    let client = controller::client(cluster, &progress).context("failed to build the client of the API server")?;
    let reporter = Reporter {
        controller: labels::OPERATOR.to_owned(),
        instance: config.pod_name.clone(),
    };
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter),
        client,
        defaults: Defaults {
            image: config.service_image.clone(),
            prometheus: config.prometheus_address.clone().filter(|address| !address.is_empty()),
        },
        resync: config.resync(),
        memory: Memory::default(),
        failures: Failures::default(),
        metrics,
    });

    let readiness = Readiness::default();
    let listener = Admin::listen(config.listen).await?;
    let admin = Admin {
        readiness: readiness.clone(),
        liveness: Arc::new(move || progress.check(Instant::now(), STALLED)),
        registry,
        pages: Vec::new(),
    };
    let mut tasks = Tasks::default();
    let admin = tokio::spawn(admin.serve(listener, tasks.last()));
    for namespace in config.scopes() {
        controller::start(&mut tasks, &context, namespace, config.concurrency);
    }
    tracing::info!(
        resource = %marketplace_crds::MarketplaceAddon::plural(&()),
        namespaces = ?config.namespaces,
        service.image = config.service_image,
        "watching"
    );
    readiness.started();
    tasks.supervise(asked, readiness, GRACE).await?;
    admin.await.context("failed to join the admin server")??;
    Ok(())
}
