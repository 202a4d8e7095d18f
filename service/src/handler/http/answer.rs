//! Reads what a partner has answered: 200 with a JSON object is its results, 204 that it knows nothing. Anything else is no
//! answer.

use reqwest::Response;

use super::{AskPartner, Results};
use crate::egress::{CallPartner, read_body};

/// The results, of at most so many bytes; none: it knows nothing.
pub(super) async fn read(response: Response, limit_bytes: usize) -> Result<Option<Results>, AskPartner> {
    match response.status().as_u16() {
        200 => {}
        204 => return Ok(None),
        status => return Err(AskPartner::AcceptStatus(status)),
    }
    let body = read_body(response, limit_bytes).await.map_err(CallPartner::from)?;
    let body = body.ok_or(AskPartner::ReadTooLarge { limit_bytes })?;
    serde_json::from_slice(&body)
        .map(Some)
        .map_err(|_| AskPartner::ReadJson)
}
