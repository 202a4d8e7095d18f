//! The certificate with which the service speaks TLS by itself: read from a folder as a Secret of the type
//! kubernetes.io/tls is mounted, again and again, and published through `tokio::sync::watch`. Called by `cli`, read by
//! `server::connection` at each handshake, so that a new certificate is shown without a restart and no connection ends.
//!
//! TLS 1.2 and 1.3 with the cipher suites that rustls has at all: forward secret, AES-GCM or ChaCha20-Poly1305. A pair that
//! cannot be used never replaces one that can.

mod metrics;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use marketplace_daemon::cause::chain;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::metrics::{HandshakeFailure, TlsMetrics};

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// A chain of certificates has some kilobytes; what is mounted by mistake is not read whole.
const FILE_LIMIT_BYTES: u64 = 256 * 1024;

/// The protocols that are offered in the handshake, the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate is not used.
#[derive(Debug, thiserror::Error)]
pub enum ReadCertificate {
    /// A file of the pair.
    #[error("failed to read {file}: {kind}")]
    ReadFile {
        /// The file.
        file: String,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// No PEM, or none with a certificate.
    #[error("failed to find a certificate in {CERTIFICATE}: want PEM, the server's own certificate first")]
    ParseCertificate,
    /// A certificate that is none.
    #[error("failed to read when the certificate of {CERTIFICATE} ends")]
    ParseValidity,
    /// No PEM, or none with a private key.
    #[error("failed to find a private key in {KEY}: want PEM without a password")]
    ParseKey,
    /// The key is another certificate's, or of a kind that we do not know.
    #[error("failed to use {KEY} with {CERTIFICATE}")]
    MatchKey(#[source] rustls::Error),
}

/// A certificate with its key, ready for handshakes.
struct Pair {
    config: Arc<ServerConfig>,
    not_after_seconds: i64,
}

/// The files as they were read, to tell whether they have changed.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Reads the pair on a timer and publishes what changed.
pub struct CertificateFiles {
    folder: PathBuf,
    last: Files,
    published: watch::Sender<Arc<ServerConfig>>,
    metrics: TlsMetrics,
    /// What failed at the last reading, so that it is told once and not at every reading.
    complaint: Option<String>,
}

impl CertificateFiles {
    /// Reads once. Without a good pair nothing could be served, so that this is an error of the start.
    pub fn open(
        folder: PathBuf,
        metrics: TlsMetrics,
    ) -> Result<(Self, watch::Receiver<Arc<ServerConfig>>), ReadCertificate> {
        let last = read(&folder)?;
        let pair = parse(&last)?;
        metrics.loaded(pair.not_after_seconds);
        let (published, seen) = watch::channel(pair.config);
        let files = Self {
            folder,
            last,
            published,
            metrics,
            complaint: None,
        };
        Ok((files, seen))
    }

    /// Reads again at every interval until it is told to stop.
    pub async fn run(mut self, interval: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.reread();
        }
    }

    /// Reads once and publishes a pair that is good and differs.
    pub fn reread(&mut self) {
        let read = match read(&self.folder) {
            Ok(files) if files == self.last => {
                self.complaint = None;
                return;
            }
            Ok(files) => parse(&files).map(|pair| (files, pair)),
            Err(error) => Err(error),
        };
        match read {
            Ok((files, pair)) => {
                self.last = files;
                self.complaint = None;
                self.metrics.loaded(pair.not_after_seconds);
                self.published.send_replace(pair.config);
                tracing::info!(
                    certificate.not_after_seconds = pair.not_after_seconds,
                    "certificate loaded"
                );
            }
            Err(error) => self.complain(&error),
        }
    }

    fn complain(&mut self, error: &ReadCertificate) {
        self.metrics.read_failed();
        let complaint = chain(error);
        if self.complaint.as_ref() != Some(&complaint) {
            tracing::error!(
                error = complaint,
                "the certificate cannot be used; the one before stays in use"
            );
        }
        self.complaint = Some(complaint);
    }
}

/// Both files of one version: Kubernetes replaces the folder through the link `..data`.
fn read(folder: &Path) -> Result<Files, ReadCertificate> {
    let resolved = folder.join("..data").canonicalize().unwrap_or(folder.to_owned());
    let read = |name| {
        read_bounded(&resolved.join(name)).map_err(|error| ReadCertificate::ReadFile {
            file: folder.join(name).display().to_string(),
            kind: error.kind(),
        })
    };
    Ok(Files {
        certificate: read(CERTIFICATE)?,
        key: read(KEY)?,
    })
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(files: &Files) -> Result<Pair, ReadCertificate> {
    let Files { certificate, key } = files;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| ReadCertificate::ParseCertificate)?;
    let first = certificates.first().ok_or(ReadCertificate::ParseCertificate)?;
    let not_after_seconds = not_after_seconds(first)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| ReadCertificate::ParseKey)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has suites for both versions")
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(ReadCertificate::MatchKey)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Pair {
        config: Arc::new(config),
        not_after_seconds,
    })
}

fn not_after_seconds(certificate: &CertificateDer<'_>) -> Result<i64, ReadCertificate> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| ReadCertificate::ParseValidity)?;
    Ok(parsed.validity().not_after.timestamp())
}

#[cfg(test)]
mod tests;
