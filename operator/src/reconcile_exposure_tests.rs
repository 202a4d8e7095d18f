//! Passes over add-ons that are exposed: what is made of it when, what is taken away again, and what is said meanwhile.

use marketplace_crds::exposure::Exposure;

use super::*;
use crate::fixtures::{balanced_addon, gateway_addon, routed_addon};

const LIST_OF_ROUTES: &str = "GET httproutes";

fn world(addon: MarketplaceAddon) -> World {
    let world = World::new(&Scenario::Fresh, addon);
    let pair = json!({"tls.crt": "YQ==", "tls.key": "YQ=="});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": pair});
    world.api.put("secrets/seal", secret);
    world
}

impl World {
    /// Whoever carries the traffic in has done its work; the watch sees it.
    fn publish(&self, path: &str, status: Value) {
        let mut object = self.api.kept().objects.get(path).cloned().unwrap_or_default();
        object["status"] = status;
        self.api.kept().objects.insert(path.to_owned(), object);
    }

    fn has(&self, condition: &str) -> bool {
        let mut conditions = self.addon.status.iter().flat_map(|status| &status.conditions);
        conditions.any(|found| found.type_ == condition)
    }

    fn wrote(&self, call: &str) -> bool {
        self.api.take_writes().iter().any(|written| written == call)
    }
}

fn state(world: &World, condition: &str) -> String {
    let (status, reason, _) = world.condition(condition);
    format!("{status} {reason}")
}

#[tokio::test]
async fn an_ingress_comes_last_counts_for_ready_and_goes_with_its_declaration() -> Result<(), ReconcileError> {
    let mut world = world(routed_addon());
    world.pass().await?;
    let writes = world.api.take_writes();
    let place = |call: &str| writes.iter().position(|write| write == call);
    assert!(
        place("PATCH deployments/bakery-front") < place("PATCH ingresses/bakery-front"),
        "{writes:?}"
    );
    assert_eq!(
        state(&world, "Ready"),
        "False Progressing",
        "the pods are the nearer reason"
    );
    world.roll_out("bakery-front", 1);
    world.pass().await?;
    assert_eq!(
        (state(&world, "Ready"), state(&world, "Routed")),
        ("False IngressPending".to_owned(), "False IngressPending".to_owned())
    );
    world.publish(
        "ingresses/bakery-front",
        json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}),
    );
    world.pass().await?;
    assert_eq!(
        (state(&world, "Ready"), state(&world, "Routed")),
        ("True PodsReady".to_owned(), "True IngressAdmitted".to_owned())
    );

    world.api.kept().objects.remove("secrets/seal");
    world.pass().await?;
    assert_eq!(state(&world, "Ready"), "False CertificateMissing");
    assert!(
        world.api.kept().objects.contains_key("ingresses/bakery-front"),
        "cert-manager needs it to make the Secret"
    );

    world.addon.spec.exposure = Exposure::default();
    world.pass().await?;
    assert!(world.wrote("DELETE ingresses/bakery-front"));
    assert!(!world.has("Routed"));
    assert_eq!(state(&world, "Ready"), "True PodsReady");
    Ok(())
}

#[tokio::test]
async fn without_the_gateway_api_everything_else_runs_and_a_failure_is_not_taken_for_its_absence()
-> Result<(), ReconcileError> {
    let mut world = world(gateway_addon());
    world.api.kept().refused = Some((LIST_OF_ROUTES, 404, "the server could not find the requested resource"));
    world.pass().await?;
    world.roll_out("orchard-front", 1);
    world.pass().await?;
    let writes = world.api.take_writes();
    assert!(
        writes.iter().any(|call| call == "PATCH deployments/orchard-front"),
        "{writes:?}"
    );
    assert!(!writes.iter().any(|call| call.contains("httproutes")), "{writes:?}");
    assert_eq!(state(&world, "Ready"), "False GatewayApiMissing");
    assert!(world.condition("Ready").2.contains("install the Gateway API"));

    world.api.kept().refused = None;
    world.pass().await?;
    let routes = world
        .api
        .kept()
        .objects
        .keys()
        .filter(|path| path.starts_with("httproutes/"))
        .count();
    assert_eq!(routes, 2, "one for each host");
    assert_eq!(state(&world, "Routed"), "False RoutePending");

    world.api.take_writes();
    world.api.kept().refused = Some((LIST_OF_ROUTES, 503, "etcd is away"));
    assert!(words(world.pass().await).ends_with("etcd is away"));
    assert_eq!(
        world.api.take_writes(),
        ["PATCH marketplaceaddons/orchard/status"],
        "nothing is pruned"
    );
    assert_eq!(state(&world, "Ready"), "Unknown RoutingUnreadable");
    assert_eq!(
        state(&world, "Routed"),
        "False RoutePending",
        "what was known stays said"
    );
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_called_no_more_loses_its_route() -> Result<(), ReconcileError> {
    let mut world = world(gateway_addon());
    world.pass().await?;
    world.roll_out("orchard-front", 1);
    world.addon.spec.endpoints.remove(1);
    world.pass().await?;
    let paths: Vec<_> = world
        .api
        .kept()
        .objects
        .keys()
        .filter(|path| path.starts_with("httproutes/"))
        .cloned()
        .collect();
    assert_eq!(paths, ["httproutes/orchard-front"]);
    Ok(())
}

#[tokio::test]
async fn a_load_balancer_waits_for_its_certificate_and_then_for_the_cloud() -> Result<(), ReconcileError> {
    let mut world = world(balanced_addon());
    let seal = world.api.kept().objects.remove("secrets/seal").unwrap_or_default();
    world.pass().await?;
    assert_eq!(state(&world, "Ready"), "False SecretMissing");
    assert!(world.condition("Ready").2.contains(
        "Secret seal does not exist: create it in the namespace of the add-on with the keys tls.crt and tls.key"
    ));
    assert_eq!(
        world.api.take_writes(),
        ["PATCH marketplaceaddons/quarry/status"],
        "pods without it would not start"
    );

    world.api.put("secrets/seal", seal);
    world.pass().await?;
    world.roll_out("quarry-front", 1);
    world.pass().await?;
    assert_eq!(state(&world, "Ready"), "False LoadBalancerPending");
    world.publish(
        "services/quarry-front",
        json!({"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}),
    );
    world.pass().await?;
    assert_eq!(
        (state(&world, "Ready"), state(&world, "SourcesEnforced")),
        ("True PodsReady".to_owned(), "True CheckedByService".to_owned())
    );
    Ok(())
}

/// An add-on behind an ingress with an enforced allow list, which nobody has told where the ingress runs.
fn unfenced() -> MarketplaceAddon {
    let mut addon = recording_addon();
    addon.spec.exposure = routed_addon().spec.exposure;
    addon
}

#[tokio::test]
async fn an_allow_list_that_any_pod_can_get_around_is_told_once_in_an_event() -> Result<(), ReconcileError> {
    let mut world = world(unfenced());
    world.pass().await?;
    world.pass().await?;
    assert_eq!(state(&world, "SourcesEnforced"), "Unknown IngressPeersUnset");
    let told = |world: &World| {
        world
            .api
            .kept()
            .events
            .iter()
            .filter(|reason| *reason == "SourcesUnenforced")
            .count()
    };
    assert_eq!(told(&world), 1);

    if let Some(list) = &mut world.addon.spec.allow_list {
        list.mode = marketplace_crds::exposure::AllowListMode::Audit;
    }
    world.pass().await?;
    assert_eq!(state(&world, "SourcesEnforced"), "False Audited");
    assert_eq!(told(&world), 1);
    Ok(())
}

#[tokio::test]
async fn the_operator_says_where_the_ingress_runs_for_those_who_do_not() -> Result<(), ReconcileError> {
    let mut world = world(unfenced());
    let mut context = context(&world.api);
    let ours = routed_addon().spec.network;
    Arc::get_mut(&mut context)
        .expect("nobody else has it yet")
        .defaults
        .network = ours.clone();
    world.context = context;
    world.pass().await?;
    assert_eq!(state(&world, "SourcesEnforced"), "True IngressPeersOnly");
    let policy = world
        .api
        .kept()
        .objects
        .get("networkpolicies/harbour-front")
        .cloned()
        .unwrap_or_default();
    assert_eq!(policy["spec"]["ingress"][0]["from"], json!(ours.ingress_from));
    assert_eq!(
        world
            .api
            .kept()
            .events
            .iter()
            .filter(|reason| *reason == "SourcesUnenforced")
            .count(),
        0
    );

    let theirs = json!([{"podSelector": {"matchLabels": {"app": "pilot"}}}]);
    world.addon.spec.network.ingress_from = serde_json::from_value(theirs.clone()).ok();
    world.pass().await?;
    let policy = world
        .api
        .kept()
        .objects
        .get("networkpolicies/harbour-front")
        .cloned()
        .unwrap_or_default();
    assert_eq!(
        policy["spec"]["ingress"][0]["from"], theirs,
        "what the add-on says wins"
    );
    Ok(())
}
