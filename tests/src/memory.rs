//! What a process holds in memory, as the kernel counts it.

use std::io;

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResidentMemory {
    /// Now.
    pub now_bytes: u64,
    /// At the most since the process began.
    pub peak_bytes: u64,
}

/// Reads the figures of a process.
pub fn resident_memory(pid: u32) -> io::Result<ResidentMemory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    match (field("VmRSS:"), field("VmHWM:")) {
        (Some(now), Some(peak)) => Ok(ResidentMemory {
            now_bytes: now * 1024,
            peak_bytes: peak * 1024,
        }),
        _ => Err(io::Error::other(format!("process {pid} has ended"))),
    }
}
