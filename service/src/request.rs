//! Decides what the fields of a request are, in each of the encodings, and which of them the endpoint means. Pure: called by
//! `server` for the parameters that a signature covers, and by `admission` for the endpoint's own names.

use std::collections::BTreeSet;

use marketplace_crds::endpoint::Fields;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::signature::Parameter;

/// The fields of a request under our names. A field that is empty counts as one that is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The phone number that is asked about.
    pub phone_number: Option<String>,
    /// The other party's.
    pub secondary_phone_number: Option<String>,
    /// The text of a message.
    pub body: Option<String>,
    /// Where the result goes.
    pub callback: Option<String>,
}

/// Why fields are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFields {
    /// A mapped field has two values. The signature does not cover their order, so neither is the right one.
    #[error("failed to choose between two values of a field")]
    ChooseValue,
    /// The body is no JSON object.
    #[error("failed to read the body as a JSON object")]
    ReadJson,
}

/// The pairs of a query or of a form body, decoded.
#[must_use]
pub fn pairs(encoded: &[u8]) -> Vec<Parameter> {
    form_urlencoded::parse(encoded)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// The members of a JSON object as pairs. What has no one text form (null, lists, objects) is passed over: it may be a
/// parameter that Twilio has added, and no field is mapped to it.
pub fn members(json: &[u8]) -> Result<Vec<Parameter>, ReadFields> {
    let Ok(Value::Object(object)) = serde_json::from_slice(json) else {
        return Err(ReadFields::ReadJson);
    };
    let text = |value| match value {
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    Ok(object
        .into_iter()
        .filter_map(|(name, value)| Some((name, text(value)?)))
        .collect())
}

/// Picks the endpoint's fields. Every other parameter is left alone: Twilio adds new ones without notice.
pub fn map(fields: &Fields, parameters: &[Parameter]) -> Result<Mapped, ReadFields> {
    let Fields {
        phone_number,
        secondary_phone_number,
        body,
        audio: _,
        callback,
    } = fields;
    let value = |name: &Option<String>| match name {
        Some(name) => only_value(name, parameters),
        None => Ok(None),
    };
    Ok(Mapped {
        phone_number: value(phone_number)?.map(plain_phone_number),
        secondary_phone_number: value(secondary_phone_number)?.map(plain_phone_number),
        body: value(body)?.map(str::to_owned),
        callback: value(callback)?.map(str::to_owned),
    })
}

/// The hash over every signed field but the callback, each delimited: another hash under the same request SID is another
/// request. The callback differs by right when Twilio repeats a request.
#[must_use]
pub fn digest(fields: &Fields, parameters: &[Parameter]) -> String {
    let compared: BTreeSet<&Parameter> = parameters
        .iter()
        .filter(|(name, _)| Some(name) != fields.callback.as_ref())
        .collect();
    let mut hash = Sha256::new();
    for (name, value) in compared {
        for text in [name, value] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
    }
    hex::encode(hash.finalize())
}

fn only_value<'a>(name: &str, parameters: &'a [Parameter]) -> Result<Option<&'a str>, ReadFields> {
    let mut values = parameters
        .iter()
        .filter(|(given, _)| given == name)
        .map(|(_, value)| value.as_str());
    let first = values.next();
    if values.any(|value| Some(value) != first) {
        return Err(ReadFields::ChooseValue);
    }
    Ok(first.filter(|value| !value.is_empty()))
}

/// A plus sign that nobody percent-encoded arrives as a blank: `phone=+1415` is read as ` 1415`.
fn plain_phone_number(sent: &str) -> String {
    let number = sent.trim();
    let lost_plus = sent.starts_with(' ') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if lost_plus {
        format!("+{number}")
    } else {
        number.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Mapped, ReadFields, digest, map, members, pairs};
    use crate::signature::Parameter;
    use marketplace_crds::endpoint::Fields;

    fn fields() -> Fields {
        Fields {
            phone_number: Some("phone".to_owned()),
            secondary_phone_number: None,
            body: Some("message".to_owned()),
            audio: None,
            callback: Some("callback_url".to_owned()),
        }
    }

    fn parameters(pairs: &[(&str, &str)]) -> Vec<Parameter> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn picks_the_publishers_own_names_and_leaves_the_rest_alone() {
        let sent = parameters(&[
            ("phone", "+14155551212"),
            ("message", " hi "),
            ("added", "later"),
            ("callback_url", ""),
        ]);
        let expected = Mapped {
            phone_number: Some("+14155551212".to_owned()),
            body: Some(" hi ".to_owned()),
            ..Mapped::default()
        };
        assert_eq!(map(&fields(), &sent), Ok(expected));
        assert_eq!(map(&fields(), &[]), Ok(Mapped::default()));
    }

    #[test]
    fn reads_a_phone_number_whose_plus_sign_was_not_encoded() {
        for (query, expected) in [
            ("phone=%2B14155551212", "+14155551212"),
            ("phone=+14155551212", "+14155551212"),
            ("phone=14155551212", "14155551212"),
            ("phone=%2B14155551212%20", "+14155551212"),
            ("phone=+alice", "alice"),
            ("phone=sip%3Aalice%40example.com", "sip:alice@example.com"),
        ] {
            let mapped = map(&fields(), &pairs(query.as_bytes())).map(|mapped| mapped.phone_number);
            assert_eq!(mapped, Ok(Some(expected.to_owned())), "{query}");
        }
    }

    #[test]
    fn chooses_no_value_where_a_mapped_field_has_two() {
        for (query, expected) in [
            ("phone=1&phone=2", Err(ReadFields::ChooseValue)),
            ("phone=1&phone=", Err(ReadFields::ChooseValue)),
            ("phone=1&phone=1", Ok(Some("1".to_owned()))),
            ("added=1&added=2&phone=1", Ok(Some("1".to_owned()))),
        ] {
            let mapped = map(&fields(), &pairs(query.as_bytes())).map(|mapped| mapped.phone_number);
            assert_eq!(mapped, expected, "{query}");
        }
    }

    #[test]
    fn reads_the_members_of_a_json_object_that_are_texts() {
        let cases = [
            (
                r#"{"phone":"+1415","n":3,"yes":true}"#,
                Ok(parameters(&[("n", "3"), ("phone", "+1415"), ("yes", "true")])),
            ),
            (r#"{"phone":null,"list":[1],"object":{}}"#, Ok(vec![])),
            ("[]", Err(ReadFields::ReadJson)),
            ("", Err(ReadFields::ReadJson)),
            ("{", Err(ReadFields::ReadJson)),
        ];
        for (json, expected) in cases {
            let read = members(json.as_bytes()).map(|mut read| {
                read.sort();
                read
            });
            assert_eq!(read, expected, "{json}");
        }
    }

    #[test]
    fn hashes_every_field_but_the_callback_with_their_delimiters() {
        let base = digest(
            &fields(),
            &parameters(&[("a", "bc"), ("d", "e"), ("callback_url", "https://one")]),
        );
        let cases = [
            (
                "another callback",
                &[("a", "bc"), ("d", "e"), ("callback_url", "https://two")][..],
                true,
            ),
            ("another order", &[("d", "e"), ("a", "bc")], true),
            ("another value", &[("a", "bd"), ("d", "e")], false),
            ("a moved delimiter", &[("ab", "c"), ("d", "e")], false),
            ("a field more", &[("a", "bc"), ("d", "e"), ("f", "")], false),
        ];
        for (name, sent, same) in cases {
            assert_eq!(digest(&fields(), &parameters(sent)) == base, same, "{name}");
        }
    }
}
