//! The ways in which a body comes to differ from the one whose hash was signed. Pure; called by `causes`.

use serde_json::Value;

use super::{Suspicion, query};
use crate::signature::covering::parameters_text;
use crate::signature::{BODY_HASH_PARAMETER, body_hash};

/// For a body under another's hash.
pub fn suspicions(body: &[u8], url: &str) -> Vec<Suspicion> {
    let hash = query(url).and_then(|query| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find_map(|(name, value)| (name == BODY_HASH_PARAMETER).then(|| value.into_owned()))
    });
    let hash = hash.unwrap_or_default();
    let cause = variants(body)
        .into_iter()
        .find(|(_, variant)| body_hash(variant) == hash)
        .map_or_else(|| unknown(&hash, body), |(cause, _)| cause);
    vec![over_url(cause, url)]
}

/// For a body without a hash in the query.
pub fn without_hash(body: &[u8], url: &str) -> Vec<Suspicion> {
    let parameters: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
    vec![
        over_url(
            "the query has no bodySHA256, and the signature covers the URL alone: the body is not proven to be Twilio's (signature.mode UrlOnly accepts that)",
            url,
        ),
        Suspicion {
            cause: "the body is a form: give its parameters with --param, and register the endpoint's encoding as Form"
                .to_owned(),
            url: url.to_owned(),
            text: parameters_text(&parameters),
        },
    ]
}

fn unknown(hash: &str, body: &[u8]) -> &'static str {
    if hash.eq_ignore_ascii_case(&body_hash(body)) {
        "bodySHA256 is in upper case, and the signature of the URL is genuine: something on the way rewrote the query"
    } else {
        "the signature of the URL is genuine, and bodySHA256 is another body's: keep the bytes of the body as they come, before anything parses them"
    }
}

fn variants(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut variants = vec![
        (
            "a line end was added to the body after it was signed",
            body.trim_ascii_end().to_vec(),
        ),
        (
            "the line end of the body was cut off after it was signed",
            [body, b"\n"].concat(),
        ),
        ("the body was lost: the one that was signed is empty", Vec::new()),
        ("the body was lost: the one that was signed is {}", b"{}".to_vec()),
    ];
    if let Ok(parsed) = serde_json::from_slice::<Value>(body) {
        let cause = "the body was parsed and written again: keep its bytes as they come";
        variants.push((cause, parsed.to_string().into_bytes()));
        variants.extend(serde_json::to_vec_pretty(&parsed).ok().map(|pretty| (cause, pretty)));
        variants.push((cause, spaced(&parsed).into_bytes()));
    }
    variants
}

/// As Python's `json.dumps` writes it.
fn spaced(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), spaced(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

fn over_url(cause: &str, url: &str) -> Suspicion {
    Suspicion {
        cause: cause.to_owned(),
        url: url.to_owned(),
        text: Vec::new(),
    }
}
