//! What the operator reports of an add-on. No figures that change by themselves and no clocks: a status that slides
//! would wake its own reconcile.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What the operator reports of an add-on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MarketplaceAddonStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The base of every URL that Twilio signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// `Ready` says whether the add-on answers as declared; the others say of which part that depends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

impl MarketplaceAddonStatus {
    /// What is said of this, if anything is.
    #[must_use]
    pub fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        let mut conditions = self.conditions.iter();
        conditions.find(|condition| condition.type_ == kind.as_str())
    }
}

/// The types of the conditions of an add-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// The add-on answers as declared: credentials are valid, every pod is available, requests are routed, and declared
    /// autoscalers work.
    Ready,
    /// Nothing more will happen until somebody changes the resource or what it refers to.
    Stalled,
    /// The credentials Secret exists and has the keys.
    CredentialsValid,
    /// Every Ready pod has loaded the tokens that the Secret gives: what a rotation waits for.
    TokensPropagated,
    /// The declared number of pods is up to date and ready.
    Available,
    /// Whoever carries the traffic in has taken what is to be routed. Only where something of ours is routed.
    Routed,
    /// The declared autoscalers decide on the number of pods.
    ScalingActive,
    /// Who enforces the allow list.
    SourcesEnforced,
    /// The Prometheus Operator is told of the add-on. Only where the resource asks for it.
    MonitoringActive,
    /// The pods reach what recordings are kept in. Only where that is a database.
    StorageReachable,
    /// No endpoint is slower than the SLA allows. Only where results come later.
    SlaMet,
    /// The pods are being replaced because the operator is another, or wait for their turn; absent otherwise.
    Upgrading,
}

impl ConditionType {
    /// The type as it stands in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Stalled => "Stalled",
            Self::CredentialsValid => "CredentialsValid",
            Self::TokensPropagated => "TokensPropagated",
            Self::Available => "Available",
            Self::Routed => "Routed",
            Self::ScalingActive => "ScalingActive",
            Self::SourcesEnforced => "SourcesEnforced",
            Self::MonitoringActive => "MonitoringActive",
            Self::StorageReachable => "StorageReachable",
            Self::SlaMet => "SlaMet",
            Self::Upgrading => "Upgrading",
        }
    }
}
