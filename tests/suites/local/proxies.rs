//! A proxy in front, which strips the prefix or does not, and passes on whatever a sender claims of host, scheme and port:
//! what counts is the registered URL.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home_of, manifest, manifest_with, request_sid, twilio};
use marketplace_tests::proxy::{Doors, Proxy};
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest, pairs};
use serde_json::json;

/// What a sender may claim.
const FORGED: [(&str, &str); 6] = [
    ("Host", "evil.example.com"),
    ("X-Forwarded-Host", "evil.example.com"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Port", "8080"),
    ("X-Forwarded-Prefix", "/evil"),
    ("Forwarded", "host=evil.example.com;proto=http"),
];

fn requests(registered: &str) -> Result<Vec<SignedRequest>> {
    let fields = pairs(&[("phone", KNOWN), ("message", "what's this + that?")]);
    let twilio = twilio(Sdk::Python).registered_as(registered);
    [
        ("/query", Payload::Query(fields.clone())),
        ("/form", Payload::Form(fields.clone())),
        ("/json", Payload::Json(json!({ "phone": KNOWN }).to_string())),
        (
            "/multipart",
            Payload::Multipart {
                fields,
                file: None,
                order: FileOrder::Last,
            },
        ),
    ]
    .into_iter()
    .map(|(path, payload)| twilio.request(path, &request_sid(), payload))
    .collect()
}

/// Signed for the host that the headers then claim.
fn forged() -> Result<Vec<SignedRequest>> {
    requests("http://evil.example.com/insights")
}

fn with_claims(request: SignedRequest) -> SignedRequest {
    FORGED
        .iter()
        .fold(request, |request, (name, value)| request.with_header(name, value))
}

#[tokio::test]
async fn verifies_behind_a_proxy_that_strips_the_prefix_and_one_that_does_not() -> Result<()> {
    for (registered, prefix) in [
        ("https://addons.example.com", ""),
        ("https://addons.example.com/", ""),
        ("https://addons.example.com/insights", "/insights"),
        ("https://addons.example.com/insights/", "/insights"),
    ] {
        let home = home_of(&manifest_with("/spec/publicUrl", json!(registered)))?;
        let service = Service::start(&home).await?;
        let gate = Home::new(&manifest())?;
        let (passing, stripping) = (gate.address(), gate.admin());
        let doors = Doors {
            passing,
            stripping,
            prefix,
        };
        let _proxy = Proxy::start(doors, service.address()).await?;
        for door in [passing, stripping] {
            for request in requests(registered)? {
                let told = format!("{registered} {} by {door}", request.target);
                assert_eq!(request.send(door).await?.status, 200, "{told}");
                assert_eq!(
                    with_claims(request).send(door).await?.status,
                    200,
                    "{told}, with claims"
                );
            }
            for request in forged()? {
                let target = format!("{prefix}{}", request.target.trim_start_matches("/insights"));
                let request = request.to(&target);
                let told = format!("{registered} {target} by {door}");
                assert_eq!(request.send(door).await?.status, 403, "{told}, forged");
                assert_eq!(
                    with_claims(request).send(door).await?.status,
                    403,
                    "{told}, forged, with claims"
                );
            }
        }
    }
    Ok(())
}
