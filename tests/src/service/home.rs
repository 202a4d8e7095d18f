//! What a service is started with and leaves behind: the manifest, the secrets, the data folder, the addresses, the log.
//! It outlives a service, so that another may be started on what a killed one left.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Result;
use serde_json::Value;
use tempfile::TempDir;

/// The folder of one add-on.
pub struct Home {
    folder: Arc<TempDir>,
    data: String,
    address: SocketAddr,
    admin: SocketAddr,
    variables: Vec<(String, String)>,
    more_arguments: Vec<String>,
}

impl Home {
    /// A folder with the manifest and no secret.
    pub fn new(manifest: &Value) -> Result<Self> {
        let folder = Arc::new(TempDir::with_prefix("marketplace-")?);
        fs::create_dir(folder.path().join("secrets"))?;
        fs::create_dir(folder.path().join("data"))?;
        let (address, admin) = free_addresses();
        let home = Self {
            folder,
            data: "data".to_owned(),
            address,
            admin,
            variables: Vec::new(),
            more_arguments: Vec::new(),
        };
        fs::write(home.manifest_path(), serde_yaml::to_string(manifest)?)?;
        Ok(home)
    }

    /// The same folder for another process, which is found elsewhere.
    #[must_use]
    pub fn shared(&self) -> Self {
        let (address, admin) = free_addresses();
        Self {
            folder: Arc::clone(&self.folder),
            data: self.data.clone(),
            address,
            admin,
            variables: self.variables.clone(),
            more_arguments: self.more_arguments.clone(),
        }
    }

    /// The same with a data folder of its own.
    #[must_use]
    pub fn apart(&self) -> Self {
        let shared = self.shared();
        Self {
            data: format!("data-{}", shared.address.port()),
            ..shared
        }
    }

    /// With more arguments of `run`.
    #[must_use]
    pub fn with_arguments(mut self, arguments: &[&str]) -> Self {
        self.more_arguments
            .extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Writes a key of a Secret, as a mounted file.
    pub fn write_secret(&self, secret: &str, key: &str, value: &str) -> Result<()> {
        let folder = self.folder.path().join("secrets").join(secret);
        fs::create_dir_all(&folder)?;
        // Replaced and never half written, as Kubernetes does it.
        let new = folder.join(format!(".{key}"));
        fs::write(&new, value)?;
        Ok(fs::rename(new, folder.join(key))?)
    }

    /// A key of a Secret, if it was written.
    pub fn secret(&self, secret: &str, key: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join("secrets").join(secret).join(key)).ok()
    }

    /// The folder of all.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The manifest.
    pub fn manifest_path(&self) -> PathBuf {
        self.path().join("addon.yaml")
    }

    /// The data folder.
    pub fn data_path(&self) -> PathBuf {
        self.path().join(&self.data)
    }

    /// The names of the files in a folder below the data folder; none while the folder is not there.
    pub fn data_files(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.data_path().join(folder)) else {
            return Vec::new();
        };
        entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    /// What the services of this address say, on both streams.
    pub fn log_path(&self) -> PathBuf {
        self.path().join(format!("service-{}.log", self.address.port()))
    }

    /// What the services of this folder have said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Where Twilio's requests go.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the probes and the metrics are.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Sets an environment variable of the services that are started from now on.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The environment variables that are set for this home alone.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// The arguments of `run`.
    pub fn arguments(&self) -> Vec<String> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let (secrets, data) = (text(self.path().join("secrets")), text(self.data_path()));
        let (address, admin) = (self.address.to_string(), self.admin.to_string());
        let mut arguments = vec!["-f".to_owned(), text(self.manifest_path())];
        for (flag, value) in [
            ("--secrets", secrets),
            ("--secrets-interval-seconds", "1".to_owned()),
            ("--data", data),
            ("--listen", address),
            ("--admin", admin),
        ] {
            arguments.extend([flag.to_owned(), value]);
        }
        arguments.extend_from_slice(&self.more_arguments);
        arguments
    }
}

/// Two addresses that nobody else takes, without asking the kernel for a port that another may get before it is used:
/// each test process has a loopback address of its own, and each service has ports of its own there, below those that the
/// kernel hands out.
fn free_addresses() -> (SocketAddr, SocketAddr) {
    static NEXT_PORT: AtomicU16 = AtomicU16::new(20_000);
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, 64 | high, middle, low);
    let port = NEXT_PORT.fetch_add(2, Ordering::Relaxed);
    (SocketAddr::from((address, port)), SocketAddr::from((address, port + 1)))
}
