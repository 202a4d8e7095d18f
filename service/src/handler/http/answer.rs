//! Reads what a partner has answered: 200 with a JSON object is its results, 204 that it knows nothing. Anything else is no
//! answer.

use reqwest::Response;

use super::{AskPartner, Results};
use crate::egress::CallPartner;

/// The results, of at most so many bytes; none: it knows nothing.
pub(super) async fn read(mut response: Response, limit_bytes: usize) -> Result<Option<Results>, AskPartner> {
    match response.status().as_u16() {
        200 => {}
        204 => return Ok(None),
        status => return Err(AskPartner::AcceptStatus(status)),
    }
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit_bytes) {
        return Err(AskPartner::ReadTooLarge { limit_bytes });
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(CallPartner::from)? {
        if body.len() + piece.len() > limit_bytes {
            return Err(AskPartner::ReadTooLarge { limit_bytes });
        }
        body.extend_from_slice(&piece);
    }
    serde_json::from_slice(&body)
        .map(Some)
        .map_err(|_| AskPartner::ReadJson)
}
