//! An upgrade of the operator: few add-ons roll at a time, and one that cannot come up keeps the others as they were.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use marketplace_crds::MarketplaceAddon;
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, operator, watch};
use marketplace_tests::patience::until;
use serde_json::json;

const NAMES: [&str; 3] = ["baker", "florist", "grocer"];

/// The reason of the condition Upgrading of each add-on that has it.
async fn upgrading(scene: &Scene) -> Result<BTreeMap<String, String>> {
    let addons: Api<MarketplaceAddon> = scene.all();
    let listed = addons.list(&ListParams::default()).await?;
    let reason = |addon: &MarketplaceAddon| watch::condition(addon, "Upgrading").map(|found| found.reason.clone());
    Ok(listed
        .iter()
        .filter_map(|addon| Some((addon.name_any(), reason(addon)?)))
        .collect())
}

/// The image that each Deployment names.
async fn images(scene: &Scene) -> Result<BTreeMap<String, Option<String>>> {
    let deployments: Api<Deployment> = scene.all();
    let listed = deployments.list(&ListParams::default()).await?;
    let image = |deployment: &Deployment| {
        let pod = deployment.spec.template.spec.as_ref()?;
        pod.containers.first()?.image.clone()
    };
    Ok(listed
        .iter()
        .map(|deployment| (deployment.name_any(), image(deployment)))
        .collect())
}

async fn pods(scene: &Scene) -> Result<Vec<String>> {
    let pods: Api<Pod> = scene.all();
    Ok(pods
        .list(&ListParams::default())
        .await?
        .iter()
        .map(kube::ResourceExt::name_any)
        .collect())
}

#[tokio::test]
async fn a_release_that_does_not_come_up_stops_after_the_first_and_a_pinned_image_stays() -> Result<()> {
    let scene = Scene::new("staged").await?;
    // what other suites may have left behind would roll too, and have the one turn
    let values = format!("rollsAtOnce=1,watchNamespaces={{{}}}", scene.namespace);
    let alone = operator::alone_with(&values).await?;
    for name in NAMES {
        scene.run(&sms_addon(name)).await?;
    }
    let mut pinned = sms_addon("pinned");
    pinned["spec"]["workload"] = json!({"image": format!("{}:dev", operator::image("service"))});
    scene.run(&pinned).await?;
    let (pods_before, images_before) = (pods(&scene).await?, images(&scene).await?);

    operator::reinstall(&alone, &format!("{values},serviceImage.tag=no-such-release")).await?;
    let found = until("one rolls and two wait", async || {
        let found = upgrading(&scene).await?;
        Ok((found.len() == NAMES.len()).then_some(found))
    })
    .await?;
    let count = |reason: &str| found.values().filter(|found| *found == reason).count();
    assert_eq!((count("Rolling"), count("WaitingForTurn")), (1, 2), "{found:?}");
    let now = images(&scene).await?;
    let changed = now
        .iter()
        .filter(|(name, image)| images_before.get(*name) != Some(image));
    assert_eq!(changed.count(), 1, "{now:?}");
    assert_eq!(now.get("pinned-front"), images_before.get("pinned-front"));

    // the next release is good: the pods that waited were never touched
    operator::reinstall(&alone, &values).await?;
    until("nobody rolls or waits", async || {
        Ok(upgrading(&scene).await?.is_empty().then_some(()))
    })
    .await?;
    for name in NAMES {
        watch::ready(&scene.all(), name, None).await?;
    }
    let kept = pods(&scene).await?;
    assert!(
        pods_before.iter().all(|pod| kept.contains(pod)),
        "{pods_before:?} {kept:?}"
    );
    scene.end().await
}
