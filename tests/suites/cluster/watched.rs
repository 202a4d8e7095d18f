//! `watchNamespaces`: the operator works where it was told to and has no right anywhere else.

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, ListParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, audit, operator, run, watch};

/// Whether the operator may do what is asked, by the API server's word.
async fn may(verb: &str, resource: &str, namespace: &str) -> Result<bool> {
    let user = format!(
        "--as=system:serviceaccount:{0}:{1}-marketplace-operator",
        operator::NAMESPACE,
        operator::RELEASE
    );
    let namespace = format!("--namespace={namespace}");
    // an exit code of 1 says no
    let (may, _) =
        marketplace_tests::cluster::try_run("kubectl", &["auth", "can-i", verb, resource, &namespace, &user]).await?;
    Ok(may)
}

#[tokio::test]
async fn an_addon_in_a_namespace_that_is_not_watched_is_not_touched_and_says_so() -> Result<()> {
    let watched = Scene::new("watched").await?;
    let unwatched = Scene::new("unwatched").await?;
    let _operator = operator::alone_with("watchNamespaces={watched}").await?;
    let since = audit::now().await?;
    unwatched.apply::<MarketplaceAddon>(&sms_addon("florist")).await?;
    watched.run(&sms_addon("florist")).await?;

    let addon = unwatched.all::<MarketplaceAddon>().get("florist").await?;
    let ready = watch::condition(&addon, "Ready").map(|ready| (ready.status.as_str(), ready.message.as_str()));
    let unseen = "no operator has seen this; does one run, and does it watch this namespace?";
    assert_eq!(ready, Some(("Unknown", unseen)));
    let deployments: Api<Deployment> = unwatched.all();
    assert!(deployments.list(&ListParams::default()).await?.items.is_empty());
    let mut elsewhere = audit::calls().await?;
    elsewhere.retain(|call| call.at > since && !["watched", operator::NAMESPACE].contains(&call.namespace.as_str()));
    assert!(elsewhere.is_empty(), "{elsewhere:?}");

    assert!(may("get", "secrets", "watched").await?);
    for (verb, resource) in [
        ("get", "secrets"),
        ("list", "marketplaceaddons"),
        ("patch", "deployments"),
    ] {
        assert!(!may(verb, resource, "unwatched").await?, "{verb} {resource}");
    }
    let roles = [
        "get",
        "clusterrole",
        "--selector=app.kubernetes.io/instance=marketplace",
        "--output=name",
    ];
    assert_eq!(run("kubectl", &roles).await?, "");
    watched.end().await?;
    unwatched.end().await
}
