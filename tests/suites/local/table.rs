//! A table that a Secret holds: read again while the service runs, and kept when what comes is no table.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home_of, manifest_with};
use marketplace_tests::patience::until;
use marketplace_tests::service::Service;
use serde_json::json;

use super::sms::json_of;
use super::sql::ask;

const UNREADABLE: &str = "marketplace_secrets_unreadable{addon=\"acme/caller-insights\"}";

#[tokio::test]
async fn answers_from_what_the_secret_has_now_and_keeps_the_last_good_table() -> Result<()> {
    let handler = json!({"table": {"secretName": "numbers"}});
    let home = home_of(&manifest_with("/spec/endpoints/0/handler", handler))?;
    home.write_secret("crm", "DATABASE_URL", "sqlite:///nowhere")?;
    let service = Service::start(&home).await?;
    let refused = ask(&service, "/query", KNOWN).await?;
    assert_eq!(refused.status, 503);
    assert!(service.metrics().await?.contains("reason=\"table_missing\""));
    for name in ["Ada", "Grace"] {
        home.write_secret(
            "numbers",
            "table.yaml",
            &format!("\"{KNOWN}\": {{customer_name: {name}}}"),
        )?;
        until("the table is read", async || {
            let answer = ask(&service, "/query", KNOWN).await?;
            let is_there = answer.status == 200 && json_of(&answer)?["results"]["customer_name"] == name;
            Ok(is_there.then_some(()))
        })
        .await?;
    }
    let complaints = async |wanted: &str| {
        let told = format!("{UNREADABLE} {wanted}");
        until("the complaint", async || {
            Ok(service.metrics().await?.contains(&told).then_some(()))
        })
        .await
    };
    complaints("0").await?;
    home.write_secret("numbers", "table.yaml", &format!("\"{KNOWN}\": Eve"))?;
    complaints("1").await?;
    let answer = json_of(&ask(&service, "/query", KNOWN).await?)?;
    assert_eq!(answer["results"]["customer_name"], "Grace");
    let log = home.log();
    assert!(
        log.contains("table.yaml of secret numbers") && !log.contains("Eve"),
        "{log}"
    );
    Ok(())
}
