//! The only place where the operator reads the time of day; everything else is told it.

use k8s_openapi::jiff::Timestamp;

/// Now, in whole seconds as the API server keeps them.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
