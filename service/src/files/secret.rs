//! One Secret as a folder with a file per key. Called by `files` alone.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use marketplace_crds::secret_value::{VALUE_LIMIT_BYTES, accept};
use secrecy::SecretString;

/// Why a key of a Secret is not used. Never says anything of its value.
#[derive(Debug, thiserror::Error)]
pub enum ReadSecret {
    /// The folder is not there.
    #[error("failed to find secret {secret}: there is no folder of that name with the secrets")]
    FindSecret {
        /// The name of the Secret.
        secret: String,
    },
    /// The key is not there.
    #[error("failed to find key {key} of secret {secret}")]
    FindKey {
        /// The name of the Secret.
        secret: String,
        /// The key in it.
        key: String,
    },
    /// The file is there and cannot be read.
    #[error("failed to read key {key} of secret {secret}: {kind}")]
    ReadKey {
        /// The name of the Secret.
        secret: String,
        /// The key in it.
        key: String,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// Empty, too long, not text, or with a line end inside.
    #[error("failed to accept key {key} of secret {secret}: it is {what}")]
    AcceptValue {
        /// The name of the Secret.
        secret: String,
        /// The key in it.
        key: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// A Secret's folder at one moment.
pub struct SecretFolder {
    secret: String,
    folder: PathBuf,
}

impl SecretFolder {
    /// Resolves the folder once, so that all keys are of one version.
    pub fn open(root: &Path, secret: &str) -> Result<Self, ReadSecret> {
        let mounted = root.join(secret);
        let folder = mounted.join("..data").canonicalize().unwrap_or(mounted);
        if !folder.is_dir() {
            return Err(ReadSecret::FindSecret {
                secret: secret.to_owned(),
            });
        }
        Ok(Self {
            secret: secret.to_owned(),
            folder,
        })
    }

    /// A value that must be there.
    pub fn required(&self, key: &str) -> Result<SecretString, ReadSecret> {
        let bytes = self.read(key)?.ok_or_else(|| ReadSecret::FindKey {
            secret: self.secret.clone(),
            key: key.to_owned(),
        })?;
        self.accept(key, &bytes)
    }

    /// A value that may be left out, or left empty.
    pub fn optional(&self, key: &str) -> Result<Option<SecretString>, ReadSecret> {
        match self.read(key)? {
            Some(bytes) if !bytes.is_empty() => self.accept(key, &bytes).map(Some),
            _ => Ok(None),
        }
    }

    /// A value that must be there and may be large: at most one byte more than the limit is read, so that who asks sees that it
    /// is too much.
    pub fn document(&self, key: &str, limit_bytes: u64) -> Result<Vec<u8>, ReadSecret> {
        let bytes = self.read_up_to(key, limit_bytes)?;
        bytes.ok_or_else(|| ReadSecret::FindKey {
            secret: self.secret.clone(),
            key: key.to_owned(),
        })
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, ReadSecret> {
        self.read_up_to(key, VALUE_LIMIT_BYTES)
    }

    fn read_up_to(&self, key: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, ReadSecret> {
        match read_up_to(&self.folder.join(key), limit_bytes) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ReadSecret::ReadKey {
                secret: self.secret.clone(),
                key: key.to_owned(),
                kind: error.kind(),
            }),
        }
    }

    fn accept(&self, key: &str, bytes: &[u8]) -> Result<SecretString, ReadSecret> {
        accept(bytes)
            .map(SecretString::from)
            .map_err(|what| ReadSecret::AcceptValue {
                secret: self.secret.clone(),
                key: key.to_owned(),
                what,
            })
    }
}

pub(super) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    read_up_to(path, VALUE_LIMIT_BYTES)
}

fn read_up_to(path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
