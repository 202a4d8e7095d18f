//! Holds a request against the allow list once its signature is judged: who is listed, and what follows, is decided by
//! `source`. Called by `server`.

use axum::http::HeaderValue;

use super::verdict::Reason;
use super::{Asked, Server};
use crate::source::FORWARDED_FOR;

/// Counts where the request comes from. The reason for which a genuine one is not served now, if there is one: a forged
/// one is refused either way.
pub(super) fn obstacle(server: &Server, asked: &Asked<'_>, is_verified: bool) -> Option<Reason> {
    let policy = server.config.sources.as_ref()?;
    let forwarded = asked.head.headers.get_all(FORWARDED_FOR);
    let forwarded = forwarded.iter().map(HeaderValue::as_bytes);
    let origin = policy.origin(asked.peer.ip(), forwarded);
    server.metrics.record_source(origin, is_verified);
    policy.obstacle(origin)
}
