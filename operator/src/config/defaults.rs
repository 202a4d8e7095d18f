//! The flags that say what holds for every add-on that does not say it itself. The same for every command, so that what
//! `render` prints is what `run` applies.

use clap::Args;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use marketplace_crds::network::{Network, Peer};

use super::MonitoringOptions;
use crate::validate::Defaults;

/// The image with the model that the chart of this version sets.
const SPEECH_IMAGE: &str = concat!(
    "ghcr.io/marketplace-operator/marketplace-service-speech:",
    env!("CARGO_PKG_VERSION")
);

/// What holds for every add-on that does not say it itself.
#[derive(Clone, Debug, Default, Args)]
pub struct DefaultOptions {
    /// The image of the service with the model of speech, for add-ons that use transcription.engine.builtin and name no
    /// image.
    #[arg(long, env = "SPEECH_IMAGE")]
    pub speech_image: Option<String>,
    /// The Prometheus that is asked whether results come in time, and that KEDA asks where an add-on names none, such as
    /// http://prometheus.monitoring.svc:9090.
    #[arg(long, env = "PROMETHEUS_ADDRESS")]
    pub prometheus_address: Option<String>,
    /// Where the cluster's ingress or gateway runs, for add-ons that do not say it: a list as in spec.network.ingressFrom,
    /// in JSON.
    #[arg(long, env = "INGRESS_FROM", value_name = "JSON", value_parser = peers)]
    pub ingress_from: Option<Peers>,
    /// The same for the monitoring, as in spec.network.monitoringFrom.
    #[arg(long, env = "MONITORING_FROM", value_name = "JSON", value_parser = peers)]
    pub monitoring_from: Option<Peers>,
    /// The same for what pods may connect to, as in spec.network.egress.
    #[arg(long, env = "EGRESS", value_name = "JSON", value_parser = peers)]
    pub egress: Option<Peers>,
    /// What the Prometheus Operator is told.
    #[command(flatten)]
    pub monitoring: MonitoringOptions,
}

/// A list of peers; none when it is empty.
pub type Peers = Vec<Peer>;

/// Reads a list of peers. What would get lost is refused, and what the API server would refuse of every add-on.
fn peers(text: &str) -> Result<Peers, String> {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text);
    let written = read(text).map_err(|error| error.to_string())?;
    let peers: Peers = serde_json::from_value(written.clone()).map_err(|error| error.to_string())?;
    let unknown = serde_json::to_value(&peers).is_ok_and(|kept| kept != written);
    if unknown {
        return Err("there is a field that a peer does not have".to_owned());
    }
    match peers.iter().find(|peer| !peer.is_one_kind()) {
        Some(_) => Err("a peer is either an ipBlock, or Pods by namespaceSelector, podSelector or both".to_owned()),
        None => Ok(peers),
    }
}

impl DefaultOptions {
    /// What add-ons are told where they are silent. A value that is empty, as a chart leaves it, is none.
    #[must_use]
    pub fn with_image(&self, image: &str) -> Defaults {
        let Self {
            speech_image,
            prometheus_address,
            ingress_from,
            monitoring_from,
            egress,
            monitoring,
        } = self;
        let some = |peers: &Option<Peers>| peers.clone().filter(|peers| !peers.is_empty());
        Defaults {
            image: image.to_owned(),
            speech_image: speech_image
                .clone()
                .filter(|image| !image.is_empty())
                .unwrap_or_else(|| SPEECH_IMAGE.to_owned()),
            network: Network {
                ingress_from: some(ingress_from),
                monitoring_from: some(monitoring_from),
                egress: some(egress),
            },
            monitoring: monitoring.defaults(),
            prometheus: prometheus_address.clone().filter(|address| !address.is_empty()),
            operator: None,
        }
    }
}

/// The operator's own pods, by the labels that its chart gives them.
pub(super) fn operator(namespace: &str) -> Option<Peer> {
    let selector = |pairs: &[(&str, &str)]| LabelSelector {
        match_labels: Some(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        ),
        ..LabelSelector::default()
    };
    (!namespace.is_empty()).then(|| Peer {
        namespace_selector: Some(selector(&[("kubernetes.io/metadata.name", namespace)])),
        pod_selector: Some(selector(&[
            ("app.kubernetes.io/component", "operator"),
            ("app.kubernetes.io/part-of", "marketplace-operator"),
        ])),
        ip_block: None,
    })
}
