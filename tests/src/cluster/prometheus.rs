//! The Prometheus of the cluster: what it is asked, and the rules that it is given.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::http::{exchange, get};
use crate::patience::until;

/// Where pods reach it.
pub const URL: &str = "http://prometheus.prometheus.svc.cluster.local:9090";

const NAMESPACE: &str = "prometheus";
const RULES: &str = "rules";

/// The cluster's one Prometheus.
pub struct Prometheus {
    client: Client,
    address: SocketAddr,
}

impl Prometheus {
    /// The one of the profile, which must be there.
    pub async fn find(client: Client) -> Result<Self> {
        let services: Api<Service> = Api::namespaced(client.clone(), NAMESPACE);
        let spec = services.get("prometheus").await?.spec.context("a Service has a spec")?;
        let address = spec.cluster_ip.context("it has an address")?.parse()?;
        Ok(Self {
            client,
            address: SocketAddr::new(address, 9090),
        })
    }

    /// The values of an expression at this moment, each with its labels.
    pub async fn query(&self, expression: &str) -> Result<Vec<(Value, f64)>> {
        let query: String = form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let answer = get(self.address, &format!("/api/v1/query?query={query}")).await?;
        ensure!(
            answer.status == 200,
            "Prometheus answers {expression}: {}",
            answer.text()
        );
        let mut answer = answer.json()?;
        let results = answer["data"]["result"].as_array_mut().context("a vector")?;
        results
            .iter_mut()
            .map(|result| {
                let value = result["value"][1].as_str().context("a value")?.parse()?;
                Ok((result["metric"].take(), value))
            })
            .collect()
    }

    /// Gives it a file of rules, beside those of other suites, and waits until it has read it.
    pub async fn add_rules(&self, name: &str, rules: &Value) -> Result<()> {
        let file = format!("{name}.yaml");
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": RULES},
            "data": {&file: serde_json::to_string(rules)?},
        });
        // a field manager of its own: another suite's file stays
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), NAMESPACE);
        maps.patch(RULES, &PatchParams::apply(name).force(), &Patch::Apply(&object))
            .await?;
        self.touch_pods(name).await?;
        until(&format!("Prometheus read the rules {name}"), async || {
            let reload = format!(
                "POST /-/reload HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\n\r\n",
                self.address
            );
            let reloaded = exchange(self.address, &reload, &[]).await?;
            ensure!(
                reloaded.status == 200,
                "Prometheus refuses its rules: {}",
                reloaded.text()
            );
            let read = get(self.address, "/api/v1/rules").await?.text();
            Ok(read.contains(&file).then_some(()))
        })
        .await
    }

    /// Starts (1) or stops (0) it, and waits until it is so. What it had gathered is gone.
    pub async fn scale(&self, replicas: i32) -> Result<()> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), NAMESPACE);
        let patch = json!({"spec": {"replicas": replicas}});
        deployments
            .patch("prometheus", &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        until(&format!("{replicas} of Prometheus"), async || {
            let status = deployments.get("prometheus").await?.status.unwrap_or_default();
            let is = (status.replicas.unwrap_or(0), status.ready_replicas.unwrap_or(0));
            // the node learns of the pod's address a moment after it is ready
            let answers = get(self.address, "/-/ready").await.is_ok();
            Ok((is == (replicas, replicas) && answers == (replicas > 0)).then_some(()))
        })
        .await
    }

    // kubelet looks at the files of a pod at once when the pod is another, and once a minute otherwise
    async fn touch_pods(&self, why: &str) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), NAMESPACE);
        for pod in pods.list(&ListParams::default()).await? {
            let version = pod.resource_version();
            let patch = json!({"metadata": {"annotations": {"rules": format!("{why}-{version:?}")}}});
            pods.patch(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch))
                .await?;
        }
        Ok(())
    }
}
