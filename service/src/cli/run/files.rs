//! What `run` does with the files that change while it runs: the secrets and the certificate. Called by `run` alone.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use marketplace_daemon::Tasks;
use marketplace_daemon::admin::Page;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{CommandError, RunOptions};
use crate::config::Config;
use crate::domain::Credentials;
use crate::files::{self, ReadCredentials, ReadSecret, SecretFiles, SecretNames, SecretPlaces, Secrets};
use crate::fingerprint;
use crate::metrics::Metrics;
use crate::server::connection::Tls;
use crate::tls::{CertificateFiles, TlsMetrics};

/// Why there is nothing to verify a signature with, nor will be.
#[derive(Debug, thiserror::Error)]
pub(super) enum FindSecrets {
    #[error("failed to open the folder of secrets {}: it needs a folder per Secret, with a file per key", folder.display())]
    OpenFolder {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    ReadEnvFile(ReadCredentials),
    #[error("failed to learn what request.constants must be")]
    ReadConstants(#[source] ReadSecret),
}

/// A Secret may come later, and until then requests are answered 503; the folder for them must be there from the start. A
/// file of variables is written by hand before the start, so that it must be good. A constant stands for a value that was
/// registered before: without it no request could ever be answered, and a wrong key is better told now.
pub(super) fn find_secrets(config: &Config, places: &SecretPlaces) -> Result<(), FindSecrets> {
    let SecretPlaces { folder, env_file } = places;
    if env_file.is_some() {
        files::read_once(places, &config.secrets.credentials).map_err(FindSecrets::ReadEnvFile)?;
    }
    let SecretNames {
        credentials: _,
        databases,
        object_stores,
        basic_auth: _,
        constants,
        authorizations,
        tables,
        api_keys,
    } = &config.secrets;
    let others = [databases, object_stores, authorizations, tables, api_keys];
    if env_file.is_some() && constants.is_empty() && others.into_iter().all(BTreeSet::is_empty) {
        return Ok(());
    }
    std::fs::read_dir(folder)
        .map(drop)
        .map_err(|source| FindSecrets::OpenFolder {
            folder: folder.clone(),
            source,
        })?;
    let read = files::read_constants_once(places, constants);
    read.map(drop).map_err(FindSecrets::ReadConstants)
}

/// Without TLS nothing of it is read or counted.
pub(super) fn open_certificate(
    options: &RunOptions,
    config: &Config,
    metrics: &Metrics,
) -> Result<Option<(CertificateFiles, Tls)>, CommandError> {
    let Some(folder) = &options.tls else {
        return Ok(None);
    };
    let metrics = TlsMetrics::register(metrics.registry(), &config.addon).map_err(CommandError::work)?;
    let (files, config) = CertificateFiles::open(folder.clone(), metrics.clone()).map_err(CommandError::input)?;
    Ok(Some((files, Tls { config, metrics })))
}

/// Reads it again and again from now on.
pub(super) fn keep_certificate((files, tls): (CertificateFiles, Tls), tasks: &mut Tasks, interval: Duration) -> Tls {
    let stop = tasks.stop();
    tasks.spawn("certificate", async move {
        files.run(interval, stop).await;
        Ok::<_, Infallible>(())
    });
    tls
}

/// Which tokens are loaded, for whoever rotates them.
pub(super) fn credentials_page(credentials: watch::Receiver<Arc<Credentials>>) -> Page {
    let tell = move || {
        let report = fingerprint::report(&credentials.borrow());
        serde_json::to_string(&report).expect("words and fingerprints can be written as JSON")
    };
    (fingerprint::PATH, Arc::new(tell))
}

/// Reads the files again and again, and tells how many tokens there are.
pub(super) async fn reread(
    files: SecretFiles,
    interval: Duration,
    stop: CancellationToken,
    mut secrets: Secrets,
    metrics: Metrics,
) -> Result<(), Infallible> {
    let tell = async {
        loop {
            metrics.set_tokens_loaded(secrets.credentials.borrow_and_update().tokens.len());
            metrics.set_secrets_unreadable(*secrets.unreadable.borrow_and_update());
            let changed = tokio::select! {
                changed = secrets.credentials.changed() => changed,
                changed = secrets.unreadable.changed() => changed,
            };
            if changed.is_err() {
                break;
            }
        }
    };
    tokio::join!(files.run(interval, stop), tell);
    Ok(())
}
