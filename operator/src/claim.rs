//! Pure: whose is an object that bears the name of a child? Called by apply before it writes for the first time.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::ObjectMeta;

use crate::kind::Kind;
use crate::render::{labels, volume_claim};

/// Whose the name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody's.
    Free,
    /// This add-on's.
    Ours,
    /// A volume claim that an add-on of the same name left behind.
    Adopted,
    /// That of a deleted add-on of the same name; garbage collection will remove it.
    Leaving,
    /// Somebody else's, in words.
    Taken(String),
}

/// Decides by the controller reference; only for a retained volume claim by our labels, because it has no owner.
#[must_use]
pub fn of(kind: Kind, live: Option<&ObjectMeta>, addon: &str, owner: &OwnerReference) -> Claim {
    let Some(live) = live else { return Claim::Free };
    let controller = live
        .owner_references
        .iter()
        .flatten()
        .find(|reference| reference.controller == Some(true));
    match controller {
        Some(other) if other.uid == owner.uid => Claim::Ours,
        Some(other) if (&other.kind, &other.name) == (&owner.kind, &owner.name) => Claim::Leaving,
        Some(other) => Claim::Taken(format!("it is controlled by {} {}", other.kind, other.name)),
        None if kind == Kind::PersistentVolumeClaim && is_ours_by_labels(live, addon) => {
            let serves = live
                .annotations
                .as_ref()
                .and_then(|annotations| annotations.get(volume_claim::SERVES));
            if serves == Some(&owner.uid) {
                Claim::Ours
            } else {
                Claim::Adopted
            }
        }
        None => Claim::Taken("it was not made by this operator".to_owned()),
    }
}

fn is_ours_by_labels(live: &ObjectMeta, addon: &str) -> bool {
    live.labels.as_ref().is_some_and(|found| labels::mark(found, addon))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{children, recording_addon, valid};

    fn verdict(kind: Kind, change: impl FnOnce(&mut ObjectMeta)) -> Claim {
        let owner = valid(&recording_addon()).owner;
        let children = children(&recording_addon());
        let mut live = match kind {
            Kind::PersistentVolumeClaim => children.volume_claim.expect("a volume is declared").metadata,
            _ => children.service.metadata,
        };
        change(&mut live);
        of(kind, Some(&live), "harbour", &owner)
    }

    fn owned_by(live: &mut ObjectMeta, change: impl FnOnce(&mut OwnerReference)) {
        live.owner_references
            .iter_mut()
            .flatten()
            .take(1)
            .for_each(|reference| {
                reference.uid = "another".to_owned();
            });
        if let Some(reference) = live.owner_references.iter_mut().flatten().next() {
            change(reference);
        }
    }

    #[test]
    fn the_controller_reference_says_whose_an_object_is() {
        assert_eq!(verdict(Kind::Service, |_| ()), Claim::Ours);
        assert_eq!(verdict(Kind::Service, |live| owned_by(live, |_| ())), Claim::Leaving);
        assert_eq!(
            verdict(Kind::Service, |live| owned_by(live, |other| other.name =
                "pier".to_owned())),
            Claim::Taken("it is controlled by MarketplaceAddon pier".to_owned())
        );
        assert_eq!(
            verdict(Kind::Service, |live| live.owner_references = None),
            Claim::Taken("it was not made by this operator".to_owned()),
            "labels alone prove nothing"
        );
        let owner = valid(&recording_addon()).owner;
        assert_eq!(of(Kind::Service, None, "harbour", &owner), Claim::Free);
    }

    #[test]
    fn a_retained_claim_is_adopted_once() {
        let serve = |uid: &str| {
            let annotations = [(volume_claim::SERVES.to_owned(), uid.to_owned())];
            verdict(Kind::PersistentVolumeClaim, |live| {
                live.annotations = Some(annotations.into());
            })
        };
        assert_eq!(serve("the-uid-of-an-earlier-add-on"), Claim::Adopted);
        assert_eq!(verdict(Kind::PersistentVolumeClaim, |_| ()), Claim::Ours);
        let foreign = verdict(Kind::PersistentVolumeClaim, |live| live.labels = None);
        assert_eq!(foreign, Claim::Taken("it was not made by this operator".to_owned()));
    }
}
