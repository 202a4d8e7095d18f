//! One watch, as a task of its own: it fails, waits and recovers alone. Kubernetes controllers that poll all their watches
//! behind one back-off need minutes after an outage of seconds, because every watch holds up every other.
//!
//! A watch tells the memory what it has seen, and the controller which add-on to look at.

mod sla;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::Sender;
use futures::{SinkExt, StreamExt};
use kube::Resource;
use kube::api::{Api, DynamicObject, PartialObjectMeta};
use kube::core::{ApiResource, ObjectMeta};
use kube_runtime::reflector::{ObjectRef, Store, store::Writer};
use kube_runtime::watcher::{self, Event, watcher};

use crate::backoff;
use crate::kind::Kind;
use crate::memory::{Addon, Key};
use crate::progress::WATCH_SECONDS;
use crate::reconcile::{Context, Guarded};
use crate::render::labels;
use crate::{failure, report};

/// The queue of add-ons to look at.
pub type Queue = Sender<ObjectRef<Guarded>>;

/// The controller at the other end of the queue is gone.
#[derive(Debug, thiserror::Error)]
#[error("failed to reach the controller: it has ended")]
pub struct ControllerGone;

const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// A definition that is installed is noticed within this time.
const UNSERVED_PAUSE: Duration = Duration::from_secs(2);

/// One watch: of what, where, and for whom.
pub struct Watch {
    /// What every pass works with.
    pub context: Arc<Context>,
    /// The namespace; none: all.
    pub namespace: Option<String>,
    /// Who is told.
    pub queue: Queue,
    /// The add-ons that are known.
    pub addons: Store<Guarded>,
}

impl Watch {
    /// Watches the add-ons themselves and keeps the store of them.
    pub async fn addons(mut self, mut store: Writer<Guarded>) -> Result<(), ControllerGone> {
        let client = self.context.client.clone();
        let api: Api<Guarded> = match &self.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let reader = store.as_reader();
        let mut generations = BTreeMap::new();
        let mut events = std::pin::pin!(watcher(api, watcher::Config::default().timeout(WATCH_SECONDS)));
        let mut failures = 0;
        while let Some(event) = events.next().await {
            let Some(event) = self.settle(event, "marketplaceaddons", &mut failures).await else {
                continue;
            };
            let is_listed = matches!(event, Event::InitApply(_));
            let before = matches!(event, Event::InitDone).then(|| reader.state());
            store.apply_watcher_event(&event);
            match event {
                Event::Apply(addon) | Event::InitApply(addon) => {
                    if let (true, Ok(addon)) = (is_listed, &addon.0) {
                        self.context.turns.recall(addon_of(addon.meta()), addon.status.as_ref());
                    }
                    let version = version_of(addon.meta());
                    // A change of the status alone is our own, and must not wake us.
                    if generations.insert(addon_of(addon.meta()), version.clone()) != Some(version) {
                        self.tell(addon_of(addon.meta())).await?;
                    }
                }
                Event::Delete(addon) => {
                    generations.remove(&addon_of(addon.meta()));
                    self.depart(addon_of(addon.meta())).await;
                }
                Event::Init => {}
                Event::InitDone => {
                    let left: BTreeSet<_> = reader.state().iter().map(|addon| addon_of(addon.meta())).collect();
                    generations.retain(|addon, _| left.contains(addon));
                    let gone = before.iter().flatten().map(|addon| addon_of(addon.meta()));
                    for addon in gone.filter(|addon| !left.contains(addon)) {
                        self.depart(addon).await;
                    }
                }
            }
        }
        Ok(())
    }

    /// Watches the metadata of one kind of child.
    pub async fn children(self, kind: Kind) -> Result<(), ControllerGone> {
        self.metadata(&kind.resource(), Some(kind)).await
    }

    /// Watches the metadata of the pods, which tell why a roll does not come to its end.
    pub async fn pods(self) -> Result<(), ControllerGone> {
        self.metadata(&ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&()), None)
            .await
    }

    async fn metadata(mut self, resource: &ApiResource, kind: Option<Kind>) -> Result<(), ControllerGone> {
        let client = self.context.client.clone();
        let api: Api<PartialObjectMeta<DynamicObject>> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, resource),
            None => Api::all_with(client, resource),
        };
        let config = watcher::Config::default()
            .timeout(WATCH_SECONDS)
            .labels(&labels::selector_of_all());
        let mut events = std::pin::pin!(watcher(api, config));
        let mut failures = 0;
        let mut listed = BTreeSet::new();
        let mut is_absent = false;
        let is_optional = kind.is_some_and(Kind::is_optional);
        while let Some(event) = events.next().await {
            if is_optional && is_unserved(&event) {
                is_absent = true;
                tokio::time::sleep(UNSERVED_PAUSE).await;
                continue;
            }
            let Some(event) = self.settle(event, &resource.plural, &mut failures).await else {
                continue;
            };
            match event {
                Event::Init => listed.clear(),
                Event::Apply(child) => self.saw(kind, &child.metadata).await?,
                Event::InitApply(child) => {
                    listed.insert(addon_of(&child.metadata));
                    self.saw(kind, &child.metadata).await?;
                }
                Event::Delete(child) => {
                    if let Some(kind) = kind {
                        self.context.memory.gone(&key(kind, &child.metadata));
                    }
                    self.tell_owner(&child.metadata).await?;
                }
                Event::InitDone => {
                    let namespace = self.namespace.as_deref();
                    let bereft = kind.map(|kind| self.context.memory.relisted(kind, namespace, &listed));
                    for addon in bereft.into_iter().flatten() {
                        self.tell(addon).await?;
                    }
                    if std::mem::take(&mut is_absent) {
                        tracing::info!(watch.resource = resource.plural, "the cluster has this API now");
                    }
                    if is_optional {
                        self.tell_all().await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The event, or after a failure nothing and a pause, which grows with the failures in a row.
    async fn settle<K>(
        &self,
        event: watcher::Result<Event<K>>,
        resource: &str,
        failures: &mut u32,
    ) -> Option<Event<K>> {
        match event {
            // A list or a watch that begins has not succeeded yet.
            Ok(Event::Init) => Some(Event::Init),
            Ok(event) => {
                *failures = 0;
                Some(event)
            }
            Err(error) => {
                *failures = failures.saturating_add(1);
                self.context.metrics.count_watch_error(resource);
                let pause = backoff::delay(*failures, FIRST_DELAY, LONGEST_DELAY);
                tracing::warn!(
                    error = failure::chain(&error),
                    watch.resource = resource,
                    watch.failures = *failures,
                    pause_ms = pause.as_millis(),
                    "a watch failed"
                );
                tokio::time::sleep(pause).await;
                None
            }
        }
    }

    async fn saw(&mut self, kind: Option<Kind>, child: &ObjectMeta) -> Result<(), ControllerGone> {
        if let Some(kind) = kind {
            self.context
                .memory
                .saw(&key(kind, child), child.resource_version.as_deref());
        }
        self.tell_owner(child).await
    }

    /// By label, because a retained volume claim has no owner.
    async fn tell_owner(&mut self, child: &ObjectMeta) -> Result<(), ControllerGone> {
        let instance = child.labels.as_ref().and_then(|found| found.get(labels::INSTANCE));
        match (instance, &child.namespace) {
            (Some(name), Some(namespace)) => self.tell((namespace.clone(), name.clone())).await,
            _ => Ok(()),
        }
    }

    async fn tell(&mut self, (namespace, name): Addon) -> Result<(), ControllerGone> {
        let addon = ObjectRef::new(&name).within(&namespace);
        self.queue.send(addon).await.map_err(|_| ControllerGone)
    }

    /// A kind that a cluster may lack is there now, and perhaps was not when an add-on needed it.
    async fn tell_all(&mut self) -> Result<(), ControllerGone> {
        for addon in self.addons.state() {
            self.tell(addon_of(addon.meta())).await?;
        }
        Ok(())
    }

    async fn depart(&self, addon: Addon) {
        self.context.memory.forget(&addon);
        self.context.failures.reset(&addon);
        self.context.turns.done(&addon);
        self.context.pods.forget(&addon);
        report::tell_of_retained_volume(&self.context.client, &self.context.recorder, &addon.0, &addon.1).await;
    }
}

/// Whether the cluster does not know the kind. Only a 404 says so; any other failure says nothing.
fn is_unserved<K>(event: &watcher::Result<Event<K>>) -> bool {
    match event {
        Err(
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error),
        ) => failure::is_absent(error),
        Err(watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion) | Ok(_) => false,
    }
}

/// What makes a pass worthwhile: another object, another spec, or the beginning of its deletion.
fn version_of(addon: &ObjectMeta) -> (Option<String>, Option<i64>, bool) {
    (addon.uid.clone(), addon.generation, addon.deletion_timestamp.is_some())
}

fn addon_of(metadata: &ObjectMeta) -> Addon {
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

fn key(kind: Kind, metadata: &ObjectMeta) -> Key {
    let (namespace, name) = addon_of(metadata);
    Key { kind, namespace, name }
}
