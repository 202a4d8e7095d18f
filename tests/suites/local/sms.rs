//! A phone number comes in, what is known of it goes out, at once: the shape of the answer, and what is refused.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home, request_sid, twilio};
use marketplace_tests::http::Answer;
use marketplace_tests::service::Service;
use marketplace_tests::twilio::{AddonSids, Payload, Sdk, pairs};
use serde_json::{Value, json};

/// What every answer at once must be, whatever it says.
pub fn json_of(answer: &Answer) -> Result<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.header("content-length"),
        Some(answer.body.len().to_string().as_str())
    );
    for header in ["transfer-encoding", "content-encoding", "location"] {
        assert_eq!(answer.header(header), None, "{header}");
    }
    answer.json()
}

async fn ask(service: &Service<'_>, query: &[(&str, &str)]) -> Result<Value> {
    let request = twilio(Sdk::Node).request("/query", &request_sid(), Payload::Query(pairs(query)))?;
    json_of(&request.send(service.address()).await?)
}

#[tokio::test]
async fn answers_a_known_and_an_unknown_number_in_the_shape_of_the_example() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let known = json!({
        "phone_number": KNOWN,
        "results": { "customer_name": "Ada Lovelace", "customer_type": "gold" },
        "error_code": null,
    });
    assert_eq!(ask(&service, &[("phone", KNOWN)]).await?, known);
    assert_eq!(
        ask(&service, &[("phone", KNOWN), ("added", "later"), ("message", "")]).await?,
        known
    );
    let unknown = json!({ "phone_number": "+14155550000", "results": null, "error_code": "not_found" });
    assert_eq!(ask(&service, &[("phone", "+14155550000")]).await?, unknown);
    Ok(())
}

#[tokio::test]
async fn takes_a_number_whose_plus_sign_was_not_encoded() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    // A blank in a query is written as a plus sign.
    let answer = ask(&service, &[("phone", &KNOWN.replace('+', " "))]).await?;
    assert_eq!(answer["phone_number"], KNOWN);
    assert_eq!(answer["results"]["customer_type"], "gold");
    Ok(())
}

#[tokio::test]
async fn refuses_with_200_and_a_word_what_is_signed_but_not_for_this() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    let number = || pairs(&[("phone", KNOWN)]);
    for (what, path, payload, word) in [
        (
            "no such endpoint",
            "/nowhere",
            Payload::Query(number()),
            "unknown_endpoint",
        ),
        (
            "a GET where a form is due",
            "/form",
            Payload::Query(number()),
            "method_not_accepted",
        ),
        (
            "a form where a GET is due",
            "/query",
            Payload::Form(number()),
            "method_not_accepted",
        ),
        (
            "a form where JSON is due",
            "/json",
            Payload::Form(number()),
            "encoding_not_accepted",
        ),
        (
            "no number",
            "/query",
            Payload::Query(pairs(&[("message", "hi")])),
            "field_missing",
        ),
        (
            "an empty number",
            "/query",
            Payload::Query(pairs(&[("phone", "")])),
            "field_missing",
        ),
        (
            "two numbers",
            "/query",
            Payload::Query([number(), pairs(&[("phone", "+1")])].concat()),
            "field_ambiguous",
        ),
        (
            "no JSON object",
            "/json",
            Payload::Json("[]".to_owned()),
            "body_unreadable",
        ),
    ] {
        let request = twilio(Sdk::Python).request(path, &request_sid(), payload)?;
        let answer = json_of(&request.send(service.address()).await?)?;
        assert_eq!(
            (&answer["error_code"], &answer["results"]),
            (&json!(word), &Value::Null),
            "{what}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn refuses_a_request_that_names_another_addon_and_takes_one_that_names_none() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    for (addon, word) in [
        (
            Some("XBffffffffffffffffffffffffffffffff".to_owned()),
            json!("another_addon"),
        ),
        (None, Value::Null),
    ] {
        let sids = AddonSids { addon, request: None };
        let request = twilio(Sdk::Node).request_of(&sids, "/query", Payload::Query(pairs(&[("phone", KNOWN)])))?;
        let answer = json_of(&request.send(service.address()).await?)?;
        assert_eq!(answer["error_code"], word, "{sids:?}");
    }
    Ok(())
}
