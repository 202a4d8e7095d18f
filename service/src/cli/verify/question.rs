//! One line of `--batch`: a request with its token and signature, and the verdict on it. Pure; called by `batch`.
//!
//! It is judged as Twilio's own libraries agree to judge it. The URL is taken whole, with user, password and fragment,
//! because that is what the libraries are given. A body is covered by `bodySHA256` or not at all. Whatever is missing or of
//! the wrong kind makes the request invalid and not the line unreadable.

use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use crate::signature::{Candidates, ClaimedSignature, Coverage, Covered, Parameter, Unverified, covering, verify};

/// A request that can be judged, or the reason why it is invalid as it is.
pub struct Question(Result<Request, &'static str>);

struct Request {
    url: String,
    token: SecretString,
    claimed: ClaimedSignature,
    sent: Sent,
}

enum Sent {
    Parameters(Vec<Parameter>),
    Body(String),
}

/// The verdict: valid when there is a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Judged {
    /// The form in which the signature matches.
    pub form: Option<&'static str>,
    /// Why it is valid or not.
    pub reason: &'static str,
}

impl Question {
    /// Reads a line; only what is no JSON object is an error.
    pub fn read(line: &[u8]) -> Result<Self, &'static str> {
        let text = str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
        let object = serde_json::from_str(text)
            .or_else(|error| mend_surrogates(text).map_or(Err(error), |mended| serde_json::from_str(&mended)));
        match object {
            Ok(Value::Object(object)) => Ok(Self(Request::read(&object))),
            Ok(_) => Err("it is not a JSON object"),
            Err(_) => Err("it is not JSON"),
        }
    }

    /// Holds it against its signature.
    #[must_use]
    pub fn judge(self) -> Judged {
        match self.0.and_then(|request| request.judge()) {
            Ok(form) => Judged {
                form: Some(form),
                reason: "matched",
            },
            Err(reason) => Judged { form: None, reason },
        }
    }
}

impl Request {
    fn read(object: &Map<String, Value>) -> Result<Self, &'static str> {
        let text = |name| object.get(name).and_then(Value::as_str);
        let signature = match object.get("signature") {
            None | Some(Value::Null) => Err(Unverified::FindSignature),
            Some(value) => value.as_str().ok_or(Unverified::DecodeSignature),
        };
        let claimed = signature.and_then(|signature| ClaimedSignature::read(std::iter::once(signature.as_bytes())));
        Ok(Self {
            url: text("url").ok_or("url_missing")?.to_owned(),
            // The empty token is everybody's.
            token: text("token")
                .filter(|token| !token.is_empty())
                .ok_or("token_missing")?
                .into(),
            claimed: claimed.map_err(Unverified::category)?,
            sent: read_sent(object)?,
        })
    }

    fn judge(&self) -> Result<&'static str, &'static str> {
        let parsed = Url::parse(&self.url).ok();
        let query = parsed.as_ref().and_then(Url::query);
        let covered = match &self.sent {
            Sent::Parameters(parameters) => Covered::Parameters(parameters),
            Sent::Body(body) => Covered::BodyHash(body.as_bytes()),
        };
        let verified = covering::accepted(Coverage::Strict, query, covered).and_then(|coverings| {
            let urls = Candidates::of_whole(&self.url);
            verify(std::slice::from_ref(&self.token), &urls, &coverings, self.claimed)
        });
        verified
            .map(|verified| verified.form.as_str())
            .map_err(Unverified::category)
    }
}

/// A body decides, unless it is empty and there are parameters.
fn read_sent(object: &Map<String, Value>) -> Result<Sent, &'static str> {
    let parameters = match object.get("params") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(values_by_name)) => read_parameters(values_by_name)?,
        Some(_) => return Err("parameters_malformed"),
    };
    match object.get("body") {
        None | Some(Value::Null) => Ok(Sent::Parameters(parameters)),
        Some(Value::String(body)) if body.is_empty() && !parameters.is_empty() => Ok(Sent::Parameters(parameters)),
        Some(Value::String(body)) => Ok(Sent::Body(body.clone())),
        Some(_) => Err("body_malformed"),
    }
}

fn read_parameters(values_by_name: &Map<String, Value>) -> Result<Vec<Parameter>, &'static str> {
    let mut parameters = Vec::with_capacity(values_by_name.len());
    for (name, values) in values_by_name {
        let values = values.as_array().map_or(std::slice::from_ref(values), Vec::as_slice);
        for value in values {
            parameters.push((name.clone(), read_value(value)?));
        }
    }
    Ok(parameters)
}

fn read_value(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err("parameters_malformed"),
    }
}

/// With the replacement character for each half of a surrogate pair that stands alone: JSON may say such a thing, and most
/// of Twilio's libraries sign it so. None where there is nothing of the kind.
fn mend_surrogates(text: &str) -> Option<String> {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    let mut has_lone = false;
    while let Some(backslash) = rest.find('\\') {
        mended.push_str(&rest[..backslash]);
        rest = &rest[backslash..];
        let pair_bytes = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => Some(12),
            (Some(0xD800..=0xDFFF), _) => None,
            (Some(_), _) => Some(6),
            (None, _) => Some(1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
        };
        has_lone |= pair_bytes.is_none();
        mended.push_str(pair_bytes.map_or("\\ufffd", |bytes| &rest[..bytes]));
        rest = &rest[pair_bytes.unwrap_or(6)..];
    }
    mended.push_str(rest);
    has_lone.then_some(mended)
}

/// The code unit of an escape at the start of a text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::{Value, json};

    use super::{Judged, Question, mend_surrogates};
    use crate::signature::{body_hash, sign};

    const URL: &str = "https://a.example/p";

    fn signed(url: &str, parameters: &[(&str, &str)]) -> String {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        sign(&SecretString::from("12345"), url, &parameters)
    }

    fn judge(question: &Value) -> Result<Judged, &'static str> {
        Question::read(question.to_string().as_bytes()).map(Question::judge)
    }

    fn reason(change: &Value) -> Result<&'static str, &'static str> {
        let mut question = json!({ "url": URL, "token": "12345", "params": {}, "signature": signed(URL, &[]) });
        for (name, value) in change.as_object().ok_or("a change is an object")? {
            question[name] = value.clone();
        }
        judge(&question).map(|judged| judged.reason)
    }

    /// Written by the suite `local::verify`, from the verdicts of Twilio's libraries for Node, Python, Go and Java.
    const AGREED: &str = include_str!("agreed.jsonl");

    #[test]
    fn judges_as_twilios_libraries_agree() -> Result<(), Box<dyn std::error::Error>> {
        let mut judged = 0;
        for line in AGREED.lines() {
            let valid = serde_json::from_str::<Value>(line)?["valid"] == json!(true);
            let verdict = Question::read(line.as_bytes())?.judge();
            assert_eq!(verdict.form.is_some(), valid, "{line}: {verdict:?}");
            judged += 1;
        }
        assert!(judged > 300, "{judged}");
        Ok(())
    }

    #[test]
    fn what_is_missing_or_of_the_wrong_kind_is_invalid_and_not_unreadable() {
        for (change, expected) in [
            (json!({}), "matched"),
            (json!({"params": null}), "matched"),
            (json!({"params": {"a": []}}), "matched"),
            (json!({"body": null}), "matched"),
            (json!({"unknown": 1}), "matched"),
            (json!({"url": null}), "url_missing"),
            (json!({"url": 1}), "url_missing"),
            (json!({"url": ""}), "signature_mismatch"),
            (json!({"token": ""}), "token_missing"),
            (json!({"token": ["12345"]}), "token_missing"),
            (json!({"signature": null}), "signature_missing"),
            (json!({"signature": ""}), "signature_malformed"),
            (json!({"signature": 7}), "signature_malformed"),
            (json!({"signature": ["a"]}), "signature_malformed"),
            (json!({"params": [["a", "1"]]}), "parameters_malformed"),
            (json!({"params": "a=1"}), "parameters_malformed"),
            (json!({"params": {"a": {"b": "1"}}}), "parameters_malformed"),
            (json!({"body": "{}"}), "body_hash_missing"),
            (json!({"body": ""}), "body_hash_missing"),
            (json!({"body": {}}), "body_malformed"),
        ] {
            assert_eq!(reason(&change), Ok(expected), "{change}");
        }
    }

    #[test]
    fn takes_a_value_or_a_list_of_values_for_each_name() {
        let signature = signed(URL, &[("a", "1"), ("a", "2"), ("b", ""), ("c", "5"), ("d", "true")]);
        let params = json!({"d": true, "c": 5, "b": null, "a": ["2", "1", "2"]});
        assert_eq!(
            reason(&json!({"params": params, "signature": signature})),
            Ok("matched")
        );
    }

    #[test]
    fn a_body_is_covered_by_its_hash_alone() {
        let url = format!("{URL}?bodySHA256={}", body_hash(b"{}"));
        let (over_url, over_parameters) = (signed(&url, &[]), signed(&url, &[("a", "1")]));
        for (change, expected) in [
            (json!({"body": "{}", "signature": over_url}), "matched"),
            (json!({"body": "{} ", "signature": over_url}), "body_hash_mismatch"),
            (
                json!({"body": "{}", "params": {"a": "1"}, "signature": over_parameters}),
                "signature_mismatch",
            ),
            (
                json!({"body": "{}", "params": {"a": "1"}, "signature": over_url}),
                "matched",
            ),
            (json!({"params": {"a": "1"}, "signature": over_parameters}), "matched"),
            (
                json!({"params": {"a": "1"}, "signature": over_url}),
                "signature_mismatch",
            ),
        ] {
            let mut change = change;
            change["url"] = json!(url);
            assert_eq!(reason(&change), Ok(expected), "{change}");
        }
    }

    #[test]
    fn reads_halves_of_surrogate_pairs_that_stand_alone() {
        for (text, mended) in [
            (r#"{"a": "\ud800"}"#, Some(r#"{"a": "\ufffd"}"#)),
            (
                r#""\udc00\ud83d\ude00\ud83dx\\ud800""#,
                Some(r#""\ufffd\ud83d\ude00\ufffdx\\ud800""#),
            ),
            (r#""\ud83d\ude00 \u00e9 \\""#, None),
            ("\"\\", None),
        ] {
            assert_eq!(mend_surrogates(text).as_deref(), mended, "{text}");
        }
        assert_eq!(
            Question::read(br#"{"url": "\ud800"}"#)
                .map(Question::judge)
                .map(|judged| judged.form),
            Ok(None)
        );
    }
}
