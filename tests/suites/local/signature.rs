//! Requests signed by Twilio's own libraries, whole and spoilt, in every encoding.

use anyhow::Result;
use marketplace_tests::addon::{AUTH_TOKEN, KNOWN, home, home_of, manifest, manifest_with, request_sid, twilio};
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{FileOrder, Payload, Sdk, SignedRequest, Twilio, pairs};
use serde_json::json;

const NEXT_TOKEN: &str = "ffeeddccbbaa99887766554433221100";

/// The same question in each encoding, with the endpoint that takes it.
fn questions() -> [(&'static str, Payload); 4] {
    let fields = pairs(&[
        ("phone", KNOWN),
        ("message", "what's \"this\" + that = 100 % für mich?"),
        ("empty", ""),
    ]);
    let json = json!({ "phone": KNOWN, "message": "what's \"this\" + that = 100 % für mich?" });
    [
        ("/query", Payload::Query(fields.clone())),
        ("/form", Payload::Form(fields.clone())),
        ("/json", Payload::Json(json.to_string())),
        (
            "/multipart",
            Payload::Multipart {
                fields,
                file: None,
                order: FileOrder::Last,
            },
        ),
    ]
}

fn question(twilio: &Twilio) -> Result<SignedRequest> {
    twilio.request("/query", &request_sid(), Payload::Query(pairs(&[("phone", KNOWN)])))
}

#[tokio::test]
async fn answers_what_either_library_signed_in_every_encoding() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    for sdk in Sdk::ALL {
        for (path, payload) in questions() {
            let answer = twilio(sdk)
                .request(path, &request_sid(), payload)?
                .send(service.address())
                .await?;
            assert_eq!(answer.status, 200, "{sdk:?} {path}");
            assert_eq!(
                answer.json()?["results"]["customer_name"],
                "Ada Lovelace",
                "{sdk:?} {path}"
            );
        }
    }
    Ok(())
}

/// Every way to spoil a signed request that must make it an unverified one.
fn spoilt(request: &SignedRequest) -> Vec<(&'static str, SignedRequest)> {
    let signature = request.header("X-Twilio-Signature").unwrap_or_default().to_owned();
    let mut twice = request.clone();
    twice.headers.push(("X-Twilio-Signature".to_owned(), signature.clone()));
    vec![
        ("unsigned", request.clone().without_header("X-Twilio-Signature")),
        ("signed twice", twice),
        (
            "with an empty signature",
            request.clone().with_header("X-Twilio-Signature", ""),
        ),
        (
            "with no base64",
            request
                .clone()
                .with_header("X-Twilio-Signature", "not a signature, but 28 b"),
        ),
        (
            "forged",
            request
                .clone()
                .with_header("X-Twilio-Signature", "0FqS203W44/lM2UEM+51hRzwat4="),
        ),
        (
            "with a longer signature",
            request
                .clone()
                .with_header("X-Twilio-Signature", &format!("AAAA{signature}")),
        ),
        ("changed", changed(request.clone())),
        ("with a query added", {
            let delimiter = if request.target.contains('?') { '&' } else { '?' };
            request.clone().to(&format!("{}{delimiter}added=1", request.target))
        }),
    ]
}

/// Asks for another number than the one that was signed.
fn changed(mut request: SignedRequest) -> SignedRequest {
    request.target = request.target.replace("4155551212", "4155551213");
    for piece in &mut request.body {
        let text = String::from_utf8_lossy(piece).replace("4155551212", "4155551213");
        *piece = text.into_bytes().into();
    }
    request
}

#[tokio::test]
async fn refuses_every_request_that_was_spoilt_after_it_was_signed() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    for sdk in Sdk::ALL {
        for (path, payload) in questions() {
            let request = twilio(sdk).request(path, &request_sid(), payload)?;
            for (how, request) in spoilt(&request) {
                let answer = request.send(service.address()).await?;
                assert_eq!(answer.status, 403, "{sdk:?} {path} {how}");
                assert_eq!(answer.json()?["results"], json!(null), "{sdk:?} {path} {how}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn refuses_what_was_signed_with_another_token_or_for_another_url() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    for sdk in Sdk::ALL {
        for (path, payload) in questions() {
            let others = [
                (
                    "another token",
                    Twilio {
                        token: NEXT_TOKEN.to_owned(),
                        ..twilio(sdk)
                    },
                ),
                (
                    "another scheme",
                    twilio(sdk).registered_as("http://addons.example.com/insights"),
                ),
                (
                    "another host",
                    twilio(sdk).registered_as("https://evil.example.com/insights"),
                ),
                (
                    "another port",
                    twilio(sdk).registered_as("https://addons.example.com:8443/insights"),
                ),
                (
                    "another path",
                    twilio(sdk).registered_as("https://addons.example.com/outlooks"),
                ),
            ];
            for (what, other) in others {
                let signed = other.request(path, &request_sid(), payload.clone())?;
                // What arrives is the same as ever, headers of proxies included: only the signature is for something else.
                let target = signed.target.replace("/outlooks", "/insights");
                let host = signed.header("Host").unwrap_or_default().to_owned();
                let request = signed.to(&target).with_header("X-Forwarded-Host", &host);
                let answer = request
                    .with_header("X-Forwarded-Proto", "http")
                    .send(service.address())
                    .await?;
                assert_eq!(answer.status, 403, "{sdk:?} {path} {what}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn answers_503_while_no_token_is_there_and_200_as_soon_as_one_is() -> Result<()> {
    let home = Home::new(&manifest())?;
    let service = Service::start(&home).await?;
    let twilio = twilio(Sdk::Node);
    assert_eq!(question(&twilio)?.send(service.address()).await?.status, 503);
    home.write_secret("twilio", "ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef")?;
    home.write_secret("twilio", "AUTH_TOKEN", AUTH_TOKEN)?;
    until_status(&service, &twilio, 200).await
}

#[tokio::test]
async fn takes_a_rotation_without_a_restart() -> Result<()> {
    let home = home()?;
    home.write_secret("twilio", "AUTH_TOKEN_SECONDARY", NEXT_TOKEN)?;
    let service = Service::start(&home).await?;
    let (now, next) = (
        twilio(Sdk::Python),
        Twilio {
            token: NEXT_TOKEN.to_owned(),
            ..twilio(Sdk::Python)
        },
    );
    for twilio in [&now, &next] {
        assert_eq!(
            question(twilio)?.send(service.address()).await?.status,
            200,
            "both tokens count"
        );
    }
    home.write_secret("twilio", "AUTH_TOKEN", NEXT_TOKEN)?;
    until_status(&service, &now, 403).await?;
    assert_eq!(question(&next)?.send(service.address()).await?.status, 200);
    Ok(())
}

async fn until_status(service: &Service<'_>, twilio: &Twilio, wanted: u16) -> Result<()> {
    until(&format!("a request is answered with {wanted}"), async || {
        let answer = question(twilio)?.send(service.address()).await?;
        Ok((answer.status == wanted).then_some(()))
    })
    .await
}

#[tokio::test]
async fn verifies_against_the_registered_url_however_it_is_written_and_wherever_the_prefix_went() -> Result<()> {
    for (registered, prefix) in [
        ("https://addons.example.com", ""),
        ("https://addons.example.com/", ""),
        ("https://addons.example.com/insights", "/insights"),
        ("https://addons.example.com/insights/", "/insights"),
        ("https://addons.example.com:8443/insights/v1", "/insights/v1"),
    ] {
        let home = home_of(&manifest_with("/spec/publicUrl", json!(registered)))?;
        let service = Service::start(&home).await?;
        let without_port = registered.replace(":8443", "");
        for signed_as in [registered, &without_port] {
            let request = question(&twilio(Sdk::Node).registered_as(signed_as))?;
            let stripped = request.target.strip_prefix(prefix).unwrap_or_default().to_owned();
            for target in [request.target.clone(), stripped] {
                let answer = request.clone().to(&target).with_header("Host", "10.0.0.7:8080");
                let answer = answer.send(service.address()).await?;
                assert_eq!(
                    answer.status, 200,
                    "{registered}, signed as {signed_as}, sent to {target}"
                );
            }
        }
    }
    Ok(())
}
