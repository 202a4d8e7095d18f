//! The values of constants that a Secret holds: all keys that are named of it, or none. Kept by `files`, asked by
//! `admission`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::watch;

use super::secret::{ReadSecret, SecretFolder};
use crate::request::{ConstantSecrets, NamedKeys};

/// Reads every Secret once, and fails where one cannot be read whole.
pub(super) fn read_all(folder: &Path, named: &NamedKeys) -> Result<ConstantSecrets, ReadSecret> {
    let mut secrets = ConstantSecrets::default();
    for (secret, keys) in named {
        secrets.replace(secret, read(folder, secret, keys)?);
    }
    Ok(secrets)
}

/// Reads every Secret again and publishes what differs. What cannot be read whole keeps what was read before, and is
/// among the complaints.
pub(super) fn reread(folder: &Path, named: &NamedKeys, sender: &watch::Sender<Arc<ConstantSecrets>>) -> Vec<String> {
    let mut complaints = Vec::new();
    sender.send_if_modified(|last| {
        let mut changed = false;
        for (secret, keys) in named {
            match read(folder, secret, keys) {
                Ok(values) => changed |= Arc::make_mut(last).replace(secret, values),
                Err(error) => complaints.push(error.to_string()),
            }
        }
        changed
    });
    complaints
}

fn read(folder: &Path, secret: &str, keys: &BTreeSet<String>) -> Result<BTreeMap<String, SecretString>, ReadSecret> {
    let folder = SecretFolder::open(folder, secret)?;
    keys.iter()
        .map(|key| Ok((key.clone(), folder.required(key)?)))
        .collect()
}
