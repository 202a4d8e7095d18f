//! The operator in the cluster. Suites share it; those that stop or remove it have it alone.

use anyhow::Result;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::run;

/// The namespace that it is installed into.
pub const NAMESPACE: &str = "marketplace-system";
/// The name of the release, and so of its Deployment.
pub const RELEASE: &str = "marketplace";

static INSTALLED: RwLock<bool> = RwLock::const_new(false);

/// The operator, running, together with other suites.
pub async fn shared() -> Result<RwLockReadGuard<'static, bool>> {
    loop {
        let installed = INSTALLED.read().await;
        if *installed {
            return Ok(installed);
        }
        drop(installed);
        drop(alone().await?);
    }
}

/// The operator, running, and no other suite with it. A suite that removes it says so in the guard.
pub async fn alone() -> Result<RwLockWriteGuard<'static, bool>> {
    let mut installed = INSTALLED.write().await;
    if !*installed {
        install().await?;
        *installed = true;
    }
    Ok(installed)
}

async fn install() -> Result<()> {
    let arguments = [
        "upgrade",
        "--install",
        RELEASE,
        "charts/marketplace-operator",
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        "--wait",
        "--set",
        "image.repository=docker.io/local/marketplace-operator,image.tag=dev,serviceImage.repository=docker.io/local/marketplace-service,serviceImage.tag=dev,resyncSeconds=5",
    ];
    run("helm", &arguments).await.map(drop)
}
