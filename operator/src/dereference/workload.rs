//! The pods of an add-on as they are: how far a roll has come, and what keeps a container from running.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};

use marketplace_crds::MarketplaceAddon;

use super::monitoring::Served;
use super::rollout::{Deployed, Rollout};
use super::scalers::{self, Scalers};
use super::{DereferenceError, Routing};
use crate::reach::Reached;
use crate::render::labels;
use crate::role::Role;
use crate::tokens::Tokens;
use crate::validate::scaling;

/// The Deployments of an add-on, the trouble of their pods if they have any, and what scales them and reaches them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// Of the pods that take requests.
    pub front: Deployed,
    /// Of those that work on recordings, where there are some.
    pub workers: Deployed,
    /// What keeps the first troubled pod from running.
    pub trouble: Option<String>,
    /// What decides on the number of pods.
    pub scalers: Scalers,
    /// What routes requests to them.
    pub routing: Routing,
    /// Whether the cluster knows what the Prometheus Operator is told by; no, where nobody asked.
    pub monitoring: Served,
    /// Which tokens they have; known once everything is applied.
    pub tokens: Option<Tokens>,
    /// Whether they reach what recordings are kept in; known once everything is applied.
    pub reached: Option<Box<Reached>>,
}

impl Workload {
    /// How far both have come.
    #[must_use]
    pub fn rollout(&self) -> Rollout {
        let front = self.front.rollout();
        match self.workers.deployment {
            Some(_) => front.and(self.workers.rollout()),
            None => front,
        }
    }

    /// What keeps one of them from making pods.
    #[must_use]
    pub fn replica_failure(&self) -> Option<&str> {
        self.front.replica_failure().or_else(|| self.workers.replica_failure())
    }
}

/// Gets the Deployments and their scalers; the pods only while a Deployment is not complete.
pub async fn get(client: &Client, namespace: &str, addon: &MarketplaceAddon) -> Result<Workload, DereferenceError> {
    let name = addon.name_any();
    let mut workload = Workload {
        front: deployed(client, namespace, addon, Role::Front).await?,
        workers: deployed(client, namespace, addon, Role::Workers).await?,
        trouble: None,
        scalers: scalers::get(client, namespace, &name).await?,
        routing: Routing::default(),
        monitoring: Served::default(),
        tokens: None,
        reached: None,
    };
    let is_there = workload.front.deployment.is_some() || workload.workers.deployment.is_some();
    if is_there && !workload.rollout().is_complete() {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let listed = pods
            .list(&ListParams::default().labels(&labels::selector_of(&name)))
            .await;
        let mut listed = listed.map_err(|error| DereferenceError::ListPods(name, error))?.items;
        // The youngest first: it shows what the present spec leads to.
        listed.sort_by_key(|pod| std::cmp::Reverse(pod.creation_timestamp()));
        workload.trouble = trouble(&listed);
    }
    Ok(workload)
}

async fn deployed(
    client: &Client,
    namespace: &str,
    addon: &MarketplaceAddon,
    role: Role,
) -> Result<Deployed, DereferenceError> {
    let name = role.child(&addon.name_any());
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let deployment = deployments.get_opt(&name).await;
    Ok(Deployed {
        deployment: deployment.map_err(|error| DereferenceError::GetDeployment(name, error))?,
        least: scaling::least(&addon.spec.scaling, role),
    })
}

/// The first thing that keeps one of the pods from running, in words that do not change while it lasts.
#[must_use]
pub fn trouble(pods: &[Pod]) -> Option<String> {
    pods.iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .find_map(trouble_of)
}

fn trouble_of(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let containers = status.container_statuses.iter().flatten();
    let unschedulable = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    });
    containers.into_iter().find_map(container_trouble).or_else(|| {
        let words = unschedulable?.message.as_deref().unwrap_or("no reason is given");
        Some(format!("no node takes the pod: {words}"))
    })
}

fn container_trouble(container: &ContainerStatus) -> Option<String> {
    let name = &container.name;
    let state = container.state.as_ref();
    let waiting = state.and_then(|state| state.waiting.as_ref());
    let ended = state
        .and_then(|state| state.terminated.as_ref())
        .or_else(|| container.last_state.as_ref()?.terminated.as_ref());
    match waiting.and_then(|waiting| waiting.reason.as_deref()) {
        Some("ContainerCreating" | "PodInitializing") => None,
        // Its own message counts the seconds of the back-off; the last words of the container say more.
        Some("CrashLoopBackOff") => ended.map(|ended| ending(name, ended)),
        Some(reason) => {
            let words = waiting
                .and_then(|waiting| waiting.message.as_deref())
                .unwrap_or_default();
            // A pull that waits for its next try quotes the last one; without the frame both read the same.
            let (reason, words) = match words.split_once(": ErrImagePull: ") {
                Some((_, cause)) => ("ErrImagePull", cause),
                None => (reason, words),
            };
            Some(format!(
                "container {name} with image {} waits: {reason}: {words}",
                container.image
            ))
        }
        None if container.ready => None,
        None => ended.map(|ended| ending(name, ended)),
    }
}

fn ending(name: &str, ended: &k8s_openapi::api::core::v1::ContainerStateTerminated) -> String {
    let code = ended.exit_code;
    let reason = ended.reason.as_deref().unwrap_or("Error");
    match ended.message.as_deref().and_then(last_words) {
        Some(words) => format!("container {name} ended with code {code} ({reason}): {words}"),
        None => format!("container {name} ended with code {code} ({reason})"),
    }
}

/// The last line; of a JSON log line only what it says, because its time stamp differs on every restart.
fn last_words(message: &str) -> Option<String> {
    let line = message.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(line) else {
        return Some(line.to_owned());
    };
    let words: Vec<_> = ["message", "error"]
        .iter()
        .filter_map(|key| fields.get(*key)?.as_str())
        .collect();
    (!words.is_empty()).then(|| words.join(": "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).expect("the fixture is well-formed")
    }

    fn told(state: &serde_json::Value, last: &serde_json::Value) -> Option<String> {
        let container = json!({"name": "service", "image": "acme:1", "imageID": "", "ready": false, "restartCount": 0, "state": state, "lastState": last});
        trouble(&[parsed(
            json!({"metadata": {}, "status": {"containerStatuses": [container]}}),
        )])
    }

    #[test]
    fn a_container_that_does_not_start_is_quoted() {
        let none = json!({});
        assert_eq!(told(&json!({"running": {}}), &none), None);
        assert_eq!(told(&json!({"waiting": {"reason": "ContainerCreating"}}), &none), None);
        assert_eq!(
            told(
                &json!({"waiting": {"reason": "ErrImagePull", "message": "not found"}}),
                &none
            )
            .as_deref(),
            Some("container service with image acme:1 waits: ErrImagePull: not found")
        );
        let back_off = json!({"reason": "ImagePullBackOff", "message": "Back-off pulling image \"acme:1\": ErrImagePull: not found"});
        assert_eq!(
            told(&json!({ "waiting": back_off }), &none).as_deref(),
            Some("container service with image acme:1 waits: ErrImagePull: not found")
        );
        let ended = json!({"terminated": {"exitCode": 1, "reason": "Error", "message": "{\"timestamp\":\"2026\",\"message\":\"failed to start\",\"error\":\"disk full\"}\n"}});
        let words = Some("container service ended with code 1 (Error): failed to start: disk full");
        assert_eq!(told(&ended, &none).as_deref(), words);
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}});
        assert_eq!(
            told(&waiting, &ended).as_deref(),
            words,
            "the same words while it lasts"
        );
        assert_eq!(
            told(&json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}), &none).as_deref(),
            Some("container service ended with code 137 (OOMKilled)")
        );
    }

    #[test]
    fn a_pod_that_no_node_takes_is_quoted() {
        let condition =
            json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"});
        let pod = parsed(json!({"metadata": {}, "status": {"conditions": [condition]}}));
        assert_eq!(trouble(&[pod]).as_deref(), Some("no node takes the pod: 0/1 nodes"));
    }
}
