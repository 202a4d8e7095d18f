//! Judges the answer to a request as Twilio would. Pure; called by `invoke`.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::config::Endpoint;

/// The answer to a request that is not signed as it should be.
const FORGED: u16 = 403;
const ANSWERED: u16 = 200;
const ACCEPTED: u16 = 202;

/// What came back.
pub struct Answer {
    /// When the request was sent.
    pub began: Instant,
    /// How long until all of the answer was there.
    pub took: Duration,
    /// The status.
    pub status: u16,
    /// What the body is said to be.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body, for a person.
    pub fn pretty(&self) -> String {
        pretty(&self.body)
    }
}

/// What is wrong with the answer, as Twilio would see it.
pub fn judge_answer(endpoint: &Endpoint, forged: bool, answer: &Answer) -> Option<String> {
    let is_json = answer.content_type.as_deref() == Some("application/json");
    let expected = match (forged, endpoint.integration.is_asynchronous()) {
        (true, _) => FORGED,
        (false, true) => ACCEPTED,
        (false, false) => ANSWERED,
    };
    let error_code = answer
        .json()
        .and_then(|json| json["error_code"].as_str().map(str::to_owned));
    match (answer.status == expected, expected, error_code) {
        (false, _, Some(code)) => Some(format!("the status is {} ({code}), not {expected}", answer.status)),
        (false, _, None) => Some(format!("the status is {}, not {expected}", answer.status)),
        (true, ACCEPTED, _) if !answer.body.is_empty() => Some("a request accepted for later has no body".to_owned()),
        (true, ANSWERED, _) if !is_json => Some("the answer is not application/json".to_owned()),
        (true, ANSWERED, _) if !answer.json().is_some_and(|json| json.is_object()) => {
            Some("the answer is not a JSON object".to_owned())
        }
        // A number that nobody knows is answered as well as one that is known.
        (true, ANSWERED, Some(code)) if code != "not_found" => Some(format!("the request was refused: {code}")),
        (true, ..) => None,
    }
}

/// What a local try most often lacks.
pub fn hint(problem: String, answer: &Answer) -> String {
    match answer.json().as_ref().and_then(|json| json["error_code"].as_str()) {
        Some("callback_not_allowed") => format!(
            "{problem}; for a local try set spec.callbacks to {{allowedHosts: [127.0.0.1], allowInsecure: true}}"
        ),
        Some("unverified") => format!(
            "{problem}; is the service's AUTH_TOKEN the one in --secrets, and its publicUrl the one in the manifest?"
        ),
        _ => problem,
    }
}

/// JSON as it is easily read; anything else as it is.
pub fn pretty(body: &[u8]) -> String {
    serde_json::from_slice::<Value>(body)
        .and_then(|json| serde_json::to_string_pretty(&json))
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned())
}
