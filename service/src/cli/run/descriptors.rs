//! Sees to it that the process may have as many files open as its limits allow connections: many systems start a process
//! with 1024, and let it have more when it asks. Called by `run` before anything is served.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::Limits;

/// Beside connections and uploads: the database's files, callbacks, the admin address, the log.
const OTHER_DESCRIPTORS: u64 = 256;

/// What follows from what the process may have and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// It has enough.
    Keep,
    /// It asks for this.
    Raise(u64),
}

/// Raises the soft limit as far as it must and the hard limit lets it; says so in the log when that is not far enough.
pub fn raise(limits: &Limits) {
    let needed = needed(limits);
    let current = getrlimit(Resource::Nofile);
    if let Plan::Raise(to) = plan(current, needed) {
        let raised = Rlimit {
            current: Some(to),
            maximum: current.maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => tracing::info!(open_files = to, "the limit of open files is raised"),
            Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
        }
    }
    if let Some(maximum) = current.maximum.filter(|maximum| *maximum < needed) {
        tracing::warn!(
            maximum,
            needed,
            "the hard limit of open files is too low for limits.connections: raise it, or lower that"
        );
    }
}

fn needed(limits: &Limits) -> u64 {
    let count = |figure: usize| u64::try_from(figure).unwrap_or(u64::MAX);
    count(limits.connection.connections)
        .saturating_add(count(limits.spool.quarantine_files))
        .saturating_add(OTHER_DESCRIPTORS)
}

/// No limit is written as none.
fn plan(limit: Rlimit, needed: u64) -> Plan {
    let Rlimit { current, maximum } = limit;
    match current {
        Some(current) if current < needed => {
            let to = maximum.map_or(needed, |maximum| maximum.min(needed));
            if to > current { Plan::Raise(to) } else { Plan::Keep }
        }
        Some(_) | None => Plan::Keep,
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::Rlimit;

    use super::{Plan, plan};

    #[test]
    fn asks_for_what_is_needed_and_no_more_than_may_be_had() {
        for (current, maximum, planned) in [
            (Some(1024), Some(20_000), Plan::Raise(5000)),
            (Some(1024), Some(4096), Plan::Raise(4096)),
            (Some(1024), None, Plan::Raise(5000)),
            (Some(4096), Some(4096), Plan::Keep),
            (Some(5000), Some(20_000), Plan::Keep),
            (None, None, Plan::Keep),
        ] {
            assert_eq!(
                plan(Rlimit { current, maximum }, 5000),
                planned,
                "{current:?} {maximum:?}"
            );
        }
    }
}
