//! Ends the process in the middle of what it does, without a word, where a test asks for it: the points at which a crash
//! must lose nothing are marked in the code, and `MARKETPLACE_CRASH_AT=name` or `name:n` makes the process kill itself
//! there, at the n-th pass. Without that variable a point is one comparison.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable. No flag: nobody who runs the service should meet it in its help.
pub const VARIABLE: &str = "MARKETPLACE_CRASH_AT";

/// Every point, in the order in which a recording passes them.
pub const POINTS: [&str; 15] = [
    "quarantined",
    "file_synced",
    "file_renamed",
    "folder_synced",
    "uploaded",
    "before_commit",
    "after_commit",
    "fetch_claimed",
    "fetched",
    "fetch_recorded",
    "after_claim",
    "result_spooled",
    "result_recorded",
    "before_callback",
    "after_callback",
];

struct Armed {
    point: String,
    passes_left: AtomicU64,
}

/// Passes the point of this name, or ends the process.
pub fn point(name: &'static str) {
    if let Some(armed) = armed()
        && armed.point == name
        && armed.passes_left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        die();
    }
}

/// Whether the process is to end at this point: then it takes the way that leads there.
#[must_use]
pub fn is_awaited_at(name: &'static str) -> bool {
    armed().is_some_and(|armed| armed.point == name)
}

fn armed() -> Option<&'static Armed> {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    ARMED.get_or_init(|| read(&std::env::var(VARIABLE).ok()?)).as_ref()
}

fn read(text: &str) -> Option<Armed> {
    let (point, passes) = match text.split_once(':') {
        Some((point, passes)) => (point, passes.parse().ok().filter(|passes| *passes > 0)?),
        None => (text, 1),
    };
    POINTS.contains(&point).then(|| Armed {
        point: point.to_owned(),
        passes_left: AtomicU64::new(passes),
    })
}

/// SIGKILL: no destructor, no buffer, no farewell to a peer.
fn die() -> ! {
    // If the kernel refused, going on would make a test pass that has tested nothing.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::read;

    #[test]
    fn is_armed_by_a_known_name_alone() {
        for (text, passes) in [
            ("after_claim", Some(1)),
            ("after_claim:3", Some(3)),
            ("after_claim:0", None),
            ("after_claim:x", None),
            ("nowhere", None),
            ("", None),
        ] {
            let armed = read(text).map(|armed| armed.passes_left.load(Ordering::Relaxed));
            assert_eq!(armed, passes, "{text:?}");
        }
    }
}
