//! The Secrets that an add-on names, each by `get`: the operator has no right to list or watch Secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};
use marketplace_crds::exposure::Exposure;
use marketplace_crds::{MarketplaceAddon, constant};

use super::DereferenceError;
use crate::failure;
use crate::render::names;

/// The content of a Secret. It never shows in a log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretContent(pub BTreeMap<String, ByteString>);

impl fmt::Debug for SecretContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretContent({:?})", self.0.keys())
    }
}

/// What is known of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFact {
    /// It exists.
    Found(SecretContent),
    /// It does not exist.
    Absent,
    /// The operator may not read it; in the API server's words.
    Forbidden(String),
}

/// The names of all Secrets that the resource names.
#[must_use]
pub fn named_by(addon: &MarketplaceAddon) -> BTreeSet<String> {
    let mut names = of_databases(addon);
    names.insert(addon.spec.credentials.secret_name.clone());
    names.extend(basic_auth_names(addon));
    names.extend(authorization_names(addon));
    names.extend(table_names(addon));
    names.extend(api_key_names(addon));
    names.extend(bucket_name(addon).map(ToOwned::to_owned));
    names.extend(constant::secrets(addon).into_keys());
    names.extend(certificate_name(addon).map(ToOwned::to_owned));
    names
}

/// The name of the Secret with the certificate under which the add-on is called, at its own load balancer or its ingress.
#[must_use]
pub fn certificate_name(addon: &MarketplaceAddon) -> Option<&str> {
    let Exposure {
        cluster_ip: _,
        ingress,
        gateway: _,
        load_balancer,
    } = &addon.spec.exposure;
    let at_ingress = ingress.as_ref().and_then(|ingress| ingress.tls_secret_name.as_deref());
    at_ingress.or_else(|| load_balancer.as_ref()?.tls_secret_name.as_deref())
}

/// The names of those with a database's URL.
#[must_use]
pub fn of_databases(addon: &MarketplaceAddon) -> BTreeSet<String> {
    let spec = &addon.spec;
    let handlers = spec
        .endpoints
        .iter()
        .filter_map(|endpoint| endpoint.handler.sql.as_ref());
    let jobs = spec.storage.iter().filter_map(|storage| storage.postgres.as_ref());
    handlers
        .map(|sql| sql.secret_name.clone())
        .chain(jobs.map(|postgres| postgres.secret_name.clone()))
        .collect()
}

/// The name of the Secret with the key pair of the store with the audio.
#[must_use]
pub fn bucket_name(addon: &MarketplaceAddon) -> Option<&str> {
    let storage = addon.spec.storage.as_ref()?;
    let audio = storage.postgres.as_ref()?.audio.as_ref()?;
    Some(&audio.s3.secret_name)
}

/// The names of the Secrets with the password of an endpoint.
pub fn basic_auth_names(addon: &MarketplaceAddon) -> impl Iterator<Item = String> {
    let endpoints = addon.spec.endpoints.iter();
    endpoints.filter_map(|endpoint| Some(endpoint.basic_auth.as_ref()?.secret_name.clone()))
}

/// The names of the Secrets with what a partner is sent as its `Authorization`.
pub fn authorization_names(addon: &MarketplaceAddon) -> impl Iterator<Item = String> {
    let endpoints = addon.spec.endpoints.iter();
    endpoints.filter_map(|endpoint| endpoint.handler.http.as_ref()?.secret_name.clone())
}

/// The names of the Secrets with a table.
pub fn table_names(addon: &MarketplaceAddon) -> impl Iterator<Item = String> {
    let endpoints = addon.spec.endpoints.iter();
    endpoints.filter_map(|endpoint| endpoint.handler.table.as_ref()?.secret_name.clone())
}

/// The names of the Secrets with the key of a server of speech.
pub fn api_key_names(addon: &MarketplaceAddon) -> impl Iterator<Item = String> {
    let endpoints = addon.spec.endpoints.iter();
    endpoints.filter_map(|endpoint| {
        let transcription = endpoint.handler.analysis.as_ref()?.transcription.as_ref()?;
        transcription.secret_name().map(ToOwned::to_owned)
    })
}

/// Gets one.
pub async fn get(client: &Client, namespace: &str, name: &str) -> Result<SecretFact, DereferenceError> {
    match Api::<Secret>::namespaced(client.clone(), namespace).get_opt(name).await {
        Ok(Some(secret)) => Ok(SecretFact::Found(SecretContent(secret.data.unwrap_or_default()))),
        Ok(None) => Ok(SecretFact::Absent),
        Err(error) if failure::is_forbidden(&error) => Ok(SecretFact::Forbidden(failure::message(&error))),
        Err(error) => Err(DereferenceError::GetSecret(name.to_owned(), error)),
    }
}

/// Gets the copy of the credentials. Somebody else's object of that name is nobody's copy, and one that may not be read
/// may not be written either, which is said where it is applied.
pub async fn get_copy(client: &Client, addon: &MarketplaceAddon) -> Result<Option<SecretContent>, DereferenceError> {
    let name = names::credentials(&addon.name_any());
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &addon.namespace().unwrap_or_default());
    match secrets.get_opt(&name).await {
        Ok(secret) => Ok(secret
            .filter(|secret| is_of(secret, addon))
            .map(|secret| SecretContent(secret.data.unwrap_or_default()))),
        Err(error) if failure::is_forbidden(&error) => Ok(None),
        Err(error) => Err(DereferenceError::GetSecret(name, error)),
    }
}

fn is_of(secret: &Secret, addon: &MarketplaceAddon) -> bool {
    let mut owners = secret.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && Some(&owner.uid) == addon.metadata.uid.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_its_keys_and_never_its_values() {
        let content = BTreeMap::from([("AUTH_TOKEN".to_owned(), ByteString(b"hunter2".to_vec()))]);
        let shown = format!("{:?}", SecretFact::Found(SecretContent(content)));
        assert_eq!(shown, r#"Found(SecretContent(["AUTH_TOKEN"]))"#);
    }
}
