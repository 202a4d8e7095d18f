//! Which keys the Secrets of an add-on must have, and which Secrets its pods mount. Called by `validate`.

use std::collections::BTreeSet;

use k8s_openapi::ByteString;
use marketplace_crds::credentials::{ACCOUNT_SID, AUTH_TOKEN, AUTH_TOKEN_SECONDARY};
use marketplace_crds::handler::http::AUTHORIZATION;
use marketplace_crds::handler::table::TABLE;
use marketplace_crds::handler::transcription::API_KEY;
use marketplace_crds::secret_value::accept;
use marketplace_crds::signature::{PASSWORD, USERNAME};
use marketplace_crds::storage::bucket::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use marketplace_crds::{MarketplaceAddon, constant};

use super::{Exposed, Refusal};
use crate::dereference::{Facts, SecretContent, SecretFact, secrets};

/// The key that a Secret of a database must have.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
/// The keys of a Secret of the type kubernetes.io/tls.
pub(crate) const CERTIFICATE: [&str; 2] = ["tls.crt", "tls.key"];

/// What is copied for the pods of the Secret with the account: the named keys and no other, as the service reads them. A
/// secondary token that repeats the primary is none.
pub(super) fn credentials(addon: &MarketplaceAddon, facts: &Facts, refusals: &mut Vec<Refusal>) -> SecretContent {
    let name = &addon.spec.credentials.secret_name;
    let Some(found) = lines(facts, name, &[ACCOUNT_SID, AUTH_TOKEN], refusals) else {
        return SecretContent::default();
    };
    refusals.extend(unaccepted(name, AUTH_TOKEN_SECONDARY, found));
    let primary = line(found, AUTH_TOKEN);
    let secondary = line(found, AUTH_TOKEN_SECONDARY).filter(|token| Some(*token) != primary);
    let values = [line(found, ACCOUNT_SID), primary, secondary];
    let copied = [ACCOUNT_SID, AUTH_TOKEN, AUTH_TOKEN_SECONDARY].into_iter().zip(values);
    let copied = copied.filter_map(|(key, value)| Some((key.to_owned(), ByteString(value?.as_bytes().to_vec()))));
    SecretContent(copied.collect())
}

/// The names of those that are mounted as they are: of databases, an S3 store, passwords, servers of speech, constants,
/// partners and tables. What is in a table the service judges, which keeps the last one that is good.
pub(super) fn mounted(addon: &MarketplaceAddon, facts: &Facts, refusals: &mut Vec<Refusal>) -> BTreeSet<String> {
    let databases = secrets::of_databases(addon).into_iter();
    let bucket = secrets::bucket_name(addon).into_iter();
    let passwords: BTreeSet<_> = secrets::basic_auth_names(addon).collect();
    let keys: BTreeSet<_> = secrets::api_key_names(addon).collect();
    let constants = constant::secrets(addon);
    let constants = constants.iter().map(|(name, keys)| {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        (name.clone(), keys)
    });
    let wanted = databases
        .map(|name| (name, vec![DATABASE_URL]))
        .chain(bucket.map(|name| (name.to_owned(), vec![ACCESS_KEY_ID, SECRET_ACCESS_KEY])))
        .chain(passwords.into_iter().map(|name| (name, vec![USERNAME, PASSWORD])))
        .chain(keys.into_iter().map(|name| (name, vec![API_KEY])))
        .chain(constants)
        .chain(secrets::authorization_names(addon).map(|name| (name, vec![AUTHORIZATION])));
    let mut names = BTreeSet::new();
    for (name, keys) in wanted {
        lines(facts, &name, &keys, refusals);
        names.insert(name);
    }
    for name in secrets::table_names(addon) {
        found(facts, &name, &[TABLE], refusals);
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

/// The Secret, whose values under these keys are a line of text each.
fn lines<'a>(facts: &'a Facts, name: &str, keys: &[&str], refusals: &mut Vec<Refusal>) -> Option<&'a SecretContent> {
    let content = found(facts, name, keys, refusals)?;
    refusals.extend(keys.iter().filter_map(|key| unaccepted(name, key, content)));
    Some(content)
}

/// Why the service would not read the value under the key. One that is not there, or has nothing in it, is no value.
fn unaccepted(name: &str, key: &str, content: &SecretContent) -> Option<Refusal> {
    let value = content.0.get(key).filter(|value| !value.0.is_empty())?;
    let what = accept(&value.0).err()?;
    Some(Refusal::AcceptValue(name.to_owned(), key.to_owned(), what))
}

fn line<'a>(content: &'a SecretContent, key: &str) -> Option<&'a str> {
    accept(&content.0.get(key)?.0).ok()
}

/// The Secret, which has something under each of these keys.
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
