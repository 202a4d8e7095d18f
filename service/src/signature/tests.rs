//! The vectors that Twilio publishes, and what must not verify.

use super::{
    Candidates, ClaimedSignature, Coverage, Covered, EndpointUrl, Form, Parameter, Port, Spellings, Unverified,
    Verified, body_hash, covering, sign, verify,
};
use secrecy::SecretString;

fn parameters(pairs: &[(&str, &str)]) -> Vec<Parameter> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn call(number: &str, digits: &str) -> Vec<Parameter> {
    parameters(&[
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", number),
        ("Digits", digits),
        ("From", number),
        ("To", "+18005551212"),
    ])
}

fn tokens(texts: &[&str]) -> Vec<SecretString> {
    texts.iter().map(|text| SecretString::from(*text)).collect()
}

struct Case<'a> {
    tokens: &'a [&'a str],
    public_url: &'a str,
    query: Option<&'a str>,
    covered: Covered<'a>,
    signature: &'a str,
}

impl Case<'_> {
    fn verify(&self) -> Result<Verified, Unverified> {
        let url = EndpointUrl::new(self.public_url, "/myapp.php").map_err(|_| Unverified::MatchSignature)?;
        let claimed = ClaimedSignature::read(std::iter::once(self.signature.as_bytes()))?;
        let coverings = covering::accepted(Coverage::Strict, self.query, self.covered)?;
        let candidates = Candidates::of_endpoint(&url, self.query, &Spellings::default());
        verify(&tokens(self.tokens), &candidates, &coverings, claimed)
    }
}

#[test]
fn signs_as_the_published_examples_do() {
    let token = SecretString::from("12345");
    let sdk = sign(
        &token,
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        &call("+14158675309", "1234"),
    );
    assert_eq!(sdk, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    let manual = sign(
        &token,
        "https://example.com/myapp.php?foo=1&bar=2",
        &call("+14158675310", "1234"),
    );
    assert_eq!(manual, "L/OH5YylLD5NRKLltdqwSvS0BnU=");
}

#[test]
fn accepts_the_published_example_in_either_form_of_the_port() {
    let call = call("+14158675309", "1234");
    let sign_port = sign(
        &SecretString::from("12345"),
        "https://mycompany.com:443/myapp.php?foo=1&bar=2",
        &call,
    );
    let cases = [
        ("https://mycompany.com", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", Port::Absent),
        (
            "https://mycompany.com:443",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
            Port::Absent,
        ),
        (
            "https://user:secret@mycompany.com",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
            Port::Absent,
        ),
        ("https://mycompany.com", &sign_port, Port::Present),
    ];
    for (public_url, signature, port) in cases {
        let query = Some("foo=1&bar=2");
        let case = Case {
            tokens: &["12345"],
            public_url,
            query,
            covered: Covered::Parameters(&call),
            signature,
        };
        let form = Form::as_received(port);
        let verified = case
            .verify()
            .map(|Verified { form, token_index, .. }| (form, token_index));
        assert_eq!(verified, Ok((form, 0)), "{public_url}");
    }
}

#[test]
fn says_which_of_the_tokens_signed() {
    let call = call("+14158675309", "1234");
    for (tokens, expected) in [
        (&["12345"][..], Ok(0)),
        (&["other", "12345"], Ok(1)),
        (&["12345", "other"], Ok(0)),
        (&["12345", "12345"], Ok(0)),
        (&["other", "another"], Err(Unverified::MatchSignature)),
        (&[], Err(Unverified::MatchSignature)),
    ] {
        let case = Case {
            tokens,
            public_url: "https://mycompany.com",
            query: Some("foo=1&bar=2"),
            covered: Covered::Parameters(&call),
            signature: "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        };
        assert_eq!(
            case.verify().map(|verified| verified.token_index),
            expected,
            "{tokens:?}"
        );
    }
}

#[test]
fn refuses_a_request_that_differs_from_the_signed_one() {
    let genuine = call("+14158675309", "1234");
    let other_digits = call("+14158675309", "1235");
    let fewer = &genuine[1..];
    let cases = [
        (
            "another host",
            "https://mycompany.org",
            Some("foo=1&bar=2"),
            genuine.as_slice(),
        ),
        ("another scheme", "http://mycompany.com", Some("foo=1&bar=2"), &genuine),
        (
            "another path",
            "https://mycompany.com/app",
            Some("foo=1&bar=2"),
            &genuine,
        ),
        ("another query", "https://mycompany.com", Some("foo=1&bar=3"), &genuine),
        (
            "another order of the query",
            "https://mycompany.com",
            Some("bar=2&foo=1"),
            &genuine,
        ),
        ("no query", "https://mycompany.com", None, &genuine),
        (
            "another value",
            "https://mycompany.com",
            Some("foo=1&bar=2"),
            &other_digits,
        ),
        (
            "a missing parameter",
            "https://mycompany.com",
            Some("foo=1&bar=2"),
            fewer,
        ),
        ("no parameters", "https://mycompany.com", Some("foo=1&bar=2"), &[]),
    ];
    for (name, public_url, query, parameters) in cases {
        let case = Case {
            tokens: &["12345"],
            public_url,
            query,
            covered: Covered::Parameters(parameters),
            signature: "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        };
        assert_eq!(case.verify(), Err(Unverified::MatchSignature), "{name}");
    }
}

#[test]
fn sorts_names_by_bytes_and_repeats_a_name_with_each_different_value() {
    let token = SecretString::from("12345");
    let url = "https://mycompany.com/myapp.php";
    let expected = sign(&token, &format!("{url}B2a1Sidsa1Sidsa2Sidsb1z3é4"), &[]);
    let sent = parameters(&[
        ("é", "4"),
        ("z", "3"),
        ("Sids", "b1"),
        ("Sids", "a2"),
        ("Sids", "a1"),
        ("Sids", "a2"),
        ("a", "1"),
        ("B", "2"),
    ]);
    let reordered: Vec<_> = sent.iter().rev().cloned().collect();
    assert_eq!(sign(&token, url, &sent), sign(&token, url, &reordered));
    assert_eq!(
        super::signed_text(url, &sent),
        format!("{url}B2Sidsa1Sidsa2Sidsb1a1z3é4").into_bytes()
    );
    assert_ne!(sign(&token, url, &sent), expected);
}

#[test]
fn holds_a_body_against_its_hash_in_the_query() {
    let token = SecretString::from("12345");
    let body = br#"{"phone":"+14155551212"}"#;
    let hash = body_hash(body);
    let signed = |query: &str| sign(&token, &format!("https://mycompany.com/myapp.php?{query}"), &[]);
    let query = format!("a=1&bodySHA256={hash}");
    let upper = format!("a=1&bodySHA256={}", hash.to_uppercase());
    let twice = format!("bodySHA256={hash}&bodySHA256={hash}");
    let then_another = format!("bodySHA256={hash}&bodySHA256={}", body_hash(b"{}"));
    let another_first = format!("bodySHA256={}&bodySHA256={hash}", body_hash(b"{}"));
    let cases = [
        ("its own hash", query.as_str(), &body[..], Ok(0)),
        ("another body", &query, b"{}", Err(Unverified::MatchBodyHash)),
        ("upper case", &upper, body, Err(Unverified::MatchBodyHash)),
        ("an empty hash", "bodySHA256=", body, Err(Unverified::MatchBodyHash)),
        ("no hash", "a=1", body, Err(Unverified::FindBodyHash)),
        ("the same hash twice", &twice, body, Ok(0)),
        ("another hash behind it", &then_another, body, Ok(0)),
        (
            "another hash before it",
            &another_first,
            body,
            Err(Unverified::MatchBodyHash),
        ),
    ];
    for (name, query, body, expected) in cases {
        let signature = signed(query);
        let case = Case {
            tokens: &["12345"],
            public_url: "https://mycompany.com",
            query: Some(query),
            covered: Covered::BodyHash(body),
            signature: &signature,
        };
        assert_eq!(case.verify().map(|verified| verified.token_index), expected, "{name}");
    }
}

#[test]
fn never_takes_parameters_in_place_of_a_body_hash() {
    // Signed over the parameters, which an SDK that is handed both accepts without looking at the hash.
    let sent = parameters(&[("phone", "+14155551212")]);
    let query = format!("bodySHA256={}", body_hash(b"the genuine body"));
    let signature = sign(
        &SecretString::from("12345"),
        &format!("https://mycompany.com/myapp.php?{query}"),
        &sent,
    );
    let case = Case {
        tokens: &["12345"],
        public_url: "https://mycompany.com",
        query: Some(&query),
        covered: Covered::BodyHash(b"the genuine body"),
        signature: &signature,
    };
    assert_eq!(case.verify(), Err(Unverified::MatchSignature));
}

#[test]
fn refuses_a_header_that_is_no_signature() {
    let cases: [(&[&[u8]], Unverified); 7] = [
        (&[], Unverified::FindSignature),
        (&[b""], Unverified::DecodeSignature),
        (&[b"FmjGtQSFzFYXtmA9"], Unverified::DecodeSignature),
        (&[b"RSOYDt4T1cUTdK1PDd93/VVr8B8"], Unverified::DecodeSignature),
        (&[b" RSOYDt4T1cUTdK1PDd93/VVr8B8="], Unverified::DecodeSignature),
        (&[b"RSOYDt4T1cUTdK1PDd93/VVr8B9="], Unverified::DecodeSignature),
        (
            &[b"RSOYDt4T1cUTdK1PDd93/VVr8B8=", b"RSOYDt4T1cUTdK1PDd93/VVr8B8="],
            Unverified::DecodeSignature,
        ),
    ];
    for (values, expected) in cases {
        assert_eq!(
            ClaimedSignature::read(values.iter().copied()),
            Err(expected),
            "{values:?}"
        );
    }
}
