//! The image of the example handler in Go, built and given to the cluster once; and its processes.

use std::fs;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::run;
use crate::partner::build_go;

/// Its name in the cluster.
pub const IMAGE: &str = "docker.io/local/partner-example:dev";

/// Builds the image and loads it, the first time it is asked for.
pub async fn ensure_image() -> Result<()> {
    static DONE: Mutex<bool> = Mutex::const_new(false);
    let mut done = DONE.lock().await;
    if *done {
        return Ok(());
    }
    let folder = TempDir::with_prefix("partner-image-")?;
    build_go(&folder.path().join("handler"))?;
    let text = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let context = folder.path().to_string_lossy().into_owned();
    let archive = text("partner.tar");
    let image = [
        "partner-example:dev",
        "examples/handlers/go/Containerfile",
        &context,
        &archive,
    ];
    run("tests/cluster/image.sh", &image).await?;
    run("tests/cluster/cluster", &["load", &archive]).await?;
    *done = true;
    Ok(())
}

/// The process of the example in the pod of this uid, as the machine numbers it.
pub fn process(pod_uid: &str) -> Result<Option<u32>> {
    // Control groups write the uid with dashes or underscores.
    let spellings = [pod_uid.to_owned(), pod_uid.replace('-', "_")];
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may be gone by now.
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let group = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        if command.starts_with(b"/handler") && spellings.iter().any(|uid| group.contains(uid)) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Ends it as an out-of-memory kill would.
pub async fn kill(process: u32) -> Result<()> {
    run("kill", &["-KILL", &process.to_string()])
        .await
        .map(drop)
        .context("failed to kill the partner")
}
