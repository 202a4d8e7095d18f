//! What an endpoint may say of its signatures: which spellings of the URL count, how much must be covered, what an
//! unverified request is answered, and the password besides.

use anyhow::Result;
use marketplace_tests::addon::{AUTH_TOKEN, KNOWN, PUBLIC_URL, home_of, manifest, request_sid, twilio};
use marketplace_tests::patience::until;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{Payload, Sdk, SignedRequest, pairs};
use serde_json::{Value, json};

use super::bounds::until_counted;

const QUERY: usize = 0;
const FORM: usize = 1;
const JSON: usize = 2;
/// `twilio:open sesame`.
const AUTHORIZATION: &str = "Basic dHdpbGlvOm9wZW4gc2VzYW1l";

fn manifest_of(endpoint: usize, section: &str, value: Value) -> Value {
    let mut manifest = manifest();
    manifest["spec"]["endpoints"][endpoint][section] = value;
    manifest
}

fn form() -> Result<SignedRequest> {
    let fields = pairs(&[("phone", KNOWN), ("message", "hello")]);
    twilio(Sdk::Node).request("/form", &request_sid(), Payload::Form(fields))
}

/// The same request under the signature of a URL and nothing else.
fn signed_over(request: SignedRequest, url: &str) -> Result<SignedRequest> {
    let signature = Sdk::Python.signature(AUTH_TOKEN, url, &[])?;
    Ok(request.with_header("X-Twilio-Signature", &signature))
}

/// A GET whose query is signed in one spelling and sent in another.
fn query(signed: &str, sent: &str) -> Result<SignedRequest> {
    let request = twilio(Sdk::Node).request("/query", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))?;
    let target = format!("/insights/query?{sent}");
    signed_over(request.to(&target), &format!("{PUBLIC_URL}/query?{signed}"))
}

async fn status(manifest: &Value, request: SignedRequest) -> Result<u16> {
    let home = home_of(manifest)?;
    let service = Service::start(&home).await?;
    Ok(request.send(service.address()).await?.status)
}

#[tokio::test]
async fn takes_every_spelling_of_a_query_unless_it_is_told_not_to() -> Result<()> {
    let strict = home_of(&manifest_of(QUERY, "signature", json!({ "legacyQuery": false })))?;
    let lenient = home_of(&manifest())?;
    let (strict, lenient) = (Service::start(&strict).await?, Service::start(&lenient).await?);
    let phone = "phone=%2B14155551212";
    for (signed, sent, strictly) in [
        (format!("{phone}&q=it's"), format!("{phone}&q=it's"), 200),
        (format!("{phone}&q=it%27s"), format!("{phone}&q=it's"), 403),
        (format!("{phone}&q=it's"), format!("{phone}&q=it%27s"), 403),
        (format!("{phone}&q=a%20b"), format!("{phone}&q=a+b"), 403),
        (format!("{phone}&q=it's+a%20b"), format!("{phone}&q=it%27s+a%20b"), 403),
    ] {
        let request = query(&signed, &sent)?;
        assert_eq!(request.send(lenient.address()).await?.status, 200, "{sent}");
        assert_eq!(request.send(strict.address()).await?.status, strictly, "{sent}");
    }
    let other = query(&format!("{phone}&q=a%20b"), &format!("{phone}&q=a-b"))?;
    assert_eq!(other.send(lenient.address()).await?.status, 403);
    let metrics = lenient.metrics().await?;
    for form in [
        "port_absent",
        "escaped_port_absent",
        "plain_quotes_port_absent",
        "legacy_port_absent",
    ] {
        assert!(
            metrics.contains(&format!("form=\"{form}\",verdict=\"answered\"")),
            "{form}: {metrics}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn takes_the_order_of_the_registered_url_where_it_is_given() -> Result<()> {
    let template = format!("{PUBLIC_URL}/query?phone={{{{primary_address}}}}&apikey=K");
    let (signed, sent) = ("phone=%2B14155551212&apikey=K&z=1", "apikey=K&phone=%2B14155551212&z=1");
    let manifest_with = manifest_of(QUERY, "signature", json!({ "urlTemplate": template }));
    assert_eq!(status(&manifest_with, query(signed, sent)?).await?, 200);
    assert_eq!(status(&manifest_with, query(sent, sent)?).await?, 200);
    assert_eq!(status(&manifest(), query(signed, sent)?).await?, 403);
    Ok(())
}

#[tokio::test]
async fn takes_a_host_that_is_registered_with_and_without_its_slash() -> Result<()> {
    let mut manifest = manifest_of(QUERY, "path", json!("/"));
    manifest["spec"]["publicUrl"] = json!("https://addons.example.com");
    let home = home_of(&manifest)?;
    let service = Service::start(&home).await?;
    for (base, expected) in [
        ("https://addons.example.com", 200),
        ("https://addons.example.com/", 200),
        ("https://addons.example.com:443", 200),
        ("https://addons.example.com//", 403),
    ] {
        let request = query("", "")?.to("/?phone=%2B14155551212");
        let request = signed_over(request, &format!("{base}?phone=%2B14155551212"))?;
        assert_eq!(request.send(service.address()).await?.status, expected, "{base}");
    }
    Ok(())
}

#[tokio::test]
async fn accepts_a_signature_over_the_url_alone_where_it_is_told_to() -> Result<()> {
    let mut lenient = manifest_of(FORM, "signature", json!({ "mode": "UrlOnly" }));
    lenient["spec"]["endpoints"][JSON]["signature"] = json!({ "mode": "UrlOnly" });
    lenient["spec"]["allowList"] = json!({ "sources": [{ "name": "proxy", "cidr": "127.0.0.0/8" }] });
    let home = home_of(&lenient)?;
    let service = Service::start(&home).await?;
    let body = json!({ "phone": KNOWN }).to_string();
    let json = twilio(Sdk::Node).request("/json", &request_sid(), Payload::Json(body))?;
    let url = format!("{PUBLIC_URL}/json");
    let unhashed = signed_over(json.clone().to("/insights/json"), &url)?;
    let misleading = format!("bodySHA256={}", "0".repeat(64));
    let misled = signed_over(
        json.clone().to(&format!("/insights/json?{misleading}")),
        &format!("{url}?{misleading}"),
    )?;
    let form_url = format!("{PUBLIC_URL}/form");
    for (what, request, expected) in [
        ("every parameter", form()?, 200),
        ("the URL alone", signed_over(form()?, &form_url)?, 200),
        ("another URL", signed_over(form()?, &url)?, 403),
        ("a body by its hash", json, 200),
        ("a URL without a hash", unhashed.clone(), 200),
        ("a URL with another hash", misled, 403),
    ] {
        assert_eq!(request.send(service.address()).await?.status, expected, "{what}");
    }
    let metrics = service.metrics().await?;
    assert!(
        metrics.contains(r#"covers="url",endpoint="form",form="port_absent"} 1"#),
        "{metrics}"
    );
    assert_eq!(status(&manifest(), signed_over(form()?, &form_url)?).await?, 403);
    assert_eq!(status(&manifest(), unhashed).await?, 403);
    Ok(())
}

#[tokio::test]
async fn tells_what_a_signature_covers_and_executes_nothing_while_commissioning() -> Result<()> {
    let home = home_of(&manifest_of(FORM, "signature", json!({ "mode": "Commission" })))?;
    let service = Service::start(&home).await?;
    let as_sent = Sdk::Node.signature(AUTH_TOKEN, &format!("{PUBLIC_URL}/formphone{KNOWN}messagehello"), &[])?;
    for request in [
        form()?,
        signed_over(form()?, &format!("{PUBLIC_URL}/form"))?,
        form()?.with_header("X-Twilio-Signature", &as_sent),
        signed_over(form()?, "https://evil.example.com")?,
    ] {
        let answer = request.send(service.address()).await?;
        assert_eq!((answer.status, answer.json()?["results"].clone()), (503, json!(null)));
    }
    assert_eq!(
        form()?
            .without_header("X-Twilio-Signature")
            .send(service.address())
            .await?
            .status,
        403
    );
    let (metrics, log) = (service.metrics().await?, home.log());
    for covers in ["parameters", "url", "parameters_as_sent"] {
        let series = format!("covers=\"{covers}\",endpoint=\"form\",form=\"port_absent\"}} 1");
        assert!(metrics.contains(&series), "{series}: {metrics}");
    }
    assert!(
        log.contains("commission: the signature matches") && log.contains("matches nothing"),
        "{log}"
    );
    assert!(!log.contains("415555") && !log.contains("addons.example.com"), "{log}");
    until_counted(&service, "commission").await
}

#[tokio::test]
async fn asks_twilio_to_repeat_what_a_coming_token_may_verify() -> Result<()> {
    let home = home_of(&manifest_of(FORM, "signature", json!({ "unverifiedStatus": 503 })))?;
    let service = Service::start(&home).await?;
    let forged = signed_over(form()?, "https://evil.example.com")?;
    assert_eq!(forged.send(service.address()).await?.status, 503);
    until_counted(&service, "signature_mismatch").await?;
    let unsigned = form()?.without_header("X-Twilio-Signature");
    assert_eq!(unsigned.send(service.address()).await?.status, 403);
    assert_eq!(form()?.send(service.address()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn asks_for_the_password_of_the_endpoint_once_the_signature_is_verified() -> Result<()> {
    let home = home_of(&manifest_of(FORM, "basicAuth", json!({ "secretName": "door" })))?;
    let service = Service::start(&home).await?;
    let with = |value: &str| -> Result<SignedRequest> { Ok(form()?.with_header("Authorization", value)) };
    let without_secret = with(AUTHORIZATION)?.send(service.address()).await?;
    assert_eq!(without_secret.status, 503);
    until_counted(&service, "no_password").await?;
    home.write_secret("door", "username", "twilio")?;
    home.write_secret("door", "password", "open sesame")?;
    until("the password is read", async || {
        Ok((with(AUTHORIZATION)?.send(service.address()).await?.status == 200).then_some(()))
    })
    .await?;
    let asked = form()?.send(service.address()).await?;
    assert_eq!(
        (asked.status, asked.header("www-authenticate")),
        (401, Some("Basic realm=\"add-on\""))
    );
    for wrong in [
        "Basic dHdpbGlvOm9wZW4gc2VzYW0=",
        "Basic",
        "Bearer dHdpbGlvOm9wZW4gc2VzYW1l",
    ] {
        assert_eq!(with(wrong)?.send(service.address()).await?.status, 403, "{wrong}");
    }
    until_counted(&service, "password_wrong").await?;
    let forged = signed_over(with(AUTHORIZATION)?, "https://evil.example.com")?;
    assert_eq!(forged.send(service.address()).await?.status, 403);
    let forged = signed_over(form()?, "https://evil.example.com")?;
    assert_eq!(
        forged.send(service.address()).await?.status,
        403,
        "a stranger is not asked"
    );
    assert!(!home.log().contains("sesame"));
    Ok(())
}
