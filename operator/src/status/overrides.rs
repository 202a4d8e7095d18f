//! Pure: pods that cannot be made, or do not run, may be what was merged into them. Kubernetes does not know that, so it is
//! said here.

use marketplace_crds::MarketplaceAddon;

use super::{Verdict, verdict};

/// What `Available` says of pods that are in trouble.
const FAILING: &str = "PodsFailing";

/// The verdict, with a hint where a person's own overrides may be the cause.
pub(super) fn noted(addon: &MarketplaceAddon, said: Verdict) -> Verdict {
    if said.reason != FAILING || addon.spec.workload.pod_overrides.is_none() {
        return said;
    }
    let words = format!(
        "{}. spec.workload.podOverrides is merged into these pods: see that it is not the cause",
        said.message.trim_end_matches('.')
    );
    verdict(said.status, FAILING, words)
}
