//! Certificates that are made for a test, and clients that trust one of them.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The name in a certificate, where it does not matter.
pub const HOST: &str = "addons.example.com";

/// A certificate with its key.
pub struct Certificate(CertifiedKey<KeyPair>);

impl Certificate {
    /// A new one, like no other.
    pub fn generate() -> Result<Self> {
        Self::of(HOST)
    }

    /// A new one for this host.
    pub fn of(host: &str) -> Result<Self> {
        Ok(Self(generate_simple_self_signed([host.to_owned()])?))
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        self.0.cert.pem()
    }

    /// A Secret of the type kubernetes.io/tls with it.
    pub fn secret(&self, name: &str) -> serde_json::Value {
        serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name},
            "stringData": {"tls.crt": self.pem(), "tls.key": self.0.signing_key.serialize_pem()},
        })
    }

    /// Writes it as a Secret of the type kubernetes.io/tls is mounted: both files are replaced at once.
    pub fn write(&self, folder: &Path) -> Result<()> {
        Self::write_pair(folder, &self.pem(), &self.0.signing_key.serialize_pem())
    }

    /// The same with files of the suite's own.
    pub fn write_pair(folder: &Path, certificate: &str, key: &str) -> Result<()> {
        fs::create_dir_all(folder)?;
        let version = tempfile::Builder::new().prefix("..").tempdir_in(folder)?.keep();
        fs::write(version.join("tls.crt"), certificate)?;
        fs::write(version.join("tls.key"), key)?;
        let link = folder.join("..new");
        std::os::unix::fs::symlink(version.file_name().unwrap_or_default(), &link)?;
        Ok(fs::rename(link, folder.join("..data"))?)
    }

    /// Connects as a client that trusts this certificate alone, and speaks these versions and protocols.
    pub async fn connect(
        &self,
        address: SocketAddr,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.cert.der().clone())?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(connector.connect(ServerName::try_from(HOST)?, stream).await?)
    }
}
