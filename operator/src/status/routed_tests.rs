//! Tables: what a controller has left behind, and whether the add-on is routed.

use serde_json::json;

use super::*;
use crate::fixtures::{addon, balanced_addon, gateway_addon, routed_addon};

fn shown(addon: &MarketplaceAddon, routing: &Routing) -> String {
    of(addon, routing).map_or_else(String::new, |said| {
        format!("{} {}: {}", said.status, said.reason, said.message)
    })
}

fn parsed<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the fixture is well-formed")
}

fn published(points: &Value) -> Value {
    json!({"metadata": {}, "status": {"loadBalancer": {"ingress": points}}})
}

#[test]
fn inside_the_cluster_nothing_of_ours_is_routed() {
    assert_eq!(shown(&addon(), &Routing::Elsewhere), "");
}

#[test]
fn an_ingress_is_routed_when_its_controller_has_published_an_address() {
    let by = |ingress: Option<Value>, missing: Option<&str>| {
        let routing = Routing::Ingress {
            ingress: ingress.map(|value| Box::new(parsed(value))),
            missing_certificate: missing.map(ToOwned::to_owned),
        };
        shown(&routed_addon(), &routing)
    };
    let pending = "False IngressPending: no ingress controller has published an address in Ingress bakery-front: is there a controller for class front-door, and is it told to publish one";
    assert_eq!(by(None, None), pending);
    assert_eq!(by(Some(json!({"metadata": {}})), None), pending);
    assert_eq!(by(Some(published(&json!([]))), None), pending);
    let points = json!([{"hostname": "b.example.com"}, {"ip": "192.0.2.7"}]);
    assert_eq!(
        by(Some(published(&points)), None),
        "True IngressAdmitted: the ingress controller listens at 192.0.2.7, b.example.com"
    );
    let missing = by(Some(published(&points)), Some("seal"));
    assert!(
        missing.starts_with("False CertificateMissing: Secret seal of exposure.ingress.tlsSecretName"),
        "{missing}"
    );
}

#[test]
fn a_load_balancer_is_there_when_the_cloud_has_published_it() {
    let by = |service: Option<Value>| {
        shown(
            &balanced_addon(),
            &Routing::LoadBalancer(service.map(|value| Box::new(parsed(value)))),
        )
    };
    assert!(by(None).starts_with("False LoadBalancerPending: Service quarry-front has no load balancer yet"));
    assert_eq!(
        by(Some(published(&json!([{"ip": "192.0.2.7"}])))),
        "True LoadBalancerReady: the load balancer listens at 192.0.2.7"
    );
}

/// The two routes of the add-on, with what both gateways say of them; `change` spoils one answer of the second route.
fn routes(change: impl FnOnce(&mut Value)) -> Routing {
    let conditions = json!([
        {"type": "Accepted", "status": "True", "observedGeneration": 4, "reason": "Accepted", "message": ""},
        {"type": "ResolvedRefs", "status": "True", "observedGeneration": 4, "reason": "ResolvedRefs", "message": ""},
    ]);
    let hedge = json!({"name": "hedge", "namespace": "garden", "sectionName": "latch", "port": 443});
    let answers = json!([
        {"parentRef": hedge, "conditions": conditions},
        {"parentRef": {"name": "fence", "namespace": "shop"}, "conditions": conditions},
    ]);
    let gateway = gateway_addon();
    let names: Vec<_> = routes::hosts(&gateway)
        .iter()
        .enumerate()
        .map(|(position, host)| names::route("orchard", &host.name, position == 0))
        .collect();
    let route = |name: &String, answers: &Value| {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": "shop", "generation": 4}, "status": {"parents": answers},
        })
    };
    let mut second = answers.clone();
    change(&mut second);
    Routing::Routes(Some(vec![
        parsed(route(&names[0], &answers)),
        parsed(route(&names[1], &second)),
    ]))
}

#[test]
fn a_route_is_routed_when_every_gateway_has_accepted_every_host() {
    let by = |routing: &Routing| shown(&gateway_addon(), routing);
    assert!(by(&routes(|_| ())).starts_with("True RouteAccepted"));
    assert!(by(&Routing::Routes(None)).starts_with("False GatewayApiMissing: the cluster does not know HTTPRoute"));
    let pending = "False RoutePending: Gateway hedge of namespace garden has not answered for";
    assert!(by(&Routing::Routes(Some(Vec::new()))).starts_with(&format!("{pending} apples.example.com")));
    let second = format!("{pending} pears.example.com");
    for (what, pointer, value) in [
        ("no answer", "", json!([])),
        ("an answer of another gateway", "/0/parentRef/name", json!("wall")),
        (
            "an answer of a gateway elsewhere",
            "/0/parentRef/namespace",
            json!("shop"),
        ),
        (
            "an answer of another listener",
            "/0/parentRef/sectionName",
            json!("gate"),
        ),
        ("an answer of another port", "/0/parentRef/port", json!(80)),
        ("half an answer", "/0/conditions/1/type", json!("Programmed")),
        (
            "an answer to an earlier version",
            "/0/conditions/0/observedGeneration",
            json!(3),
        ),
    ] {
        let said = by(&routes(|answers| {
            if let Some(place) = answers.pointer_mut(pointer) {
                *place = value;
            }
        }));
        assert!(said.starts_with(&second), "{what}: {said}");
    }
    let refused = by(&routes(|answers| {
        answers[1]["conditions"][1] = json!({
            "type": "ResolvedRefs", "status": "False", "observedGeneration": 4, "reason": "BackendNotFound", "message": "no such Service",
        });
    }));
    assert_eq!(
        refused,
        "False RouteRefused: Gateway fence does not take pears.example.com: BackendNotFound: no such Service"
    );
}
