//! Each known mistake is made once, and named.

use secrecy::SecretString;

use super::Inquiry;
use crate::signature::{ClaimedSignature, Parameter, Unverified, body_hash, sign};

const URL: &str = "https://a.example/insights/sms?a=1&b=it%27s%20x";

fn parameters() -> Vec<Parameter> {
    [("From", "+1415 5551212"), ("Body", "hi"), ("Body", "ho")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

fn inquiry(url: &str, signed: &str, over: &[Parameter]) -> Inquiry {
    let token = SecretString::from("12345");
    let signature = sign(&token, signed, over);
    Inquiry {
        claimed: ClaimedSignature::read(std::iter::once(signature.as_bytes())),
        tokens: vec![token],
        url: url.to_owned(),
        also_urls: vec!["https://b.example/sms".to_owned()],
        parameters: parameters(),
        body: None,
    }
}

fn told(inquiry: &Inquiry) -> String {
    let explained = inquiry.explain();
    assert!(explained.verified.is_err(), "{:?}", explained.causes);
    explained.causes.join("\n")
}

#[test]
fn a_valid_request_has_no_cause_and_its_user_is_not_signed() {
    for given in [
        URL.to_owned(),
        URL.replace("://", "://user:word@"),
        format!("{URL}#top"),
    ] {
        let explained = inquiry(&given, URL, &parameters()).explain();
        assert!(explained.verified.is_ok() && explained.causes.is_empty(), "{given}");
    }
}

#[test]
fn names_what_happened_to_the_url() {
    for (signed, word) in [
        (URL.replace("https", "http"), "scheme that was signed is http"),
        (URL.replace("a.example", "www.a.example"), "www."),
        (
            URL.replace("a.example", "a.example:8443"),
            "port that was signed is 8443",
        ),
        (URL.replace("/sms?", "/sms/?"), "has a slash at its end"),
        (URL.replace("/insights", ""), "lacks /insights"),
        (URL.replace("?a=1&b=it%27s%20x", ""), "query was added"),
        (URL.replace("%20", "+"), "with + where %20"),
        (
            URL.replace("a=1&b=it%27s%20x", "b=it%27s%20x&a=1"),
            "signature.urlTemplate",
        ),
        (URL.replace("a=1&", ""), "parameter a of the query was added"),
        (
            "https://b.example/sms".to_owned(),
            "its host or port and path and query are another",
        ),
        (format!("{URL}#top"), "something else signed"),
    ] {
        let given = if signed.contains('#') { signed.as_str() } else { URL };
        let told = told(&inquiry(given, &signed, &parameters()));
        assert!(told.contains(word), "{signed}: {told}");
    }
}

#[test]
fn names_what_happened_to_the_parameters() {
    let all = parameters();
    let with = |value: &str| {
        let mut changed = parameters();
        value.clone_into(&mut changed[0].1);
        changed
    };
    for (over, word) in [
        (vec![], "covers the URL alone"),
        (all[1..].to_vec(), "parameter From was added"),
        (all[..2].to_vec(), "only the first value"),
        (with("+1415 5551212 "), "value of From were trimmed"),
        (with("+1415+5551212"), "with + where a blank"),
        (with(" 1415 5551212"), "with a blank where +"),
    ] {
        let told = told(&inquiry(URL, URL, &over));
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn names_what_happened_to_the_body() {
    let signed = "{\"b\":1,\"a\":[\"x\"]}";
    let url = format!("https://a.example/p?bodySHA256={}", body_hash(signed.as_bytes()));
    for (body, word) in [
        (format!("{signed}\n"), "line end was added"),
        (r#"{"c":1}"#.to_owned(), "another body's"),
    ] {
        let mut inquiry = inquiry(&url, &url, &[]);
        inquiry.body = Some(body.clone().into_bytes());
        let told = told(&inquiry);
        assert!(told.contains(word), "{body}: {told}");
    }
    let mut inquiry = inquiry(URL, URL, &[]);
    inquiry.body = Some(b"{}".to_vec());
    assert_eq!(inquiry.explain().verified, Err(Unverified::FindBodyHash));
    assert!(told(&inquiry).contains("no bodySHA256"));
}

#[test]
fn does_not_guess_where_nothing_matches() {
    let mut inquiry = inquiry(URL, URL, &parameters());
    inquiry.tokens = vec![SecretString::from("another")];
    assert_eq!(told(&inquiry), "");
}
