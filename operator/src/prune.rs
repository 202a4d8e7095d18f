//! Deletes by label what the add-on no longer names, of every kind that apply may have made. Only what our controller
//! reference marks is deleted: a retained volume claim has none, and is reported instead.

use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, PartialObjectMeta, Preconditions};

use crate::apply::{Applier, ApplyError};
use crate::dereference::Workload;
use crate::dereference::scalers::Listed;
use crate::failure;
use crate::kind::Kind;
use crate::memory::Kept;
use crate::render::labels;

/// What is to become of an object that the add-on does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Delete,
    Retain,
    LeaveAlone,
}

/// Prunes, unless exactly this was pruned before. Returns the volume claim that is kept although nobody names it.
pub(crate) async fn prune(
    applier: &Applier<'_>,
    mut kept: Kept,
    workload: &Workload,
) -> Result<Option<String>, ApplyError> {
    let is_rolled_out = workload.rollout().is_complete();
    let is_there =
        |kind: &Kind| *kind != Kind::ScaledObject || matches!(workload.scalers.scaled_objects, Listed::Found(_));
    let kinds = Kind::IN_ORDER.iter().filter(|kind| kind.is_watched() && is_there(kind));
    // Until the roll is done, pods of the version before still read its ConfigMap.
    let kinds: Vec<_> = kinds
        .copied()
        .filter(|kind| *kind != Kind::ConfigMap || is_rolled_out)
        .collect();
    if !is_rolled_out {
        kept.retain(|(kind, _)| *kind != Kind::ConfigMap);
    }
    let addon = (applier.addon.namespace.clone(), applier.addon.name.clone());
    if applier.memory.is_pruned(&addon, &kept) {
        return Ok(None);
    }
    let mut retained = None;
    for kind in kinds {
        retained = prune_kind(applier, kind, &kept).await?.or(retained);
    }
    // What could not be asked may still have something.
    if !matches!(workload.scalers.scaled_objects, Listed::Unknown(_)) {
        applier.memory.pruned(addon, kept);
    }
    Ok(retained)
}

async fn prune_kind(applier: &Applier<'_>, kind: Kind, kept: &Kept) -> Result<Option<String>, ApplyError> {
    let api = applier.api(kind);
    let selector = ListParams::default().labels(&labels::selector_of(&applier.addon.name));
    let listed = match api.list_metadata(&selector).await {
        Ok(listed) => listed,
        // Of a kind that the cluster does not know there is nothing to prune.
        Err(error) if kind.is_optional() && failure::is_absent(&error) => return Ok(None),
        Err(error) => return Err(ApplyError::ListChildren(kind, error)),
    };
    let mut retained = None;
    for child in listed {
        let name = child.name_any();
        if kept.contains(&(kind, name.clone())) {
            continue;
        }
        match fate(&child, kind, &applier.addon.owner.uid) {
            Fate::LeaveAlone => {}
            Fate::Retain => retained = Some(name),
            Fate::Delete => {
                // By uid: an object of the same name that somebody has made since is not the one that was judged.
                let parameters = DeleteParams::background().preconditions(Preconditions {
                    uid: child.uid(),
                    resource_version: None,
                });
                match api.delete(&name, &parameters).await {
                    Ok(_) => applier.metrics.count_prune(kind),
                    Err(error) if failure::is_absent(&error) => {}
                    Err(error) => return Err(ApplyError::DeleteChild(kind, name, error)),
                }
                applier.memory.gone(&applier.key(kind, name));
            }
        }
    }
    Ok(retained)
}

fn fate<K>(child: &PartialObjectMeta<K>, kind: Kind, owner_uid: &str) -> Fate {
    let mut owners = child.metadata.owner_references.iter().flatten();
    if owners.any(|owner| owner.controller == Some(true) && owner.uid == owner_uid) {
        Fate::Delete
    } else if kind == Kind::PersistentVolumeClaim {
        Fate::Retain
    } else {
        Fate::LeaveAlone
    }
}
