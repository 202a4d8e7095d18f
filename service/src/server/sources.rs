//! Holds a request against the allow list once its signature is judged: who is listed, and what follows, is decided by
//! `source`. Called by `server`.

use axum::http::HeaderValue;
use axum::http::request::Parts;

use super::Server;
use super::speak::Peer;
use super::verdict::Reason;
use crate::source::{FORWARDED_FOR, Origin};

/// Counts where the request comes from. The reason for which a genuine one is not served now, if there is one: a forged
/// one is refused either way.
pub fn obstacle(server: &Server, head: &Parts, is_verified: bool) -> Option<Reason> {
    let policy = server.config.sources.as_ref()?;
    let forwarded = head.headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
    let origin = match head.extensions.get::<Peer>() {
        Some(Peer(peer)) => policy.origin(peer.ip(), forwarded),
        None => Origin::Unknown,
    };
    server.metrics.record_source(origin, is_verified);
    policy.obstacle(origin)
}
