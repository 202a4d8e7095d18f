//! The kinds of children, in the order in which they are applied. Watching and pruning go by the same list, so that a kind
//! cannot be applied and then forgotten.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::core::ApiResource;

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
    /// The pods.
    Deployment,
}

impl Kind {
    /// What a pod needs comes before the pods; the fence stands before what it fences.
    pub const IN_ORDER: [Self; 7] = [
        Self::ServiceAccount,
        Self::Secret,
        Self::ConfigMap,
        Self::NetworkPolicy,
        Self::PersistentVolumeClaim,
        Self::Service,
        Self::Deployment,
    ];

    /// Whether the operator may list and watch the kind. Secrets it may only get by name, so the derived Secret is looked
    /// at in each pass, and never pruned: every add-on has exactly one, of a fixed name.
    #[must_use]
    pub fn is_watched(self) -> bool {
        self != Self::Secret
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
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
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
            Self::Deployment => "Deployment",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
