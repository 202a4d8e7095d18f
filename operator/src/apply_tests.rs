//! The order of the children.

use marketplace_crds::MarketplaceAddon;

use super::*;
use crate::fixtures::{children, gateway_addon, recording_addon, routed_addon, scaled_addon};

fn kinds(addon: &MarketplaceAddon) -> Vec<Kind> {
    let mut kinds: Vec<_> = in_order(children(addon)).into_iter().map(|child| child.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn what_a_pod_needs_comes_before_the_pods_and_the_way_in_last() {
    let [inside @ .., Kind::Ingress, Kind::HttpRoute] = Kind::IN_ORDER else {
        unreachable!("the way in is opened last");
    };
    let mut all = scaled_addon();
    all.spec.monitoring.enabled = Some(true);
    assert_eq!(kinds(&all), inside);
    assert_eq!(kinds(&recording_addon()).last(), Some(&Kind::Deployment));
    assert_eq!(kinds(&routed_addon()).last(), Some(&Kind::Ingress));
    assert_eq!(kinds(&gateway_addon()).last(), Some(&Kind::HttpRoute));
}
