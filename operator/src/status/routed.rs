//! Pure: whether whoever carries the traffic in has taken what is to be routed, in his own words where he has not. Called by
//! `status`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::ResourceExt;
use kube::api::DynamicObject;
use marketplace_crds::MarketplaceAddon;
use marketplace_crds::exposure::{Gateway, ParentRef};
use marketplace_crds::routes::{self, Host};
use serde_json::Value;

use super::{FALSE, TRUE, Verdict, verdict};
use crate::dereference::Routing;
use crate::render::names;

/// What a gateway must say of a route.
const WANTED: [&str; 2] = ["Accepted", "ResolvedRefs"];

/// None where nothing of ours is routed.
pub(super) fn of(addon: &MarketplaceAddon, routing: &Routing) -> Option<Verdict> {
    match routing {
        Routing::Elsewhere => None,
        Routing::Ingress {
            missing_certificate: Some(secret),
            ..
        } => Some(verdict(
            FALSE,
            "CertificateMissing",
            format!(
                "Secret {secret} of exposure.ingress.tlsSecretName does not exist, and the ingress shows another certificate: create it in the namespace of the add-on with the keys tls.crt and tls.key"
            ),
        )),
        Routing::Ingress {
            ingress,
            missing_certificate: None,
        } => Some(by_ingress(addon, ingress.as_deref())),
        Routing::Routes(None) => Some(verdict(
            FALSE,
            "GatewayApiMissing",
            "the cluster does not know HTTPRoute of gateway.networking.k8s.io/v1: install the Gateway API and a controller for it, or choose another exposure; it is noticed",
        )),
        Routing::Routes(Some(routes)) => {
            let gateway = addon.spec.exposure.gateway.as_ref()?;
            Some(by_gateways(addon, gateway, routes))
        }
        Routing::LoadBalancer(service) => Some(by_load_balancer(addon, service.as_deref())),
    }
}

/// A controller that has taken an Ingress publishes where it listens.
fn by_ingress(addon: &MarketplaceAddon, ingress: Option<&Ingress>) -> Verdict {
    let points = ingress.and_then(|ingress| ingress.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref());
    let points = points.into_iter().flatten();
    match listed(points.map(|point| (&point.ip, &point.hostname))) {
        Some(addresses) => verdict(
            TRUE,
            "IngressAdmitted",
            format!("the ingress controller listens at {addresses}"),
        ),
        None => verdict(
            FALSE,
            "IngressPending",
            format!(
                "no ingress controller has published an address in Ingress {}: is there a controller for {}, and is it told to publish one",
                names::front(&addon.name_any()),
                class(addon),
            ),
        ),
    }
}

fn class(addon: &MarketplaceAddon) -> String {
    let class = addon
        .spec
        .exposure
        .ingress
        .as_ref()
        .and_then(|ingress| ingress.class_name.as_deref());
    class.map_or_else(|| "the default class".to_owned(), |class| format!("class {class}"))
}

fn by_load_balancer(addon: &MarketplaceAddon, service: Option<&Service>) -> Verdict {
    let points = service.and_then(|service| service.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref());
    let points = points.into_iter().flatten();
    match listed(points.map(|point| (&point.ip, &point.hostname))) {
        Some(addresses) => verdict(
            TRUE,
            "LoadBalancerReady",
            format!("the load balancer listens at {addresses}"),
        ),
        None => verdict(
            FALSE,
            "LoadBalancerPending",
            format!(
                "Service {} has no load balancer yet: does the cluster make any, and does it need exposure.loadBalancer.loadBalancerClass, annotations or allocateNodePorts",
                names::front(&addon.name_any()),
            ),
        ),
    }
}

/// The address or the name of each point, in an order of their own, so that the words stay the same when the controller's
/// order changes.
fn listed<'a>(points: impl Iterator<Item = (&'a Option<String>, &'a Option<String>)>) -> Option<String> {
    let addresses: BTreeSet<_> = points
        .filter_map(|(ip, host)| ip.as_deref().or(host.as_deref()))
        .collect();
    (!addresses.is_empty()).then(|| Vec::from_iter(addresses).join(", "))
}

/// Every route must be taken by every gateway.
fn by_gateways(addon: &MarketplaceAddon, gateway: &Gateway, routes: &[DynamicObject]) -> Verdict {
    let hosts = routes::hosts(addon);
    let obstacles = hosts.iter().enumerate().flat_map(|(position, host)| {
        let name = names::route(&addon.name_any(), &host.name, position == 0);
        let route = routes.iter().find(|route| route.name_any() == name);
        gateway
            .parent_refs
            .iter()
            .filter_map(move |parent| obstacle(host, route, parent))
    });
    obstacles.into_iter().next().unwrap_or_else(|| {
        verdict(
            TRUE,
            "RouteAccepted",
            "every Gateway of exposure.gateway.parentRefs has accepted the route",
        )
    })
}

fn obstacle(host: &Host, route: Option<&DynamicObject>, parent: &ParentRef) -> Option<Verdict> {
    let pending = || {
        let ParentRef { name, namespace, .. } = parent;
        let place = namespace
            .as_ref()
            .map_or_else(String::new, |namespace| format!(" of namespace {namespace}"));
        Some(verdict(
            FALSE,
            "RoutePending",
            format!(
                "Gateway {name}{place} has not answered for {}: does it exist, and does its controller run",
                host.name
            ),
        ))
    };
    let Some(route) = route else { return pending() };
    let own = route.namespace().unwrap_or_default();
    let answers = route.data["status"]["parents"].as_array().into_iter().flatten();
    let Some(answer) = answers.into_iter().find(|answer| is_of(answer, parent, &own)) else {
        return pending();
    };
    for wanted in WANTED {
        let conditions = answer["conditions"].as_array().into_iter().flatten();
        let said = conditions.into_iter().find(|condition| condition["type"] == wanted);
        // What was said of an earlier version says nothing of this one.
        let said = said.filter(|said| said["observedGeneration"].as_i64() >= route.metadata.generation);
        match said {
            None => return pending(),
            Some(said) if said["status"] == "True" => {}
            Some(said) => {
                let words = said["message"].as_str().unwrap_or_default();
                let reason = said["reason"].as_str().unwrap_or(wanted);
                let message = format!("Gateway {} does not take {}: {reason}: {words}", parent.name, host.name);
                return Some(verdict(FALSE, "RouteRefused", message));
            }
        }
    }
    None
}

/// Whether the answer is about this reference. A controller repeats it as it was written.
fn is_of(answer: &Value, parent: &ParentRef, own_namespace: &str) -> bool {
    let ParentRef {
        name,
        namespace,
        section_name,
        port,
    } = parent;
    let about = &answer["parentRef"];
    about["name"] == *name
        && about["namespace"].as_str().unwrap_or(own_namespace) == namespace.as_deref().unwrap_or(own_namespace)
        && about["sectionName"].as_str() == section_name.as_deref()
        && about["port"].as_i64() == port.map(i64::from)
}

#[cfg(test)]
#[path = "routed_tests.rs"]
mod tests;
