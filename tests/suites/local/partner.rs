//! What is known of a number, a partner's own code says.

use anyhow::{Context as _, Result};
use marketplace_tests::addon::{KNOWN, home_of, lookup_endpoint, manifest_of, request_sid, twilio};
use marketplace_tests::http::Answer;
use marketplace_tests::partner::{Doing, Example, Obedient, Running};
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{Payload, Sdk, pairs};
use serde_json::{Value, json};

use super::sms::json_of;

/// An add-on with one endpoint, which this handler answers.
fn home(handler: &Value) -> Result<Home> {
    let request = json!({
        "encoding": "Form", "fields": {"phoneNumber": "from", "body": "text"}, "defaultCountryCode": "1",
        "configuration": {"tier": "tier"},
    });
    let mut endpoint = lookup_endpoint("calls", &request);
    endpoint["handler"] = handler.clone();
    home_of(&manifest_of(json!([endpoint])))
}

fn http(url: &str) -> Value {
    json!({"http": {"url": url, "allowInsecure": true, "breaker": {"failures": 1000}}})
}

async fn ask(service: &Service<'_>, sid: &str, number: &str) -> Result<Answer> {
    let fields = pairs(&[("from", number), ("text", "hi"), ("tier", "gold")]);
    let request = twilio(Sdk::Node).request("/calls", sid, Payload::Form(fields))?;
    request.send(service.address()).await
}

#[tokio::test]
async fn every_example_answers_as_it_stands() -> Result<()> {
    for example in Example::ALL {
        let partner = Running::start(example).await?;
        let home = home(&http(&partner.url()))?;
        let service = Service::start(&home).await?;
        // As a person writes it; asked about in the one spelling, and answered as it was sent.
        let answer = json_of(&ask(&service, &request_sid(), "(415) 555-1212").await?)?;
        let expected = json!({
            "phone_number": "(415) 555-1212", "results": {"greeting": format!("Hello {KNOWN}")}, "error_code": null,
        });
        assert_eq!(answer, expected, "{example:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_container_is_called_beside_the_service_at_its_port_and_path() -> Result<()> {
    let partner = Obedient::start(Doing::Answer(204, String::new())).await?;
    let home = home(&json!({"container": {"image": "handler:1", "port": partner.port(), "path": "/beside"}}))?;
    let service = Service::start(&home).await?;
    let answer = json_of(&ask(&service, &request_sid(), KNOWN).await?)?;
    let unknown = json!({"phone_number": KNOWN, "results": null, "error_code": "not_found"});
    assert_eq!(answer, unknown);
    let asked = partner.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/beside");
    let question: Value = serde_json::from_slice(&asked[0].body)?;
    assert_eq!(
        (&question["body"], &question["configuration"]["tier"]),
        (&json!("hi"), &json!("gold"))
    );
    Ok(())
}

#[tokio::test]
async fn tells_the_partner_who_asks_which_request_it_is_and_how_much_time_there_is() -> Result<()> {
    let partner = Obedient::start(Doing::Answer(200, "{}".to_owned())).await?;
    let mut handler = http(&partner.url());
    handler["http"]["secretName"] = json!("partner");
    let home = home(&handler)?;
    let service = Service::start(&home).await?;
    let refused = ask(&service, &request_sid(), KNOWN).await?;
    assert_eq!(refused.status, 503, "without its secret: partner_secret_missing");
    home.write_secret("partner", "AUTHORIZATION", "Bearer 0123")?;
    let sid = request_sid();
    until("the secret is read", async || {
        Ok((ask(&service, &sid, KNOWN).await?.status == 200).then_some(()))
    })
    .await?;
    let metrics = service.metrics().await?;
    assert!(metrics.contains("reason=\"partner_secret_missing\""), "{metrics}");
    let asked = partner.asked();
    let header = |name: &str| {
        asked[0]
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    assert_eq!(
        (header("authorization"), header("idempotency-key")),
        ("Bearer 0123", sid.as_str())
    );
    let left: u64 = header("x-marketplace-deadline-ms").parse()?;
    assert!((1..=14_000).contains(&left), "{left}");
    // A new one counts without a restart.
    home.write_secret("partner", "AUTHORIZATION", "Bearer 4567")?;
    until("the new secret is sent", async || {
        ask(&service, &request_sid(), KNOWN).await?;
        let last = partner.asked().pop().context("it was asked")?;
        Ok((last.headers["authorization"] == "Bearer 4567").then_some(()))
    })
    .await?;
    assert!(!home.log().contains("Bearer"), "the log tells a secret");
    Ok(())
}

#[tokio::test]
async fn what_a_partner_does_badly_is_503_in_a_word_of_ours() -> Result<()> {
    let partner = Obedient::start(Doing::Hang).await?;
    let mut handler = http(&partner.url());
    handler["http"]["timeoutSeconds"] = json!(1);
    let home = home(&handler)?;
    let service = Service::start(&home).await?;
    let large = format!("{{\"text\": \"{}\"}}", "x".repeat(70_000));
    for (doing, status, reason) in [
        (Doing::Hang, 503, "partner_timeout"),
        (Doing::Answer(500, "{}".to_owned()), 503, "partner_failed"),
        (Doing::Redirect, 503, "partner_failed"),
        (Doing::Answer(200, "<html>".to_owned()), 503, "partner_answer_invalid"),
        (Doing::Answer(200, "[1]".to_owned()), 503, "partner_answer_invalid"),
        (Doing::Answer(200, large), 200, "answer_too_large"),
    ] {
        let before = partner.asked().len();
        partner.does(doing.clone());
        let answer = ask(&service, &request_sid(), KNOWN).await?;
        assert_eq!(answer.status, status, "{reason}: {}", answer.text());
        let series = format!(
            "marketplace_request_failures_total{{addon=\"acme/caller-insights\",endpoint=\"calls\",reason=\"{reason}\"}}"
        );
        assert!(service.metrics().await?.contains(&series), "{series}");
        assert_eq!(
            partner.asked().len(),
            before + 1,
            "{reason}: asked once, and no redirect is followed"
        );
    }
    assert!(!home.log().contains(&KNOWN[1..]), "the log tells a number");
    Ok(())
}

#[tokio::test]
async fn a_partner_that_is_gone_is_left_alone_and_found_again() -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // From here on it breaks off whatever comes, and then it is gone.
    let breaks = tokio::spawn(async move {
        if let Ok((connection, _)) = listener.accept().await {
            let mut first = [0; 1];
            let _ = connection.readable().await;
            let _ = connection.try_read(&mut first);
        }
    });
    let mut handler = http(&format!("http://{address}/"));
    handler["http"]["breaker"] = json!({"failures": 3, "openSeconds": 1});
    let home = home(&handler)?;
    let service = Service::start(&home).await?;
    assert_eq!(ask(&service, &request_sid(), KNOWN).await?.status, 503);
    breaks.await?;
    for _ in 0..3 {
        assert_eq!(ask(&service, &request_sid(), KNOWN).await?.status, 503);
    }
    let metrics = service.metrics().await?;
    for word in ["partner_broke_off", "partner_unreachable", "partner_left_alone"] {
        assert!(
            metrics.contains(&format!("reason=\"{word}\"")),
            "{word} is not in\n{metrics}"
        );
    }
    assert!(metrics.contains("marketplace_partner_left_alone{addon=\"acme/caller-insights\",endpoint=\"calls\"} 1"));
    let listener = tokio::net::TcpListener::bind(address).await?;
    let router = axum::Router::new().fallback(async || "{\"back\": true}");
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    until("the partner is found again", async || {
        Ok((ask(&service, &request_sid(), KNOWN).await?.status == 200).then_some(()))
    })
    .await?;
    let metrics = service.metrics().await?;
    assert!(metrics.contains("marketplace_partner_left_alone{addon=\"acme/caller-insights\",endpoint=\"calls\"} 0"));
    server.abort();
    Ok(())
}

#[tokio::test]
async fn a_url_that_leads_to_a_private_address_is_not_called() -> Result<()> {
    let partner = Obedient::start(Doing::Answer(200, "{}".to_owned())).await?;
    let url = partner.url().replace("http:", "https:");
    let home = home(&json!({"http": {"url": url}}))?;
    let service = Service::start(&home).await?;
    assert_eq!(ask(&service, &request_sid(), KNOWN).await?.status, 503);
    let metrics = service.metrics().await?;
    assert!(metrics.contains("reason=\"partner_not_allowed\""), "{metrics}");
    assert!(partner.asked().is_empty());
    Ok(())
}
