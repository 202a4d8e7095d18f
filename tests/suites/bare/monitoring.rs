//! An add-on that wants to be monitored in a cluster that does not know how.

use anyhow::{Context as _, Result};
use marketplace_tests::cluster::scene::sms_addon;
use marketplace_tests::cluster::{Scene, operator, watch};
use serde_json::json;

#[tokio::test]
async fn an_addon_that_cannot_be_monitored_says_so_and_is_ready() -> Result<()> {
    let _operator = operator::shared().await?;
    let scene = Scene::new("unmonitored").await?;
    let mut addon = sms_addon("florist");
    addon["spec"]["monitoring"] = json!({"enabled": true});
    let addon = scene.run(&addon).await?;
    let said = watch::condition(&addon, "MonitoringActive").context("it has asked")?;
    assert_eq!(
        (said.status.as_str(), said.reason.as_str()),
        ("False", "MonitoringApiMissing")
    );
    assert!(
        said.message.contains("install the Prometheus Operator"),
        "{}",
        said.message
    );
    scene.end().await
}
