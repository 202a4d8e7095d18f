//! Pure: who enforces the allow list. Called by `status`.

use marketplace_crds::MarketplaceAddonSpec;
use marketplace_crds::exposure::AllowListMode;

use super::{FALSE, Outcome, TRUE, UNKNOWN, Verdict, suspended, verdict};

/// The reason when any Pod may speak for any address.
pub(crate) const OPEN: &str = "IngressPeersUnset";

pub(super) fn of(spec: &MarketplaceAddonSpec, outcome: &Outcome) -> Option<Verdict> {
    let mode = spec.allow_list.as_ref()?.mode;
    Some(match (outcome, mode) {
        (Outcome::Applied(_), AllowListMode::Audit) => verdict(
            FALSE,
            "Audited",
            "allowList.mode is Audit: every source is served, and marketplace_request_sources_total counts them",
        ),
        (Outcome::Applied(_), AllowListMode::Enforce) => enforced(spec),
        (Outcome::Suspended(_), _) => suspended(),
        (Outcome::Refused(..) | Outcome::Unread(_) | Outcome::Unapplied(..), _) => verdict(
            UNKNOWN,
            "NotApplied",
            "the declared ranges are not applied yet; see the condition Ready",
        ),
    })
}

/// The service refuses by the address of the connection, or by what a trusted proxy says of it. The first cannot be forged.
/// The second can by whoever connects from a trusted proxy's range: that is what the peers of the NetworkPolicy are for,
/// which is only as good as the network plugin, and that cannot be asked.
fn enforced(spec: &MarketplaceAddonSpec) -> Verdict {
    if spec.exposure.load_balancer.is_some() {
        return verdict(
            TRUE,
            "CheckedByService",
            "the service refuses every other source; the load balancer and a NetworkPolicy are told the same ranges",
        );
    }
    if spec.network.ingress_from.is_some() {
        return verdict(
            TRUE,
            "IngressPeersOnly",
            "the service refuses every other source by what the trusted proxies say, and a NetworkPolicy admits the peers of network.ingressFrom alone; it takes a network plugin that enforces NetworkPolicies",
        );
    }
    if spec.exposure.cluster_ip.is_some() {
        return verdict(
            UNKNOWN,
            "NetworkPolicyApplied",
            "a NetworkPolicy admits only the listed ranges; whether the cluster's network plugin enforces it is not known, and behind an ingress it sees the ingress's address: then set network.ingressFrom to where the ingress runs",
        );
    }
    verdict(
        UNKNOWN,
        OPEN,
        "the service refuses every other source by what the trusted proxies say, but any Pod of the cluster may connect, and say it too: set network.ingressFrom to where the ingress runs",
    )
}
