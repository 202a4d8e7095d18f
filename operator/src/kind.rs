//! The kinds of children, in the order in which they are applied. Watching and pruning go by the same list, so that a kind
//! cannot be applied and then forgotten.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::{ApiResource, GroupVersionKind};

/// A kind of child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The identity of the pods.
    ServiceAccount,
    /// The account's credentials, copied.
    Secret,
    /// The add-on as the service reads it.
    ConfigMap,
    /// Who may connect.
    NetworkPolicy,
    /// Where accepted recordings lie.
    PersistentVolumeClaim,
    /// The address of the pods.
    Service,
    /// How many pods a drain may take away.
    PodDisruptionBudget,
    /// The pods.
    Deployment,
    /// Decides on the number of pods by their CPU.
    HorizontalPodAutoscaler,
    /// Has KEDA decide on it.
    ScaledObject,
    /// By which Prometheus finds the metrics.
    PodMonitor,
    /// When Prometheus raises an alarm.
    PrometheusRule,
    /// What an ingress controller is to route to the Service.
    Ingress,
    /// What a gateway is to route to the Service.
    HttpRoute,
}

impl Kind {
    /// What a pod needs comes before the pods; the fence stands before what it fences, what scales the pods comes after them,
    /// and the way in is opened last.
    pub const IN_ORDER: [Self; 14] = [
        Self::ServiceAccount,
        Self::Secret,
        Self::ConfigMap,
        Self::NetworkPolicy,
        Self::PersistentVolumeClaim,
        Self::Service,
        Self::PodDisruptionBudget,
        Self::Deployment,
        Self::HorizontalPodAutoscaler,
        Self::ScaledObject,
        Self::PodMonitor,
        Self::PrometheusRule,
        Self::Ingress,
        Self::HttpRoute,
    ];

    /// Whether the operator may list and watch the kind. Secrets it may only get by name, so the derived Secret is looked
    /// at in each pass, and never pruned: every add-on has exactly one, of a fixed name.
    #[must_use]
    pub fn is_watched(self) -> bool {
        self != Self::Secret
    }

    /// Whether a cluster may lack the kind: its watch then waits for it, and nothing of it is applied or pruned. Only a 404
    /// for the kind itself says so.
    #[must_use]
    pub fn is_optional(self) -> bool {
        matches!(
            self,
            Self::ScaledObject | Self::PodMonitor | Self::PrometheusRule | Self::HttpRoute
        )
    }

    /// Whether the status of the kind changes all the time, so that only its content says whether it stands.
    #[must_use]
    pub fn is_compared(self) -> bool {
        matches!(
            self,
            Self::PodDisruptionBudget | Self::HorizontalPodAutoscaler | Self::ScaledObject
        )
    }

    /// Where the API server keeps the kind.
    #[must_use]
    pub fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::Secret => ApiResource::erase::<Secret>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::PersistentVolumeClaim => ApiResource::erase::<PersistentVolumeClaim>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::HorizontalPodAutoscaler => ApiResource::erase::<HorizontalPodAutoscaler>(&()),
            Self::ScaledObject => ApiResource::from_gvk(&GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject")),
            Self::PodMonitor | Self::PrometheusRule => {
                ApiResource::from_gvk(&GroupVersionKind::gvk("monitoring.coreos.com", "v1", self.as_str()))
            }
            Self::Ingress => ApiResource::erase::<Ingress>(&()),
            Self::HttpRoute => {
                ApiResource::from_gvk(&GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute"))
            }
        }
    }

    /// The name as Kubernetes writes it; also a metric label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::Service => "Service",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::Deployment => "Deployment",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::ScaledObject => "ScaledObject",
            Self::PodMonitor => "PodMonitor",
            Self::PrometheusRule => "PrometheusRule",
            Self::Ingress => "Ingress",
            Self::HttpRoute => "HTTPRoute",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
