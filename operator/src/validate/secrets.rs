//! Which keys the Secrets of an add-on must have, and which Secrets its pods mount. Called by `validate`.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use marketplace_crds::credentials::{ACCOUNT_SID, AUTH_TOKEN, AUTH_TOKEN_SECONDARY};
use marketplace_crds::signature::{PASSWORD, USERNAME};
use marketplace_crds::{MarketplaceAddon, constant};

use super::{Exposed, Refusal};
use crate::dereference::{Facts, SecretContent, SecretFact, secrets};

/// The key that a Secret of a database must have.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
/// The keys of a Secret of the type kubernetes.io/tls.
pub(crate) const CERTIFICATE: [&str; 2] = ["tls.crt", "tls.key"];

/// What is copied for the pods of the Secret with the account: the named keys and no other.
pub(super) fn credentials(addon: &MarketplaceAddon, facts: &Facts, refusals: &mut Vec<Refusal>) -> SecretContent {
    let name = &addon.spec.credentials.secret_name;
    let mut copied = BTreeMap::new();
    let found = found(facts, name, &[ACCOUNT_SID, AUTH_TOKEN], refusals);
    for key in [ACCOUNT_SID, AUTH_TOKEN, AUTH_TOKEN_SECONDARY] {
        if let Some(value) = found
            .and_then(|content| content.0.get(key))
            .filter(|value| !value.0.is_empty())
        {
            copied.insert(key.to_owned(), ByteString(value.0.clone()));
        }
    }
    SecretContent(copied)
}

/// The names of those that are mounted as they are: of databases, of passwords, and of constants.
pub(super) fn mounted(addon: &MarketplaceAddon, facts: &Facts, refusals: &mut Vec<Refusal>) -> BTreeSet<String> {
    let databases = secrets::of_databases(addon).into_iter();
    let passwords: BTreeSet<_> = secrets::basic_auth_names(addon).collect();
    let constants = constant::secrets(addon);
    let constants = constants.iter().map(|(name, keys)| {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        (name.clone(), keys)
    });
    let wanted = databases
        .map(|name| (name, vec![DATABASE_URL]))
        .chain(passwords.into_iter().map(|name| (name, vec![USERNAME, PASSWORD])))
        .chain(constants);
    let mut names = BTreeSet::new();
    for (name, keys) in wanted {
        found(facts, &name, &keys, refusals);
        names.insert(name);
    }
    names
}

/// Looks at the certificate with which the pods speak TLS by themselves: without it they would not start.
pub(super) fn certificate(exposure: &Exposed, facts: &Facts, refusals: &mut Vec<Refusal>) {
    if let Some(name) = exposure.certificate() {
        found(facts, name, &CERTIFICATE, refusals);
    }
}

fn found<'a>(facts: &'a Facts, name: &str, keys: &[&str], refusals: &mut Vec<Refusal>) -> Option<&'a SecretContent> {
    match facts.secrets.get(name) {
        Some(SecretFact::Found(content)) => {
            let lacking = keys
                .iter()
                .filter(|key| content.0.get(**key).is_none_or(|value| value.0.is_empty()));
            refusals.extend(lacking.map(|key| Refusal::FindKey(name.to_owned(), (*key).to_owned())));
            Some(content)
        }
        Some(SecretFact::Absent) | None => {
            let wanted = format!(
                "the {} {}",
                if keys.len() == 1 { "key" } else { "keys" },
                keys.join(" and ")
            );
            refusals.push(Refusal::FindSecret(name.to_owned(), wanted));
            None
        }
        Some(SecretFact::Forbidden(words)) => {
            refusals.push(Refusal::ReadSecret(name.to_owned(), words.clone()));
            None
        }
    }
}
