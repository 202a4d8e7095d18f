//! What each encoding carries, and what is made of it.

use marketplace_crds::request::Request;
use serde_json::{Value, json};

use super::*;

pub fn parameters(pairs: &[(&str, &str)]) -> Vec<Parameter> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn mapping(request: Value) -> serde_json::Result<Mapping> {
    Ok(Mapping::new(&serde_json::from_value::<Request>(request)?))
}

fn form(pairs: &[(&str, &str)]) -> Sent {
    Sent {
        body: SentBody::Parameters(parameters(pairs)),
        ..Sent::default()
    }
}

fn get(query: &str) -> Sent {
    Sent {
        query: pairs(query.as_bytes()),
        ..Sent::default()
    }
}

fn json_body(body: &Value) -> Sent {
    Sent {
        query: parameters(&[("bodySHA256", "0123")]),
        body: SentBody::Bytes(body.to_string().into()),
        ..Sent::default()
    }
}

fn sms() -> serde_json::Result<Mapping> {
    mapping(json!({"encoding": "Query", "fields": {"phoneNumber": "phone", "body": "message"}}))
}

#[test]
fn picks_the_publishers_own_names_and_leaves_the_rest_alone() -> Result<(), Box<dyn std::error::Error>> {
    let sent = get("phone=%2B14155551212&message=+hi+&added=later");
    let expected = LookupFields {
        phone_number: Some("+14155551212".to_owned()),
        secondary_phone_number: None,
        body: Some(" hi ".to_owned()),
    };
    assert_eq!(lookup(&sms()?.fields, &Values::read(&sent)?)?, expected);
    let nothing = get("phone=&message=");
    assert_eq!(
        lookup(&sms()?.fields, &Values::read(&nothing)?)?,
        LookupFields::default()
    );
    Ok(())
}

#[test]
fn reads_a_phone_number_whose_plus_sign_was_not_encoded() -> Result<(), Box<dyn std::error::Error>> {
    for (query, expected) in [
        ("phone=%2B14155551212", "+14155551212"),
        ("phone=+14155551212", "+14155551212"),
        ("phone=14155551212", "14155551212"),
        ("phone=%2B14155551212%20", "+14155551212"),
        ("phone=+alice", "alice"),
        ("phone=sip%3Aalice%40example.com", "sip:alice@example.com"),
    ] {
        let sent = get(query);
        let number = lookup(&sms()?.fields, &Values::read(&sent)?)?.phone_number;
        assert_eq!(number.as_deref(), Some(expected), "{query}");
    }
    Ok(())
}

#[test]
fn takes_constants_only_when_each_is_equal() -> Result<(), Box<dyn std::error::Error>> {
    let mapping = mapping(json!({
        "encoding": "Form",
        "fields": {"phoneNumber": "phone"},
        "constants": [{"name": "query:apikey", "value": "k3y"}, {"name": "version", "value": "2"}],
    }))?;
    for (query, body, expected) in [
        ("apikey=k3y", &[("version", "2")][..], Ok(true)),
        ("apikey=k3y&apikey=k3y", &[("version", "2")], Ok(true)),
        ("apikey=K3Y", &[("version", "2")], Ok(false)),
        ("apikey=", &[("version", "2")], Ok(false)),
        ("apikey=k3y", &[], Ok(false)),
        // In the body it is another parameter.
        ("", &[("apikey", "k3y"), ("version", "2")], Ok(false)),
        (
            "apikey=k3y&apikey=other",
            &[("version", "2")],
            Err(ReadFields::ChooseValue),
        ),
    ] {
        let sent = Sent {
            query: pairs(query.as_bytes()),
            ..form(body)
        };
        assert_eq!(
            keeps_constants(&mapping, &ConstantSecrets::default(), &Values::read(&sent)?),
            expected,
            "{query} {body:?}"
        );
    }
    Ok(())
}

#[test]
fn takes_a_constant_of_a_secret_as_it_is_now_and_nothing_while_it_is_unknown() -> Result<(), Box<dyn std::error::Error>>
{
    let mapping = mapping(json!({
        "encoding": "Query",
        "fields": {"phoneNumber": "phone"},
        "constants": [{"name": "apikey", "valueFrom": {"secretName": "keys", "key": "crm"}}],
    }))?;
    let read = |value: &str| [("crm".to_owned(), value.to_owned().into())].into();
    let mut secrets = ConstantSecrets::default();
    let keeps =
        |secrets: &ConstantSecrets, query: &str| keeps_constants(&mapping, secrets, &Values::read(&get(query))?);
    assert!(!knows_constants(&mapping, &secrets));
    for query in ["", "apikey=", "apikey=k3y"] {
        assert_eq!(keeps(&secrets, query), Ok(false), "{query}");
    }
    assert!(secrets.replace("keys", read("k3y")));
    assert!(!secrets.replace("keys", read("k3y")), "the same");
    assert!(knows_constants(&mapping, &secrets));
    assert_eq!(keeps(&secrets, "apikey=k3y"), Ok(true));
    assert!(secrets.replace("keys", read("b/2")));
    assert_eq!(keeps(&secrets, "apikey=k3y"), Ok(false));
    assert_eq!(keeps(&secrets, "apikey=b%2F2"), Ok(true));
    assert_eq!(
        secrets.hidden_in("https://a/b/2?x=1&apikey=b%2F2"),
        "https://a/b/2?x=1&apikey=***"
    );
    assert!(!format!("{secrets:?}").contains("b/2"));
    Ok(())
}

#[test]
fn takes_the_choices_of_a_customer_as_long_as_they_are_short() -> Result<(), Box<dyn std::error::Error>> {
    let mapping = mapping(json!({
        "encoding": "Form", "fields": {}, "configuration": {"language": "source_language", "region": "query:region"},
    }))?;
    let read = |sent: &Sent| configuration(&mapping, &Values::read(sent)?);
    let sent = Sent {
        query: parameters(&[("region", "eu")]),
        ..form(&[("source_language", "de"), ("other", "x")])
    };
    let expected = [("language", "de"), ("region", "eu")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(read(&sent), Ok(expected.into()));
    assert_eq!(read(&form(&[("source_language", "")])), Ok(BTreeMap::new()));
    let longest = "x".repeat(CONFIGURATION_LIMIT_BYTES);
    assert!(read(&form(&[("source_language", &longest)])).is_ok());
    let too_long = form(&[("source_language", &format!("{longest}x"))]);
    assert_eq!(read(&too_long), Err(ReadFields::ReadValue));
    Ok(())
}

#[test]
fn a_request_sid_that_is_sent_as_a_field_is_read_or_refused() -> Result<(), Box<dyn std::error::Error>> {
    let fields = mapping(json!({"encoding": "Form", "fields": {"requestSid": "request_sid"}}))?.fields;
    let too_long = "M".repeat(65);
    for (sent, expected) in [
        (&[("request_sid", "MR1")][..], Ok(Some("MR1".to_owned()))),
        (&[], Ok(None)),
        (&[("request_sid", "")], Ok(None)),
        (&[("request_sid", "M R")], Err(ReadFields::ReadValue)),
        (&[("request_sid", &too_long)], Err(ReadFields::ReadValue)),
    ] {
        let sent = form(sent);
        let sid = request_sid(&fields, &Values::read(&sent)?).map(|sid| sid.map(|sid| sid.as_str().to_owned()));
        assert_eq!(sid, expected);
    }
    Ok(())
}

#[test]
fn reads_a_recording_in_base64_and_whether_it_is_a_test() -> Result<(), Box<dyn std::error::Error>> {
    let mapping = mapping(json!({
        "encoding": "Json",
        "fields": {"audio": "/recording/data", "callback": "callback", "testFlag": "header:X-Test-Request"},
    }))?;
    let read = |data: Value, flag: &str| {
        let mut sent = json_body(&json!({"recording": {"data": data}, "callback": "https://api.twilio.com/"}));
        sent.headers = parameters(&[("x-test-request", flag)]);
        recording(&mapping, &Values::read(&sent)?)
    };
    for (data, expected) in [
        (json!("UklGRg=="), Ok(Some(b"RIFF".to_vec()))),
        (json!("UklGRg"), Ok(Some(b"RIFF".to_vec()))),
        (json!("Ukl\r\nGRg==\n"), Ok(Some(b"RIFF".to_vec()))),
        (json!(null), Ok(None)),
        (json!(""), Ok(None)),
        (json!("Ukl-Rg=="), Err(ReadFields::DecodeAudio)),
    ] {
        assert_eq!(read(data.clone(), "no").map(|fields| fields.audio), expected, "{data}");
    }
    for (flag, expected) in [("yes", true), ("TRUE", true), ("1", true), ("no", false), ("", false)] {
        assert_eq!(read(json!("UklGRg=="), flag)?.is_test, expected, "{flag}");
    }
    Ok(())
}

fn digest_of(encoding: &str, sent: &Sent) -> Result<String, Box<dyn std::error::Error>> {
    let pointer = if encoding == "Json" {
        "/to/callback"
    } else {
        "callback_url"
    };
    let fields = json!({"callback": pointer, "audio": "data", "date": "query:date"});
    let fields = mapping(json!({"encoding": encoding, "fields": fields}))?.fields;
    Ok(digest(&fields, &Values::read(sent)?))
}

#[test]
fn hashes_every_field_but_the_callback_with_their_delimiters() -> Result<(), Box<dyn std::error::Error>> {
    let base = digest_of(
        "Form",
        &form(&[("a", "bc"), ("d", "e"), ("callback_url", "https://one")]),
    )?;
    let of = |pairs: &[(&str, &str)]| digest_of("Form", &form(pairs));
    assert_eq!(of(&[("a", "bc"), ("d", "e"), ("callback_url", "https://two")])?, base);
    assert_eq!(of(&[("d", "e"), ("a", "bc"), ("data", "UklGRg==")])?, base);
    assert_ne!(of(&[("a", "bd"), ("d", "e")])?, base);
    assert_ne!(of(&[("ab", "c"), ("d", "e")])?, base);
    assert_ne!(of(&[("a", "bc"), ("d", "e"), ("f", "")])?, base);
    let with_query = |query: &[(&str, &str)]| {
        let sent = Sent {
            query: parameters(query),
            ..form(&[("a", "bc"), ("d", "e")])
        };
        digest_of("Form", &sent)
    };
    assert_eq!(with_query(&[("bodySHA256", "x"), ("date", "2026-11-21")])?, base);
    assert_ne!(with_query(&[("plan", "gold")])?, base);
    Ok(())
}

#[test]
fn hashes_every_leaf_of_a_json_body() -> Result<(), Box<dyn std::error::Error>> {
    let of = |body: Value| digest_of("Json", &json_body(&body));
    let base = of(json!({"to": {"callback": "https://one", "name": "x"}, "list": [1, 2], "data": "UklGRg=="}))?;
    assert_eq!(
        of(json!({"list": [1, 2], "to": {"name": "x", "callback": "https://two"}}))?,
        base
    );
    for other in [
        json!({"to": {"name": "y"}, "list": [1, 2]}),
        json!({"to": {"name": "x"}, "list": [2, 1]}),
        json!({"to": {"name": "x"}, "list": [1, 2], "more": null}),
        json!({"to": {"name": "x"}, "list": [1, 2], "more": {}}),
        json!({"to": {"name": "x", "list": [1, 2]}}),
    ] {
        assert_ne!(of(other.clone())?, base, "{other}");
    }
    Ok(())
}
