//! From what was received and verified to what admission judges, and the name under which a repetition is known. Called by
//! `server`.

use std::sync::Arc;

use axum::http::{HeaderMap, request};

use super::body::{Received, Signed};
use crate::admission::SignedRequest;
use crate::config::Endpoint;
use crate::domain::{RequestKey, RequestSid, TwilioSids};
use crate::request::{Sent, SentBody, pairs};
use crate::signature::{self, EndpointUrl, Parameter};
use crate::spool::Quarantined;

/// The request as admission judges it, and its file.
pub(super) fn sent(
    endpoint: Option<&Endpoint>,
    head: &request::Parts,
    received: Received,
    sids: &Arc<TwilioSids>,
) -> (SignedRequest, Option<Box<Quarantined>>) {
    let Received {
        method,
        encoding,
        signed,
        audio,
        quarantined,
    } = received;
    let body = match signed {
        Signed::Url => SentBody::Nothing,
        Signed::Parameters(parameters) => SentBody::Parameters(parameters),
        Signed::Body(body) => SentBody::Bytes(body),
    };
    let request = SignedRequest {
        method,
        encoding,
        sent: Sent {
            query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
            body,
            headers: mapped_headers(endpoint, &head.headers),
        },
        audio,
        sids: Arc::clone(sids),
    };
    (request, quarantined)
}

/// Every value of the headers that hold fields. One that is no text is none.
fn mapped_headers(endpoint: Option<&Endpoint>, headers: &HeaderMap) -> Vec<Parameter> {
    let names = endpoint.into_iter().flat_map(|endpoint| &endpoint.mapping.headers);
    let values = |name: &String| {
        let values = headers.get_all(name).into_iter();
        let texts = values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
        texts.map(|text| (name.clone(), text.to_owned())).collect::<Vec<_>>()
    };
    names.flat_map(values).collect()
}

/// The SID where there is a usable one; else the hash of what was signed, which a repetition has again.
pub(super) fn request_key(sids: &TwilioSids, url: &EndpointUrl, query: Option<&str>, body: &SentBody) -> RequestKey {
    if let Some(Ok(sid)) = sids.request.as_deref().map(RequestSid::parse) {
        return RequestKey::from_sid(&sid);
    }
    let parameters: &[_] = match body {
        SentBody::Parameters(parameters) => parameters,
        SentBody::Nothing | SentBody::Bytes(_) => &[],
    };
    RequestKey::from_signed(&signature::signed_text(
        &url.text(url.written_form(), query),
        parameters,
    ))
}
