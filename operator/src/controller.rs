//! Wiring: the watches feed one queue, the queue feeds the passes, and every one of them is a task whose end ends the
//! process. Called by `main` with the configuration.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use kube::core::ObjectMeta;
use kube::{Client, Resource};
use kube_runtime::controller::{self, Action, Config, applier};
use kube_runtime::reflector::store;
use marketplace_daemon::Tasks;
use tokio_util::sync::CancellationToken;

use crate::backoff;
use crate::failure;
use crate::kind::Kind;
use crate::leader::Standing;
use crate::leader::fence::Fence;
use crate::progress::Progress;
use crate::reconcile::{Context, Guarded, ReconcileError, reconcile};
use crate::watch::{ControllerGone, Queue, Watch};

/// An event soon after another leads to one pass.
const DEBOUNCE: Duration = Duration::from_millis(100);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(1);
/// After a pass that nobody answered. Such waits do not grow: the add-on is not at fault, and an edit that comes before the
/// lease is renewed must not wait for what an outage has added up.
const UNHEARD_RETRY: Duration = Duration::from_secs(3);
const QUEUE: usize = 1024;

/// Whether this replica leads.
pub type Leads = tokio::sync::watch::Receiver<Standing>;

/// The add-ons that one set of watches is about.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Their namespace; none: all.
    pub namespace: Option<&'a str>,
    /// How many of them are looked at at once.
    pub concurrency: u16,
}

/// Starts the watches and the passes of one namespace, or of all, once this replica leads. `kube_runtime::Controller` would
/// poll its own watches behind one shared back-off; its core, the applier, takes the queue from ours.
pub fn start(tasks: &mut Tasks, context: &Arc<Context>, standing: &Leads, scope: Scope<'_>) {
    let Scope { namespace, concurrency } = scope;
    let (queue, requests) = mpsc::channel(QUEUE);
    let (reader, writer) = store();
    let stop = tasks.stop();
    let until = |watch| until(stop.clone(), standing.clone(), watch);
    let watch = |queue: &Queue| Watch {
        context: Arc::clone(context),
        namespace: namespace.map(ToOwned::to_owned),
        queue: queue.clone(),
        addons: reader.clone(),
    };
    tasks.spawn("watch add-ons", until(watch(&queue).addons(writer).boxed()));
    tasks.spawn("watch the SLA", until(watch(&queue).sla().boxed()));
    tasks.spawn("watch pods", until(watch(&queue).pods().boxed()));
    for kind in Kind::IN_ORDER.into_iter().filter(|kind| kind.is_watched()) {
        tasks.spawn("watch children", until(watch(&queue).children(kind).boxed()));
    }
    let requests = requests.map(Ok::<_, ControllerGone>).take_until(stop.cancelled_owned());
    let config = Config::default().debounce(DEBOUNCE).concurrency(concurrency);
    let passes = applier(
        |addon, context| Box::pin(observed(addon, context)),
        |addon: Arc<Guarded>, error: &ReconcileError, context: Arc<Context>| retry(&addon, error, &context),
        Arc::clone(context),
        reader,
        requests,
        config,
    );
    tasks.spawn("reconcile", log(passes));
}

/// A watch begins when this replica leads, and ends with the process; it holds nothing that would have to be finished.
async fn until(
    stop: CancellationToken,
    mut standing: Leads,
    watch: BoxFuture<'static, Result<(), ControllerGone>>,
) -> Result<(), ControllerGone> {
    let led = async move {
        // the sender lives as long as the process
        let _ = standing.wait_for(|now| *now == Standing::Leading).await;
        watch.await
    };
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = led => ended,
    }
}

/// A pass in a task of its own, so that passes run in parallel and one that panics is a failure of its add-on alone.
async fn observed(addon: Arc<Guarded>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    let name = addon_of(addon.meta());
    let pass = tokio::spawn(reconcile(addon, Arc::clone(&context)));
    let action = pass
        .await
        .unwrap_or_else(|panic| Err(ReconcileError::JoinPass(panic)))?;
    context.failures.reset(&name);
    Ok(action)
}

fn retry(addon: &Guarded, error: &ReconcileError, context: &Context) -> Action {
    if failure::is_unheard(error) {
        return Action::requeue(UNHEARD_RETRY);
    }
    let failures = context.failures.add(addon_of(addon.meta()));
    Action::requeue(backoff::delay(failures, FIRST_RETRY, LAST_RETRY))
}

fn addon_of(metadata: &ObjectMeta) -> (String, String) {
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

type Pass =
    Result<(kube_runtime::reflector::ObjectRef<Guarded>, Action), controller::Error<ReconcileError, ControllerGone>>;

async fn log(passes: impl Stream<Item = Pass>) -> Result<(), ControllerGone> {
    let mut passes = std::pin::pin!(passes);
    while let Some(pass) = passes.next().await {
        match pass {
            Ok((addon, _)) => tracing::debug!(addon.name, addon.namespace, "reconciled"),
            // A child of an add-on that is gone, or is about to come.
            Err(controller::Error::ObjectNotFound(_)) => {}
            Err(controller::Error::ReconcilerFailed(error, addon)) => tracing::warn!(
                error = failure::chain(&error),
                error.category = error.category(),
                addon.name,
                addon.namespace,
                "a pass over an add-on failed; it will be repeated"
            ),
            Err(error) => tracing::error!(error = failure::chain(&error), "the controller failed"),
        }
    }
    Ok(())
}

/// The client, with every watch observed by `progress` and every write held against the `fence`.
pub fn client(config: kube::Config, progress: &Progress, fence: &Fence) -> Result<Client, kube::Error> {
    Ok(kube::client::ClientBuilder::try_from(config)?
        .with_layer(fence)
        .with_layer(progress)
        .build())
}
