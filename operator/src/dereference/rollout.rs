//! How far a roll has come, of one Deployment and of both together.

use k8s_openapi::api::apps::v1::Deployment;

/// One Deployment of an add-on as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deployed {
    /// The Deployment, once there is one.
    pub deployment: Option<Deployment>,
    /// With an autoscaler, the fewest pods that it leaves: as many must be ready, and how many more there are is its affair.
    pub least: Option<i32>,
}

/// How far the Deployments have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// There is no Deployment, or its controller has not seen the last change.
    Pending,
    /// So many of so many pods are up to date and ready.
    Progressing(i32, i32),
    /// All of them, and none other is left.
    Complete(i32),
    /// As many as an autoscaler must leave, and no pod of an older version is left.
    Scaled,
}

impl Rollout {
    /// Whether no pod of an older version is left, and enough of this one are ready.
    #[must_use]
    pub fn is_complete(self) -> bool {
        match self {
            Self::Complete(_) | Self::Scaled => true,
            Self::Pending | Self::Progressing(..) => false,
        }
    }

    /// Of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Pending, _) | (_, Self::Pending) => Self::Pending,
            (Self::Progressing(ready, desired), Self::Progressing(more, others)) => {
                Self::Progressing(ready + more, desired + others)
            }
            (Self::Progressing(ready, desired), Self::Complete(others))
            | (Self::Complete(others), Self::Progressing(ready, desired)) => {
                Self::Progressing(ready + others, desired + others)
            }
            (Self::Progressing(ready, desired), Self::Scaled) | (Self::Scaled, Self::Progressing(ready, desired)) => {
                Self::Progressing(ready, desired)
            }
            (Self::Complete(pods), Self::Complete(others)) => Self::Complete(pods + others),
            (Self::Scaled, Self::Scaled | Self::Complete(_)) | (Self::Complete(_), Self::Scaled) => Self::Scaled,
        }
    }
}

impl Deployed {
    /// How far it has come.
    #[must_use]
    pub fn rollout(&self) -> Rollout {
        let Some((metadata, spec, status)) = self
            .deployment
            .as_ref()
            .and_then(|deployment| Some((&deployment.metadata, &deployment.spec, deployment.status.as_ref()?)))
        else {
            return Rollout::Pending;
        };
        if status.observed_generation < metadata.generation {
            return Rollout::Pending;
        }
        let pods = status.replicas.unwrap_or(0);
        let updated = status.updated_replicas.unwrap_or(0);
        let available = status.available_replicas.unwrap_or(0);
        let desired = spec.replicas.unwrap_or(1);
        match self.least {
            Some(least) if updated == pods && available >= least => Rollout::Scaled,
            Some(least) => Rollout::Progressing(updated.min(available).min(least), least),
            None if [updated, available, pods] == [desired; 3] => Rollout::Complete(desired),
            None => Rollout::Progressing(updated.min(available), desired),
        }
    }

    /// The version of its spec.
    #[must_use]
    pub fn generation(&self) -> Option<i64> {
        self.deployment.as_ref()?.metadata.generation
    }

    /// What the Deployment's own controller says keeps it from making pods, such as a quota.
    #[must_use]
    pub fn replica_failure(&self) -> Option<&str> {
        let conditions = self.deployment.as_ref()?.status.as_ref()?.conditions.as_deref()?;
        let failure = conditions.iter().find(|condition| {
            condition.type_.as_deref() == Some("ReplicaFailure") && condition.status.as_deref() == Some("True")
        });
        failure?.message.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rollout(least: Option<i32>, generation: i64, [replicas, updated, available]: [i32; 3]) -> Rollout {
        let deployment = serde_json::from_value(json!({
            "metadata": {"generation": generation},
            "spec": {"replicas": 2, "selector": {}, "template": {}},
            "status": {"observedGeneration": 3, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available},
        }))
        .expect("the fixture is well-formed");
        Deployed {
            deployment: Some(deployment),
            least,
        }
        .rollout()
    }

    #[test]
    fn a_roll_is_complete_when_only_new_pods_are_left_and_all_are_ready() {
        assert_eq!(Deployed::default().rollout(), Rollout::Pending);
        for (generation, pods, expected) in [
            (4, [2, 2, 2], Rollout::Pending),
            (3, [2, 2, 2], Rollout::Complete(2)),
            (3, [3, 2, 3], Rollout::Progressing(2, 2)),
            (3, [2, 2, 1], Rollout::Progressing(1, 2)),
        ] {
            assert_eq!(rollout(None, generation, pods), expected, "{generation} {pods:?}");
        }
    }

    #[test]
    fn how_many_pods_an_autoscaler_adds_is_its_own_affair() {
        for (pods, expected) in [
            ([1, 1, 1], Rollout::Scaled),
            ([7, 7, 1], Rollout::Scaled),
            ([2, 1, 2], Rollout::Progressing(1, 1)),
            ([1, 1, 0], Rollout::Progressing(0, 1)),
        ] {
            assert_eq!(rollout(Some(1), 3, pods), expected, "{pods:?}");
        }
    }

    #[test]
    fn two_deployments_are_as_far_as_the_slower_one() {
        use Rollout::{Complete, Pending, Progressing, Scaled};
        for (front, workers, both) in [
            (Complete(2), Complete(1), Complete(3)),
            (Complete(2), Progressing(0, 1), Progressing(2, 3)),
            (Progressing(1, 2), Scaled, Progressing(1, 2)),
            (Progressing(1, 2), Progressing(0, 1), Progressing(1, 3)),
            (Complete(2), Scaled, Scaled),
            (Pending, Complete(1), Pending),
        ] {
            assert_eq!((front.and(workers), workers.and(front)), (both, both));
        }
    }
}
