//! What is sent verifies as Twilio's would, and what comes back is judged.

use std::error::Error;
use std::time::{Duration, Instant};

use marketplace_crds::manifest;
use reqwest::header::HeaderValue;
use secrecy::SecretString;
use url::Url;

use super::filled::{Call, Field, fill};
use super::judge::{Answer, judge_answer};
use super::outgoing::{Caller, Content, Outgoing, compose};

use crate::config::{Config, Endpoint};
use crate::request::{ConstantSecrets, Source, pairs};
use crate::server::headers;
use crate::signature::{Candidates, ClaimedSignature, Coverage, Covered, SIGNATURE_HEADER, covering, verify};

const ADDON: &str = include_str!("../../../../crds/fixtures/call-insights.yaml");

fn config(encoding: &str) -> Result<Config, Box<dyn Error>> {
    Ok(Config::from_addon(&manifest::read(
        &ADDON.replace("encoding: Query", &format!("encoding: {encoding}")),
    )?)?)
}

fn composed(config: &Config, endpoint: &Endpoint, given: &[(&str, &str)]) -> Outgoing {
    let given = given
        .iter()
        .map(|(source, value)| (Source::parse(source), (*value).to_owned()));
    let given: Vec<Field> = given.collect();
    let call = Call {
        request_sid: "MR1",
        callback: None,
        audio: None,
        audio_url: None,
        constants: &ConstantSecrets::default(),
        is_test: false,
        now: crate::clock::now(),
    };
    let caller = Caller {
        account_sid: "AC1",
        token: &SecretString::from("12345"),
        request_sid: "MR1",
    };
    compose(config, endpoint, &fill(endpoint, given, &call), &caller)
}

#[test]
fn signs_in_every_encoding_as_the_service_verifies() -> Result<(), Box<dyn Error>> {
    let token = SecretString::from("12345");
    for (encoding, endpoint) in [("Query", "sms"), ("Form", "sms"), ("Json", "sms"), ("Multipart", "sms")] {
        let config = config(encoding)?;
        let endpoint = config.endpoint(endpoint).ok_or("the fixture has it")?;
        let outgoing = composed(&config, endpoint, &[("message", "hi & bye")]);
        let query = outgoing.signed_url.split_once('?').map(|(_, query)| query);
        let sent;
        let covered = match (&outgoing.content, encoding) {
            (Content::Nothing, _) => Covered::UrlAlone,
            (Content::Whole { body, .. }, "Json") => Covered::BodyHash(body),
            (Content::Whole { body, .. }, _) => {
                sent = pairs(body);
                Covered::Parameters(&sent)
            }
            (Content::Parts(fields), _) => Covered::Parameters(fields),
        };
        let claimed = outgoing.headers.get(SIGNATURE_HEADER).map(HeaderValue::as_bytes);
        let claimed = ClaimedSignature::read(claimed.into_iter())?;
        let urls = Candidates::of_endpoint(&endpoint.url, query, &endpoint.signature.spellings);
        let coverings = covering::accepted(Coverage::Strict, query, covered)?;
        let verified = verify(std::slice::from_ref(&token), &urls, &coverings, claimed);
        assert!(verified.is_ok(), "{encoding}: {verified:?}");
    }
    Ok(())
}

#[test]
fn sends_every_header_of_twilio() -> Result<(), Box<dyn Error>> {
    let config = config("Query")?;
    let endpoint = config.endpoint("sms").ok_or("the fixture has it")?;
    let outgoing = composed(&config, endpoint, &[]);
    let start = |name| {
        outgoing
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(|value| value[..2].to_owned())
    };
    for (name, expected) in [
        (headers::REQUEST_SID, "MR"),
        (headers::ADDON_SID, "XB"),
        (headers::ADDON_VERSION_SID, "XC"),
        (headers::ADDON_INSTALL_SID, "XD"),
        (headers::ACCOUNT_SID, "AC"),
        (headers::VENDOR_ACCOUNT_SID, "AC"),
    ] {
        assert_eq!(start(name).as_deref(), Some(expected), "{name}");
    }
    assert!(
        outgoing
            .signed_url
            .ends_with("/insights/incoming-sms?phone=%2B14155551212"),
        "{}",
        outgoing.signed_url
    );
    Ok(())
}

#[test]
fn sends_to_another_base_what_is_signed_over_the_public_url() -> Result<(), Box<dyn Error>> {
    let config = config("Query")?;
    let endpoint = config.endpoint("sms").ok_or("the fixture has it")?;
    let outgoing = composed(&config, endpoint, &[("phone", "1")]);
    for (base, expected) in [
        (None, "https://addons.example.com/insights/incoming-sms?phone=1"),
        (
            Some("http://127.0.0.1:8080"),
            "http://127.0.0.1:8080/incoming-sms?phone=1",
        ),
        (
            Some("http://front.addons:8080/insights/"),
            "http://front.addons:8080/insights/incoming-sms?phone=1",
        ),
    ] {
        let base = base.map(Url::parse).transpose()?;
        assert_eq!(outgoing.target(base.as_ref())?, expected);
    }
    Ok(())
}

#[test]
fn judges_an_answer_as_twilio_would() -> Result<(), Box<dyn Error>> {
    let config = config("Query")?;
    let json = Some("application/json");
    let cases = [
        ("sms", false, 200, json, r#"{"error_code":null}"#, None),
        ("sms", false, 200, json, r#"{"error_code":"not_found"}"#, None),
        (
            "sms",
            false,
            200,
            json,
            r#"{"error_code":"field_missing"}"#,
            Some("field_missing"),
        ),
        ("sms", false, 200, Some("text/html"), "{}", Some("application/json")),
        ("sms", false, 200, json, "[]", Some("JSON object")),
        (
            "sms",
            false,
            503,
            json,
            r#"{"error_code":"unavailable"}"#,
            Some("503 (unavailable), not 200"),
        ),
        ("sms", true, 403, json, "{}", None),
        ("sms", true, 200, json, "{}", Some("200, not 403")),
        ("recordings", false, 202, None, "", None),
        ("recordings", false, 202, None, "x", Some("no body")),
        (
            "recordings",
            false,
            200,
            json,
            r#"{"error_code":"audio_unreadable"}"#,
            Some("audio_unreadable"),
        ),
        ("recordings", true, 202, None, "", Some("202, not 403")),
    ];
    for (endpoint, forged, status, content_type, body, expected) in cases {
        let answer = Answer {
            began: Instant::now(),
            took: Duration::ZERO,
            status,
            content_type: content_type.map(str::to_owned),
            body: body.as_bytes().to_vec(),
        };
        let endpoint = config.endpoint(endpoint).ok_or("the fixture has it")?;
        let problem = judge_answer(endpoint, forged, &answer);
        match expected {
            None => assert_eq!(problem, None, "{status} {body}"),
            Some(words) => assert!(
                problem.as_ref().is_some_and(|problem| problem.contains(words)),
                "{problem:?}"
            ),
        }
    }
    Ok(())
}
