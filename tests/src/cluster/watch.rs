//! Waits for what the cluster comes to show.

use std::fmt::Debug;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::Api;
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt as _};
use marketplace_crds::MarketplaceAddon;
use serde::de::DeserializeOwned;

use crate::patience::until;

/// A condition of an add-on.
pub fn condition<'a>(addon: &'a MarketplaceAddon, kind: &str) -> Option<&'a Condition> {
    addon
        .status
        .as_ref()?
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind)
}

/// Waits until the add-on is Ready, and its status speaks of `generation`.
pub async fn ready(addons: &Api<MarketplaceAddon>, name: &str, generation: Option<i64>) -> Result<MarketplaceAddon> {
    state(addons, name, "Ready", "True", generation).await
}

/// Waits until a condition of the add-on has a status, observed of `generation`. The error shows what it was instead.
pub async fn state(
    addons: &Api<MarketplaceAddon>,
    name: &str,
    kind: &str,
    status: &str,
    generation: Option<i64>,
) -> Result<MarketplaceAddon> {
    let mut last = None;
    let what = format!("{name} {kind}={status}");
    let found = until(&what, async || {
        let addon = addons.get(name).await?;
        let observed = addon.status.as_ref().and_then(|status| status.observed_generation);
        let holds = condition(&addon, kind).is_some_and(|condition| condition.status == status);
        last = Some(addon.status.clone());
        Ok((holds && observed >= generation).then_some(addon))
    });
    found.await.with_context(|| format!("its status was {last:?}"))
}

/// Waits until a condition of the add-on has a status and its message has all of `words`. The error shows what it was instead.
pub async fn says(addons: &Api<MarketplaceAddon>, name: &str, kind: &str, status: &str, words: &[&str]) -> Result<()> {
    let mut last = None;
    let what = format!("{name} {kind}={status} with {words:?}");
    let said = until(&what, async || {
        let addon = addons.get(name).await?;
        last = condition(&addon, kind).cloned();
        let holds = last
            .as_ref()
            .is_some_and(|now| now.status == status && words.iter().all(|word| now.message.contains(word)));
        Ok(holds.then_some(()))
    });
    said.await.with_context(|| format!("it said {last:?}"))
}

/// Waits until an object is there whose uid is another than `before`; the new one.
pub async fn replaced<K>(objects: &Api<K>, name: &str, before: &str) -> Result<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    until(&format!("another {name}"), async || {
        Ok(objects
            .get_opt(name)
            .await?
            .filter(|object| object.uid().as_deref() != Some(before)))
    })
    .await
}

/// Waits until an object is gone.
pub async fn gone<K>(objects: &Api<K>, name: &str) -> Result<()>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    until(&format!("{name} gone"), async || {
        Ok(objects.get_opt(name).await?.is_none().then_some(()))
    })
    .await
}

/// The uid of an object that is there.
pub fn uid(object: &impl kube::ResourceExt) -> Result<String> {
    match object.uid() {
        Some(uid) => Ok(uid),
        None => bail!("{} has no uid", object.name_any()),
    }
}
