//! The allow list as the service itself checks it: by the connection's other side, or by what trusted proxies say.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home_of, manifest, request_sid, twilio};
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, pairs};
use serde_json::{Value, json};

fn home_with(allow_list: Value) -> Result<Home> {
    let mut manifest = manifest();
    manifest["spec"]["allowList"] = allow_list;
    home_of(&manifest)
}

/// An allow list behind a proxy on the loopback.
fn behind_a_proxy(mode: &str) -> Value {
    json!({
        "mode": mode,
        "trustedProxies": ["127.0.0.0/8"],
        "sources": [{ "name": "office", "cidr": "198.51.100.0/24" }],
    })
}

fn lookup(forwarded_for: Option<&str>) -> Result<SignedRequest> {
    let payload = Payload::Query(pairs(&[("phone", KNOWN)]));
    let request = twilio(Sdk::Node).request("/query", &request_sid(), payload)?;
    Ok(match forwarded_for {
        Some(value) => request.with_header("X-Forwarded-For", value),
        None => request,
    })
}

/// What a genuine and a forged request are answered.
async fn statuses(service: &Service<'_>, forwarded_for: Option<&str>) -> Result<(u16, u16)> {
    let genuine = lookup(forwarded_for)?;
    let forged = genuine.clone().to("/insights/query?phone=1");
    let genuine = genuine.send(service.address()).await?.status;
    Ok((genuine, forged.send(service.address()).await?.status))
}

/// Which sources were counted how often.
async fn counted(service: &Service<'_>) -> Result<Vec<String>> {
    let metrics = service.metrics().await?;
    let lines = metrics.lines().filter_map(|line| {
        let labels = line.strip_prefix("marketplace_request_sources_total{addon=\"acme/caller-insights\",")?;
        Some(labels.replace('"', ""))
    });
    Ok(lines.collect())
}

#[tokio::test]
async fn enforces_the_list_and_lets_twilio_try_again_when_the_list_is_wrong() -> Result<()> {
    let home = home_with(behind_a_proxy("Enforce"))?;
    let service = Service::start(&home).await?;
    for (forwarded_for, genuine) in [
        (Some("198.51.100.7"), 200),
        (Some("203.0.113.9, 198.51.100.7, 127.0.0.9"), 200),
        (Some("203.0.113.9"), 503),
        (Some("198.51.100.7, 203.0.113.9"), 503),
        (Some("198.51.100.7, office"), 503),
        (None, 503),
    ] {
        assert_eq!(
            statuses(&service, forwarded_for).await?,
            (genuine, 403),
            "{forwarded_for:?}"
        );
    }
    assert_eq!(
        counted(&service).await?,
        [
            "origin=listed,signature=unverified} 2",
            "origin=listed,signature=verified} 2",
            "origin=unknown,signature=unverified} 2",
            "origin=unknown,signature=verified} 2",
            "origin=unlisted,signature=unverified} 2",
            "origin=unlisted,signature=verified} 2",
        ]
    );
    let told = home.log();
    assert!(
        told.contains("source_unlisted") && told.contains("source_unknown"),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn audits_without_refusing() -> Result<()> {
    let home = home_with(behind_a_proxy("Audit"))?;
    let service = Service::start(&home).await?;
    for forwarded_for in [Some("198.51.100.7"), Some("203.0.113.9"), None] {
        assert_eq!(
            statuses(&service, forwarded_for).await?,
            (200, 403),
            "{forwarded_for:?}"
        );
    }
    assert_eq!(counted(&service).await?.len(), 6);
    Ok(())
}

#[tokio::test]
async fn takes_the_word_of_trusted_proxies_alone() -> Result<()> {
    for (cidr, genuine) in [("127.0.0.0/8", 200), ("198.51.100.0/24", 503)] {
        let home = home_with(json!({ "sources": [{ "name": "it", "cidr": cidr }] }))?;
        let service = Service::start(&home).await?;
        assert_eq!(
            statuses(&service, Some("198.51.100.7")).await?,
            (genuine, 403),
            "{cidr}"
        );
    }
    Ok(())
}
