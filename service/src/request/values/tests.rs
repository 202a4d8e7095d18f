//! One value, from each place that a resource may name, in each encoding.

use serde_json::json;

use super::super::tests::parameters;
use super::*;

fn sent(body: SentBody) -> Sent {
    Sent {
        query: parameters(&[("phone", "from the query"), ("apikey", "k3y")]),
        body,
        headers: parameters(&[("x-phone", "from a header")]),
    }
}

#[test]
fn finds_a_value_wherever_the_resource_says() -> Result<(), ReadFields> {
    let body = json!({"phone": "from the body", "contact": {"number": "nested", "a/b": 7, "yes": true}, "list": ["x"]});
    let get = sent(SentBody::Nothing);
    let form = sent(SentBody::Parameters(parameters(&[
        ("phone", "from the body"),
        ("/phone", "x"),
    ])));
    let json = sent(SentBody::Bytes(body.to_string().into()));
    for (sent, source, expected) in [
        (&get, "phone", Some("from the query")),
        (&get, "header:X-Phone", Some("from a header")),
        (&get, "header:X-Other", None),
        (&form, "phone", Some("from the body")),
        (&form, "apikey", None),
        (&form, "query:phone", Some("from the query")),
        (&form, "query:apikey", Some("k3y")),
        (&form, "header:x-phone", Some("from a header")),
        (&json, "phone", Some("from the body")),
        (&json, "query:phone", Some("from the query")),
        (&json, "/contact/number", Some("nested")),
        (&json, "/contact/a~1b", Some("7")),
        (&json, "/contact/yes", Some("true")),
        (&json, "/list/0", Some("x")),
        (&json, "/contact", None),
        (&json, "/list", None),
        (&json, "contact", None),
        (&json, "/nothing/here", None),
        (&json, "apikey", None),
    ] {
        let values = Values::read(sent)?;
        assert_eq!(
            values.get(&Source::parse(source))?.as_deref(),
            expected,
            "{source} of {:?}",
            sent.body
        );
    }
    Ok(())
}

#[test]
fn chooses_no_value_where_there_are_two() -> Result<(), ReadFields> {
    for (pairs, expected) in [
        (&[("phone", "1"), ("phone", "2")][..], Err(ReadFields::ChooseValue)),
        (&[("phone", "1"), ("phone", "")], Err(ReadFields::ChooseValue)),
        (&[("phone", "1"), ("phone", "1")], Ok(Some("1"))),
        (&[("added", "1"), ("added", "2"), ("phone", "1")], Ok(Some("1"))),
        (&[("phone", "")], Ok(None)),
    ] {
        let pairs = parameters(pairs);
        let sent = Sent {
            query: pairs.clone(),
            body: SentBody::Parameters(pairs.clone()),
            headers: pairs,
        };
        let values = Values::read(&sent)?;
        for source in ["phone", "query:phone", "header:phone"] {
            let found = values.get(&Source::parse(source));
            assert_eq!(
                found.as_ref().map(Option::as_deref),
                expected.as_ref().map(|value| *value),
                "{source}"
            );
        }
    }
    Ok(())
}

#[test]
fn takes_a_json_object_alone_for_a_body() {
    for body in ["[]", "", "{", "+14155551212", "null"] {
        let sent = sent(SentBody::Bytes(body.into()));
        assert_eq!(Values::read(&sent).err(), Some(ReadFields::ReadJson), "{body}");
    }
}
