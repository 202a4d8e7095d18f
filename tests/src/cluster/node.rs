//! The programs of the node itself, found by the mark that every process of a cluster bears.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// A program of the node.
pub struct Process {
    id: String,
}

/// A program that does nothing for now. It goes on when this is dropped, so that a failed test leaves no stopped node.
pub struct Paused {
    id: Option<String>,
}

/// The process of this name in the cluster that this test runs in.
pub fn process(name: &str) -> Result<Process> {
    let ours = namespace(Path::new("/proc/self/ns/net"))?;
    for entry in std::fs::read_dir("/proc")? {
        let folder = entry?.path();
        let is_named = std::fs::read_to_string(folder.join("comm"))
            .is_ok_and(|found| name.starts_with(found.trim()) && found.trim().len() >= name.len().min(15));
        // processes come and go while they are looked at
        if is_named && namespace(&folder.join("ns/net")).is_ok_and(|found| found == ours) {
            let id = folder.file_name().context("a process has an id")?;
            return Ok(Process {
                id: id.to_string_lossy().into_owned(),
            });
        }
    }
    anyhow::bail!("no process {name} runs in this node's network")
}

fn namespace(link: &Path) -> Result<std::path::PathBuf> {
    Ok(std::fs::read_link(link)?)
}

impl Process {
    /// Stops it in the middle of whatever it does: its connections stay, and nobody answers on them.
    pub fn pause(&self) -> Result<Paused> {
        signal("-STOP", &self.id)?;
        Ok(Paused {
            id: Some(self.id.clone()),
        })
    }
}

impl Paused {
    /// It goes on.
    pub fn resume(mut self) -> Result<()> {
        self.id.take().map_or(Ok(()), |id| signal("-CONT", &id))
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            // nothing more can be done about a node that is gone
            let _ = signal("-CONT", &id);
        }
    }
}

fn signal(which: &str, id: &str) -> Result<()> {
    let ended = std::process::Command::new("kill").args([which, id]).status();
    ensure!(ended.context("failed to start kill")?.success(), "kill {which} {id}");
    Ok(())
}
