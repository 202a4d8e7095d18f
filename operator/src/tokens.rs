//! Whether the pods have the tokens that the Secret gives: every Ready pod is asked for the fingerprints of those that it has
//! loaded. Called by a pass once everything is applied.
//!
//! The pods are asked directly at their admin port, which is open to the monitoring anyway. The API server's proxy would
//! need a right that reaches every port of every pod, and comes from an address that the NetworkPolicy does not admit.
//!
//! Cheap at rest: while neither the tokens nor a Deployment change, what was found once stays true, because a pod never
//! goes back to earlier tokens, and one that is replaced, or becomes Ready, changes the Deployment.

pub mod compare;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, Client};
use marketplace_crds::fingerprint::{self, Report};
use reqwest::Url;

use self::compare::{Propagation, compare, wanted};
use crate::ask::{self, AskError};
use crate::dereference::Workload;
use crate::failure;
use crate::memory::Addon;
use crate::render::labels;
use crate::validate::ValidatedAddon;

/// A pod in the same cluster answers at once, or not at all.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Two fingerprints have two hundred bytes.
const ANSWER_BYTES: usize = 16 * 1024;
const ASKED_AT_ONCE: usize = 16;

/// How soon pods are asked again that lack a token.
const LACKING_PAUSE: Duration = Duration::from_secs(5);
/// For so long. A kubelet that takes longer is ill, and is asked with every resync.
const LACKING_PATIENCE: Duration = Duration::from_mins(5);
/// How soon pods are asked again that do not answer: each costs a pass the time of `ANSWER_WITHIN`.
const SILENT_PAUSE: Duration = Duration::from_mins(1);

/// What is known of the tokens of an add-on's pods.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    /// How far they have come.
    pub propagation: Propagation,
    /// After how long it is worth looking again, sooner than without a cause.
    pub again: Option<Duration>,
}

/// What an answer was about: the tokens, and the versions of the Deployments.
#[derive(Clone, Debug, PartialEq)]
struct Question {
    wanted: Report,
    versions: Vec<Option<String>>,
}

#[derive(Clone, Debug)]
struct Found {
    question: Question,
    propagation: Propagation,
    at: Instant,
    /// Since when these tokens are wanted.
    since: Instant,
}

/// Asks, and remembers.
#[derive(Debug)]
pub struct Pods {
    client: reqwest::Client,
    admin_port: u16,
    found: Mutex<HashMap<Addon, Found>>,
}

impl Pods {
    /// Asks pods at this port.
    pub fn new(admin_port: u16) -> Result<Self, AskError> {
        Ok(Self {
            client: ask::plain_client(ANSWER_WITHIN)?,
            admin_port,
            found: Mutex::default(),
        })
    }

    /// The add-on is gone.
    pub fn forget(&self, addon: &Addon) {
        self.found().remove(addon);
    }

    /// How far the tokens of the add-on have come, and when to look again.
    pub async fn tokens(&self, client: &Client, valid: &ValidatedAddon, workload: &Workload, now: Timestamp) -> Tokens {
        let addon = (valid.namespace.clone(), valid.name.clone());
        let deployments = [&workload.front, &workload.workers].into_iter();
        let question = Question {
            wanted: wanted(&valid.credentials),
            versions: deployments
                .map(|deployed| {
                    deployed
                        .deployment
                        .as_ref()
                        .and_then(kube::ResourceExt::resource_version)
                })
                .collect(),
        };
        let before = self.found().get(&addon).cloned();
        let found = match before.as_ref().filter(|before| stands(before, &question)) {
            Some(before) => before.clone(),
            None => self.ask(client, &addon, question, before).await,
        };
        let lapses = valid.previous_until.map(|until| seconds_until(until, now));
        let again = pause(&found).into_iter().chain(lapses).min();
        Tokens {
            propagation: found.propagation,
            again,
        }
    }

    async fn ask(&self, client: &Client, addon: &Addon, question: Question, before: Option<Found>) -> Found {
        let propagation = match ready_pods(client, addon).await {
            Ok(pods) => {
                let answers = futures::stream::iter(pods).map(|pod| async move { self.report(&pod).await });
                let answers: Vec<_> = answers.buffered(ASKED_AT_ONCE).collect().await;
                compare(&question.wanted, &answers)
            }
            Err(error) => Propagation::Unlisted(failure::message(&error)),
        };
        let now = Instant::now();
        let same = before.filter(|before| before.question.wanted == question.wanted);
        let found = Found {
            question,
            propagation,
            at: now,
            since: same.map_or(now, |before| before.since),
        };
        self.found().insert(addon.clone(), found.clone());
        found
    }

    /// What a pod tells, or why it tells nothing.
    async fn report(&self, pod: &Pod) -> Result<Report, String> {
        let page = self.page(pod, fingerprint::PATH).await?;
        serde_json::from_slice(&page).map_err(|_| "failed to understand the answer".to_owned())
    }

    /// A page of a pod's admin port, or why there is none.
    pub(crate) async fn page(&self, pod: &Pod, path: &str) -> Result<Vec<u8>, String> {
        let address = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
        let address: IpAddr = address
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| "failed to find its address".to_owned())?;
        let address = SocketAddr::new(address, self.admin_port);
        let url: Url = format!("http://{address}{path}")
            .parse()
            .expect("an address and a path make a URL");
        let page = ask::get(&self.client, url, ANSWER_BYTES).await;
        page.map_err(|error| failure::chain(&error))
    }

    fn found(&self) -> MutexGuard<'_, HashMap<Addon, Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what was found need not be asked for again.
fn stands(found: &Found, question: &Question) -> bool {
    let is_fresh = match found.propagation {
        Propagation::Complete { .. } | Propagation::NoneReady => true,
        Propagation::Silent { .. } => found.at.elapsed() < SILENT_PAUSE,
        Propagation::Lacking { .. } | Propagation::Unlisted(_) => false,
    };
    is_fresh && found.question == *question
}

fn pause(found: &Found) -> Option<Duration> {
    match found.propagation {
        Propagation::Lacking { .. } => (found.since.elapsed() < LACKING_PATIENCE).then_some(LACKING_PAUSE),
        Propagation::Silent { .. } => Some(SILENT_PAUSE),
        Propagation::Complete { .. } | Propagation::NoneReady | Propagation::Unlisted(_) => None,
    }
}

/// A second later than the time itself, so that it is over then.
fn seconds_until(until: Timestamp, now: Timestamp) -> Duration {
    let left = until.as_second().saturating_sub(now.as_second()).saturating_add(1);
    Duration::from_secs(left.max(1).unsigned_abs())
}

/// The pods that requests may reach: Ready, and not about to end.
pub(crate) async fn ready_pods(client: &Client, (namespace, addon): &Addon) -> Result<Vec<Pod>, kube::Error> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let ours = ListParams::default().labels(&labels::selector_of(addon));
    let mut pods = pods.list(&ours).await?.items;
    pods.retain(is_ready);
    pods.sort_by_key(kube::ResourceExt::name_any);
    Ok(pods)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
    pod.metadata.deletion_timestamp.is_none() && ready.any(|condition| condition.status == "True")
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
