//! The doctor against a mock API server.

use serde_json::json;

use super::*;
use crate::fake_api::FakeApi;
use crate::fixtures::{defaults, gateway_addon, recording_addon, routed_addon, scaled_addon};

fn patient(api: &FakeApi) -> Patient {
    Patient {
        client: api.client(),
        operator: api.client(),
        namespace: "docks".to_owned(),
        addon: Some(recording_addon()),
        defaults: defaults(),
    }
}

fn secret() -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "switchboard"},
        "data": {"ACCOUNT_SID": "QUMx", "AUTH_TOKEN": "dG9rZW4="}})
}

fn said(findings: &[Finding]) -> Vec<(Verdict, &str)> {
    findings
        .iter()
        .map(|finding| (finding.verdict, finding.what.as_str()))
        .collect()
}

#[tokio::test]
async fn a_missing_secret_and_a_missing_storage_class_are_named_with_what_to_do() {
    let api = FakeApi::default();
    let patient = patient(&api);
    let found = addon::refusals(&patient).await;
    assert_eq!(said(&found), [(Verdict::Lacking, "SecretMissing")]);
    assert!(
        found[0].fix.contains("create it in the namespace of the add-on"),
        "{}",
        found[0].fix
    );
    let volume = recording_addon().spec.storage.and_then(|storage| storage.volume);
    let class = volume.map(|volume| addon::judge_class(&volume, &[]));
    assert_eq!(
        class,
        Some(Finding::lacking(
            "storage class quay",
            "set storageClassName of the volume to one that exists: none"
        ))
    );
    assert!(!is_well(&found));

    api.put("secrets/switchboard", secret());
    assert_eq!(said(&addon::refusals(&patient).await)[0].0, Verdict::Fine);
}

#[tokio::test]
async fn a_name_that_is_somebody_elses_is_found_before_the_add_on_is_applied() {
    let api = FakeApi::default();
    api.put("secrets/switchboard", secret());
    assert_eq!(said(&addon::taken(&patient(&api)).await)[0].0, Verdict::Fine);
    api.put("services/harbour-front", json!({"metadata": {"name": "harbour-front"}}));
    let found = addon::taken(&patient(&api)).await;
    assert_eq!(said(&found), [(Verdict::Lacking, "the name of Service harbour-front")]);
}

fn facing(addon: MarketplaceAddon, api: &FakeApi) -> Patient {
    Patient {
        addon: Some(addon),
        ..patient(api)
    }
}

#[tokio::test]
async fn what_carries_requests_is_looked_for() {
    let api = FakeApi::default();
    let behind = facing(routed_addon(), &api);
    let found = exposure::ingress(&behind).await;
    assert!(
        found.iter().all(|finding| finding.verdict == Verdict::Lacking),
        "{found:?}"
    );
    assert_eq!(found.len(), 2, "its class and its certificate: {found:?}");
    for path in ["ingressclasses/front-door", "secrets/seal"] {
        let name = path.split_once('/').map(|(_, name)| name);
        api.put(path, json!({"metadata": {"name": name}}));
    }
    let found = exposure::ingress(&behind).await;
    assert!(is_well(&found), "{found:?}");

    let at_gateway = facing(gateway_addon(), &api);
    let found = exposure::gateways(&at_gateway).await;
    assert!(!found.is_empty() && !is_well(&found), "{found:?}");
    assert_eq!(exposure::gateways(&behind).await, []);
}

#[tokio::test]
async fn apis_that_the_add_on_needs_are_looked_for() {
    let api = FakeApi::default();
    let lacks = |addon: MarketplaceAddon| {
        let patient = facing(addon, &api);
        async move {
            let found = apis::needed(&patient).await;
            said(&found)
                .into_iter()
                .map(|(verdict, what)| format!("{verdict:?} {what}"))
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(lacks(gateway_addon()).await, ["Lacking the Gateway API"]);
    assert_eq!(
        lacks(scaled_addon()).await,
        ["Lacking KEDA", "Lacking the API of CPU metrics"]
    );
    assert_eq!(lacks(routed_addon()).await, [""; 0]);
    let resources = |api: &str| json!({"kind": "APIResourceList", "groupVersion": api, "resources": []});
    api.put("/apis/metrics.k8s.io/v1beta1", resources("metrics.k8s.io/v1beta1"));
    assert_eq!(
        lacks(scaled_addon()).await,
        ["Lacking KEDA", "Fine the API of CPU metrics"]
    );
}

#[tokio::test]
async fn without_an_add_on_nothing_is_said_of_one() {
    let api = FakeApi::default();
    let patient = Patient {
        addon: None,
        ..patient(&api)
    };
    assert_eq!(addon::refusals(&patient).await, []);
    assert_eq!(addon::storage_class(&patient).await, []);
    assert_eq!(addon::taken(&patient).await, []);
    assert_eq!(apis::needed(&patient).await, []);
    assert_eq!(exposure::ingress(&patient).await, []);
    assert_eq!(exposure::gateways(&patient).await, []);
}

#[test]
fn the_table_has_a_line_for_each_finding_and_unknown_is_not_ill() {
    let findings = [Finding::fine("a"), Finding::unknown("network", "nobody knows")];
    assert_eq!(table(&findings), "ok     a\n?      network  nobody knows\n");
    assert!(is_well(&findings));
    assert!(!is_well(&[Finding::lacking("a", "do it")]));
}
