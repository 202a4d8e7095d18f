//! The only file that knows status codes: what Twilio is answered, for every way in which a request can end.
//!
//! | The request is | Answer | Because Twilio |
//! | --- | --- | --- |
//! | answered | 200 and the JSON | |
//! | accepted for later | 202, empty | waits for the callback |
//! | genuine, but refused | 200 and an error JSON | counts every 4xx and 5xx against the publisher |
//! | not verified | 403 | never sent it |
//! | verified, without the password of its endpoint | 401 | repeats it with the password |
//! | one that we cannot serve now | 503 | tries a 5xx again, and a 4xx never |
//!
//! No other status leaves this service: 429 is not one that Twilio's webhooks understand, a redirect loses the parameters,
//! and an answer is never compressed and always has a `Content-Length`, because Twilio takes an empty chunked one for an
//! error. What the HTTP library refuses by itself, before there is a request that could be verified (a head it cannot
//! parse, or one beyond the limits), is answered with `UNPARSED`; but for a head of HTTP/2 that is larger than `headBytes`,
//! which the library answers with 431 without a word to us. The words for what went wrong are listed in `reasons`.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode, Version};
use memchr::memmem;
use serde_json::json;

use crate::admission::Refusal;

pub use crate::handler::ANSWER_LIMIT_BYTES;

/// How Twilio is asked for the password.
const CHALLENGE: &str = "Basic realm=\"add-on\"";

/// What is answered to bytes that never became a request: 403, as to everything that is not proven to be Twilio's.
pub const UNPARSED: &[u8] = concat!(
    "HTTP/1.1 403 Forbidden\r\n",
    "content-type: application/json\r\n",
    "content-length: 81\r\n",
    "connection: close\r\n\r\n",
    r#"{"error_code":"unverified","message":"the request cannot be read","results":null}"#
)
.as_bytes();

/// How the HTTP library refuses a request by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryRefusal {
    /// No HTTP.
    Unreadable,
    /// A target that is too long.
    TargetTooLong,
    /// Too large, or with too many headers: the library does not tell which.
    BeyondLimits,
}

/// The first lines of the answers that the HTTP library gives by itself. No answer of ours has them, and no JSON has a bare
/// line end, so that they are found in nothing else.
const LIBRARY_REFUSALS: [(&str, LibraryRefusal); 3] = [
    ("HTTP/1.1 400 Bad Request\r\n", LibraryRefusal::Unreadable),
    ("HTTP/1.1 414 URI Too Long\r\n", LibraryRefusal::TargetTooLong),
    (
        "HTTP/1.1 431 Request Header Fields Too Large\r\n",
        LibraryRefusal::BeyondLimits,
    ),
];

/// What all of them begin with.
const LIBRARY_REFUSAL_START: &[u8] = b"HTTP/1.1 4";

/// Made once: making it takes longer than one search.
static LIBRARY_REFUSAL_FINDER: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(LIBRARY_REFUSAL_START));

/// How a request ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Answered at once, with this JSON.
    Answered(String),
    /// Safe with us; the result will be sent to the callback.
    Accepted,
    /// Genuine, and refused.
    Refused(Refusal),
    /// Not proven to be Twilio's.
    Unverified(Reason),
    /// Twilio's, and without the password: it is sent when it is asked for.
    Challenged,
    /// Not now.
    Unavailable(Reason),
}

/// The one word that logs and metrics give as the reason, one of those in `reasons`. The sender of a request that is not
/// verified is never told it.
pub type Reason = &'static str;

impl Verdict {
    /// Every label.
    pub const LABELS: [&str; 6] = [
        "answered",
        "accepted",
        "refused",
        "unverified",
        "challenged",
        "unavailable",
    ];

    /// The label of the metrics.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::Unverified(_) => "unverified",
            Self::Challenged => "challenged",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The word for the log, where something was not as it should be.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Answered(_) | Self::Accepted | Self::Challenged => None,
            Self::Refused(refusal) => Some(refusal.error_code()),
            Self::Unverified(reason) | Self::Unavailable(reason) => Some(reason),
        }
    }

    /// The answer on the wire.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        match self {
            Self::Answered(body) if body.len() > ANSWER_LIMIT_BYTES => {
                Self::Refused(Refusal::AnswerTooLarge).into_response()
            }
            Self::Answered(body) => respond(StatusCode::OK, body),
            Self::Accepted => empty(StatusCode::ACCEPTED),
            Self::Refused(refusal) => respond(StatusCode::OK, error_json(refusal.error_code(), refusal.message())),
            Self::Unverified(_) => respond(
                StatusCode::FORBIDDEN,
                error_json("unverified", "the request is not signed for this add-on"),
            ),
            Self::Challenged => {
                let message = "the request must be repeated with the name and the password of this endpoint";
                let mut response = respond(StatusCode::UNAUTHORIZED, error_json("password_required", message));
                let challenge = HeaderValue::from_static(CHALLENGE);
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                response
            }
            Self::Unavailable(_) => respond(
                StatusCode::SERVICE_UNAVAILABLE,
                error_json(
                    "unavailable",
                    "this add-on cannot answer now; the request may be repeated",
                ),
            ),
        }
    }
}

/// The same answer, after which the connection ends: part of the request was not read. Not in HTTP/2, where the rest of one
/// request does not stand in the way of the next.
#[must_use]
pub fn closing(mut response: Response<Body>, version: Version) -> Response<Body> {
    if version != Version::HTTP_2 {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The same as [`UNPARSED`] for a request that could be parsed and is beyond the limits.
#[must_use]
pub fn unparsed() -> Response<Body> {
    respond(
        StatusCode::FORBIDDEN,
        error_json("unverified", "the request cannot be read"),
    )
}

/// Whether this answers a request that is not proven to be Twilio's.
#[must_use]
pub fn is_unverified(response: &Response<Body>) -> bool {
    response.status() == StatusCode::FORBIDDEN
}

/// Where in what is about to be sent the HTTP library refuses a request by itself, and how.
#[must_use]
pub fn find_library_refusal(bytes: &[u8]) -> Option<(usize, LibraryRefusal)> {
    // One fast search for what all of them begin with: this runs over every byte that is ever answered.
    LIBRARY_REFUSAL_FINDER.find_iter(bytes).find_map(|start| {
        let found = &bytes[start..];
        let mut known = LIBRARY_REFUSALS.iter();
        let refusal = known.find(|(line, _)| found.starts_with(line.as_bytes()))?;
        Some((start, refusal.1))
    })
}

/// The shape of the example add-ons' answers, with a sentence for a person.
fn error_json(error_code: &str, message: &str) -> String {
    json!({ "results": null, "error_code": error_code, "message": message }).to_string()
}

/// How long the body is, is written by the HTTP library, which knows it.
fn respond(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::{HttpBody as _, to_bytes};
    use axum::http::HeaderValue;
    use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING, WWW_AUTHENTICATE};
    use serde_json::{Value, json};

    use super::{ANSWER_LIMIT_BYTES, UNPARSED, Verdict, unparsed};
    use crate::admission::Refusal;

    async fn on_the_wire(verdict: Verdict) -> Result<(u16, Option<String>, String), axum::Error> {
        let response = verdict.into_response();
        assert!(
            !response.headers().contains_key(TRANSFER_ENCODING) && !response.headers().contains_key(CONTENT_ENCODING)
        );
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, length) = (response.status().as_u16(), response.body().size_hint().exact());
        let body = to_bytes(response.into_body(), usize::MAX).await?;
        assert_eq!(length, Some(body.len() as u64));
        Ok((status, kind, String::from_utf8_lossy(&body).into_owned()))
    }

    #[tokio::test]
    async fn an_answer_is_200_with_its_json() -> Result<(), axum::Error> {
        let answer =
            json!({"phone_number": "+14155551212", "results": {"name": "Ada"}, "error_code": null}).to_string();
        let (status, kind, body) = on_the_wire(Verdict::Answered(answer.clone())).await?;
        assert_eq!((status, kind.as_deref()), (200, Some("application/json")));
        assert_eq!(body, answer);
        Ok(())
    }

    #[tokio::test]
    async fn an_accepted_request_is_202_without_a_body() -> Result<(), axum::Error> {
        assert_eq!(on_the_wire(Verdict::Accepted).await?, (202, None, String::new()));
        Ok(())
    }

    #[tokio::test]
    async fn every_refusal_is_200_with_its_own_error_code() -> Result<(), Box<dyn std::error::Error>> {
        let mut codes = std::collections::HashSet::new();
        for refusal in Refusal::ALL {
            let (status, kind, body) = on_the_wire(Verdict::Refused(refusal)).await?;
            let body: Value = serde_json::from_str(&body)?;
            assert_eq!(
                (status, kind.as_deref()),
                (200, Some("application/json")),
                "{refusal:?}"
            );
            assert_eq!(
                (&body["error_code"], &body["results"]),
                (&json!(refusal.error_code()), &Value::Null)
            );
            assert!(codes.insert(refusal.error_code()), "{refusal:?} shares its code");
        }
        Ok(())
    }

    #[tokio::test]
    async fn an_unverified_request_is_403_and_is_not_told_why() -> Result<(), axum::Error> {
        let (status, kind, body) = on_the_wire(Verdict::Unverified("signature_mismatch")).await?;
        assert_eq!((status, kind.as_deref()), (403, Some("application/json")));
        assert!(!body.contains("signature_mismatch"));
        Ok(())
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_answered_alike_by_both_protocols() -> Result<(), axum::Error> {
        let answer = String::from_utf8_lossy(UNPARSED);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        assert_eq!(
            to_bytes(unparsed().into_body(), usize::MAX).await?,
            body.as_bytes().to_vec()
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_verified_request_without_its_password_is_401_and_told_how_to_send_it() -> Result<(), axum::Error> {
        let challenge = Verdict::Challenged.into_response();
        let challenge = challenge.headers().get(WWW_AUTHENTICATE).map(HeaderValue::as_bytes);
        assert_eq!(challenge, Some(&b"Basic realm=\"add-on\""[..]));
        let (status, kind, _) = on_the_wire(Verdict::Challenged).await?;
        assert_eq!((status, kind.as_deref()), (401, Some("application/json")));
        Ok(())
    }

    #[tokio::test]
    async fn what_we_cannot_serve_now_is_503() -> Result<(), axum::Error> {
        let (status, kind, body) = on_the_wire(Verdict::Unavailable("no_token")).await?;
        assert_eq!((status, kind.as_deref()), (503, Some("application/json")));
        assert!(!body.contains("no_token"));
        Ok(())
    }

    #[tokio::test]
    async fn an_answer_larger_than_twilio_takes_is_refused() -> Result<(), axum::Error> {
        for (bytes, too_large) in [(ANSWER_LIMIT_BYTES, false), (ANSWER_LIMIT_BYTES + 1, true)] {
            let (status, _, body) = on_the_wire(Verdict::Answered("a".repeat(bytes))).await?;
            assert_eq!((status, body.contains("answer_too_large")), (200, too_large), "{bytes}");
        }
        Ok(())
    }
}
