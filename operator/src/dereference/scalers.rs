//! What decides on the number of pods in the cluster now: HorizontalPodAutoscalers, ours and those that KEDA makes of
//! ScaledObjects, and the ScaledObjects themselves. KEDA gives its own the labels of ours, so that one list has both.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use super::DereferenceError;
use crate::failure;
use crate::kind::Kind;
use crate::render::labels;
use crate::role::Role;

/// What an optional API answered. Only a 404 means that there is no such API; whatever else keeps it from answering says nothing
/// about what is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Listed {
    /// The cluster has no such API.
    #[default]
    Absent,
    /// It could not be asked, in words.
    Unknown(String),
    /// It is there, with these.
    Found(Vec<DynamicObject>),
}

/// What scales the pods of an add-on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scalers {
    /// Every HorizontalPodAutoscaler.
    pub autoscalers: Vec<HorizontalPodAutoscaler>,
    /// Every ScaledObject.
    pub scaled_objects: Listed,
}

/// What scales one Deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// A HorizontalPodAutoscaler of ours.
    pub hpa: bool,
    /// One that KEDA made.
    pub keda_hpa: bool,
    /// A ScaledObject.
    pub scaled_object: bool,
}

impl Scalers {
    /// What scales this Deployment.
    #[must_use]
    pub fn of(&self, role: Role, addon: &str) -> Present {
        let name = role.child(addon);
        let targets = |hpa: &&HorizontalPodAutoscaler| hpa.spec.scale_target_ref.name == name;
        let mut autoscalers = self.autoscalers.iter().filter(targets);
        Present {
            hpa: self.hpa(role, addon).is_some(),
            keda_hpa: autoscalers.any(is_of_keda),
            scaled_object: self.scaled_object(role, addon).is_some(),
        }
    }

    /// Our HorizontalPodAutoscaler for this Deployment.
    #[must_use]
    pub fn hpa(&self, role: Role, addon: &str) -> Option<&HorizontalPodAutoscaler> {
        let name = role.child(addon);
        self.autoscalers
            .iter()
            .find(|hpa| hpa.name_any() == name && !is_of_keda(hpa))
    }

    /// The ScaledObject for this Deployment.
    #[must_use]
    pub fn scaled_object(&self, role: Role, addon: &str) -> Option<&DynamicObject> {
        let name = role.child(addon);
        match &self.scaled_objects {
            Listed::Absent | Listed::Unknown(_) => None,
            Listed::Found(objects) => objects.iter().find(|object| object.name_any() == name),
        }
    }
}

fn is_of_keda(hpa: &HorizontalPodAutoscaler) -> bool {
    let mut owners = hpa.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.kind == Kind::ScaledObject.as_str())
}

/// A condition of a scaler: its status, reason and message.
#[must_use]
pub fn condition<'a>(conditions: &'a [Value], kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let found = conditions.iter().find(|condition| condition["type"] == kind)?;
    let text = |field: &str| found[field].as_str().unwrap_or_default();
    Some((text("status"), text("reason"), text("message")))
}

/// Lists them.
pub async fn get(client: &Client, namespace: &str, addon: &str) -> Result<Scalers, DereferenceError> {
    let ours = ListParams::default().labels(&labels::selector_of(addon));
    let autoscalers: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
    let autoscalers = autoscalers
        .list(&ours)
        .await
        .map_err(|error| DereferenceError::ListScalers(addon.to_owned(), error))?;
    let scaled_objects: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &Kind::ScaledObject.resource());
    let scaled_objects = match failure::where_known(scaled_objects.list(&ours).await) {
        Ok(Some(list)) => Listed::Found(list.items),
        Ok(None) => Listed::Absent,
        Err(error) => Listed::Unknown(failure::message(&error)),
    };
    Ok(Scalers {
        autoscalers: autoscalers.items,
        scaled_objects,
    })
}
