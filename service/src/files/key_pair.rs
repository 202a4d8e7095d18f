//! The key pair of an S3 store, read from the files of a Secret. Kept by `files`, used by `spool`.

use marketplace_crds::storage::bucket::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use secrecy::{ExposeSecret as _, SecretString};

use super::secret::{ReadSecret, SecretFolder};

/// Who signs requests to an S3 store. Both halves are of one reading.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// The name of the pair. No secret to the store, and none of anybody else's business.
    pub id: SecretString,
    /// What is signed with.
    pub secret: SecretString,
}

impl KeyPair {
    /// Reads both keys of the Secret.
    pub fn read(folder: &SecretFolder) -> Result<Self, ReadSecret> {
        Ok(Self {
            id: folder.required(ACCESS_KEY_ID)?,
            secret: folder.required(SECRET_ACCESS_KEY)?,
        })
    }

    /// Whether another reading gave the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (Self { id, secret }, other) = (self, other);
        id.expose_secret() == other.id.expose_secret() && secret.expose_secret() == other.secret.expose_secret()
    }
}
