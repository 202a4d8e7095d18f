//! From a request to its answer: read, verify, admit, answer or enqueue. Each step is a function of another module; here is
//! their order, and what is told about it.
//!
//! 1. The signature header must be well-formed before a byte of the body is read.
//! 2. A token must be loaded: without one we cannot tell, so we ask to come again.
//! 3. There must be room: what is read next is held for a stranger.
//! 4. The body is read as the signature needs it, the file part into the quarantine.
//! 5. The signature is verified. From here on the request is Twilio's, and every answer is a 2xx unless we fail.
//! 6. Admission decides; the handler answers, or the recording is made safe and enqueued.

pub mod body;
pub mod connection;
mod inflow;
mod multipart;
mod room;
mod routes;
pub mod seats;
mod unparsed;
pub mod verdict;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, request};
use futures::FutureExt as _;
use marketplace_daemon::cause::chain;
use tokio::sync::watch;

use self::body::{ReceiveBody, Received, Signed};
use self::inflow::Inflow;
use self::room::Room;
use self::routes::{Route, Routes};
use self::verdict::Verdict;
use crate::admission::{Admission, Lookup, SignedRequest, admit};
use crate::config::{Config, Endpoint};
use crate::domain::{Credentials, EndpointName, RequestKey, RequestSid, TwilioSids};
use crate::handler::LookupHandler;
use crate::handler::analysis::{AcceptRecording, Recording, Recordings};
use crate::limits::BodyLimits;
use crate::metrics::Metrics;
use crate::request::pairs;
use crate::signature::{self, ClaimedSignature, EndpointUrl, Form, Parameter, SIGNATURE_HEADER};

/// The headers of Twilio, all lower-case. `sids` reads them and `invoke` sends them.
pub mod headers {
    /// The request, as Twilio bills and debugs it.
    pub const REQUEST_SID: &str = "x-twilio-requestsid";
    /// The add-on.
    pub const ADDON_SID: &str = "x-twilio-addonsid";
    /// The version of the add-on.
    pub const ADDON_VERSION_SID: &str = "x-twilio-addonversionsid";
    /// The customer's installation.
    pub const ADDON_INSTALL_SID: &str = "x-twilio-addoninstallsid";
    /// The account, as documented.
    pub const ACCOUNT_SID: &str = "x-twilio-accountsid";
    /// The account, as captured.
    pub const VENDOR_ACCOUNT_SID: &str = "x-twilio-vendoraccountsid";
    /// The customer's configuration.
    pub const CONFIGURATION_SID: &str = "x-twilio-addonconfigurationsid";
}

/// Everything that answering needs.
pub struct Server {
    /// The add-on.
    pub config: Arc<Config>,
    /// What signatures are tried with, as the files have it now.
    pub credentials: watch::Receiver<Arc<Credentials>>,
    /// What answers at once.
    pub lookups: HashMap<EndpointName, LookupHandler>,
    /// Where recordings go; there is a place for them when an endpoint takes them.
    pub recordings: Option<Recordings>,
    /// What is counted.
    pub metrics: Metrics,
}

struct Shared {
    server: Server,
    routes: Routes,
    room: Arc<Room>,
}

/// How a request ended, and what is known of its form.
struct Outcome {
    verdict: Verdict,
    form: Option<Form>,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, form: None }
    }
}

impl Server {
    /// One handler for every path and method: the router's own 404 and 405 would be told to strangers and counted by Twilio.
    pub fn into_router(self) -> Result<Router, prometheus::Error> {
        let routes = Routes::new(&self.config);
        let limit = self.config.limits.requests;
        let room = Room::new(limit);
        let places = Arc::clone(&room);
        self.metrics
            .watch_limit(("requests", limit as u64), move || places.used() as u64)?;
        Ok(Router::new().fallback(respond).with_state(Arc::new(Shared {
            server: self,
            routes,
            room,
        })))
    }
}

async fn respond(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let began = Instant::now();
    let metrics = &shared.server.metrics;
    let _in_flight = metrics.begin();
    let (head, mut body) = request.into_parts();
    let route = shared.routes.find(&shared.server.config, head.uri.path());
    let sids = sids(&head.headers);

    // A bug in one request must not take the connection's other requests with it, and is not Twilio's fault.
    let answer_by = began + shared.server.config.limits.answer;
    let asked = Asked {
        route: &route,
        head: &head,
        sids: &sids,
        answer_by,
    };
    let judged = AssertUnwindSafe(judge(&shared, &asked, &mut body)).catch_unwind().await;
    let outcome = judged.unwrap_or_else(|_| Verdict::Unavailable("panic").into());

    metrics.record(route.endpoint, &outcome.verdict, outcome.form, began.elapsed());
    tell(route.endpoint, &outcome.verdict, &sids);
    let response = outcome.verdict.into_response();
    if body.is_end_stream() {
        return response;
    }
    body::linger(body);
    verdict::closing(response)
}

/// What is known of a request before its body is read.
struct Asked<'a> {
    route: &'a Route<'a>,
    head: &'a request::Parts,
    sids: &'a TwilioSids,
    /// When an answer that is given at once must be there.
    answer_by: Instant,
}

async fn judge(shared: &Shared, asked: &Asked<'_>, body: &mut Body) -> Outcome {
    let Asked { route, head, sids, .. } = asked;
    let server = &shared.server;
    let claimed = ClaimedSignature::read(head.headers.get_all(SIGNATURE_HEADER).iter().map(HeaderValue::as_bytes));
    let claimed = match claimed {
        Ok(claimed) => claimed,
        Err(error) => return Verdict::Unverified(error.category()).into(),
    };
    let credentials = Arc::clone(&server.credentials.borrow());
    if credentials.tokens.is_empty() {
        return Verdict::Unavailable("no_token").into();
    }
    let Some(place) = shared.room.enter() else {
        return Verdict::Unavailable("busy").into();
    };
    let audio_field = route.endpoint.and_then(|endpoint| endpoint.fields.audio.as_deref());
    let spool = server.recordings.as_ref().map(|recordings| &*recordings.spool);
    let mut inflow = Inflow::new(body, &server.config.limits.body, &place);
    let received = match body::receive(head, &mut inflow, audio_field, spool).await {
        Ok(received) => received,
        Err(error) => {
            tell_cause(&error);
            return error.verdict().into();
        }
    };
    if !place.keep() {
        return ReceiveBody::KeepPlace.verdict().into();
    }
    let query = head.uri.query();
    match signature::verify(&credentials.tokens, &route.url, query, received.covered(), claimed) {
        Err(error) => Verdict::Unverified(error.category()).into(),
        Ok(verified) => {
            let key = request_key(sids, &route.url, query, &received);
            let verdict = serve(server, asked, received, key).await;
            Outcome {
                verdict,
                form: Some(verified.form),
            }
        }
    }
}

/// What is done for a request that is proven to be Twilio's.
async fn serve(server: &Server, asked: &Asked<'_>, received: Received, key: RequestKey) -> Verdict {
    let Asked {
        route,
        head,
        sids,
        answer_by,
    } = asked;
    let (endpoint, query) = (route.endpoint, head.uri.query());
    let Received {
        method,
        encoding,
        signed,
        audio,
        quarantined,
    } = received;
    let (parameters, json) = match signed {
        Signed::Url => (pairs(query.unwrap_or_default().as_bytes()), None),
        Signed::Parameters(parameters) => (parameters, None),
        Signed::Body(body) => (Vec::new(), Some(body)),
    };
    let request = SignedRequest {
        method,
        encoding,
        parameters,
        json,
        audio,
        sids: (*sids).clone(),
    };
    let admitted = admit(&server.config, endpoint, &request);
    match (admitted, endpoint, &server.recordings, quarantined) {
        (Err(refusal), ..) => Verdict::Refused(refusal),
        (Ok(Admission::Lookup(lookup)), Some(endpoint), ..) => look_up(server, endpoint, &lookup, *answer_by).await,
        (Ok(Admission::Analyze(analyze)), Some(endpoint), Some(recordings), Some(audio)) => {
            let endpoint = endpoint.name.clone();
            let recording = Recording {
                endpoint,
                request: key,
                sids: request.sids,
                analyze,
                audio,
            };
            accept(recordings, recording).await
        }
        // Started without what its own endpoints need: `cli` does not do that.
        (Ok(_), ..) => Verdict::Unavailable("not_configured"),
    }
}

async fn look_up(server: &Server, endpoint: &Endpoint, lookup: &Lookup, answer_by: Instant) -> Verdict {
    let Some(handler) = server.lookups.get(&endpoint.name) else {
        return Verdict::Unavailable("not_configured");
    };
    let within = answer_by.saturating_duration_since(Instant::now());
    match handler.answer(lookup, within).await {
        Ok(answer) => Verdict::Answered(answer),
        Err(_) if Instant::now() >= answer_by => Verdict::Unavailable("answer_timed_out"),
        Err(error) => {
            tracing::warn!(endpoint = endpoint.name.as_str(), error = chain(&error), "no answer");
            Verdict::Unavailable(error.category())
        }
    }
}

async fn accept(recordings: &Recordings, recording: Recording) -> Verdict {
    let endpoint = recording.endpoint.clone();
    match recordings.accept(recording).await {
        Ok(()) => Verdict::Accepted,
        Err(AcceptRecording::Refuse(refusal)) => Verdict::Refused(refusal),
        Err(error) => {
            tracing::error!(endpoint = endpoint.as_str(), error = chain(&error), "not accepted");
            Verdict::Unavailable(error.category())
        }
    }
}

/// What kept us from reading a body is ours to mend when it is the disk; what strangers do is counted, and told once.
fn tell_cause(error: &ReceiveBody) {
    if let ReceiveBody::Quarantine(_) = error {
        tracing::error!(error = chain(error), "an upload was not kept");
    }
}

/// The SID where there is a usable one; else the hash of what was signed, which a repetition has again.
fn request_key(sids: &TwilioSids, url: &EndpointUrl, query: Option<&str>, received: &Received) -> RequestKey {
    if let Some(Ok(sid)) = sids.request.as_deref().map(RequestSid::parse) {
        return RequestKey::from_sid(&sid);
    }
    let parameters: &[_] = match &received.signed {
        Signed::Parameters(parameters) => parameters,
        Signed::Url | Signed::Body(_) => &[],
    };
    RequestKey::from_signed(&signature::signed_text(
        &url.text(url.written_form(), query),
        parameters,
    ))
}

/// The SIDs that are short and printable; the signature does not cover them, so anything may stand there.
fn sids(headers: &HeaderMap) -> TwilioSids {
    let sid = |name| {
        let text = headers.get(name)?.to_str().ok()?;
        RequestSid::parse(text).ok().map(|sid| sid.as_str().to_owned())
    };
    TwilioSids {
        request: sid(headers::REQUEST_SID),
        addon: sid(headers::ADDON_SID),
        addon_version: sid(headers::ADDON_VERSION_SID),
        addon_install: sid(headers::ADDON_INSTALL_SID),
        account: sid(headers::ACCOUNT_SID),
        vendor_account: sid(headers::VENDOR_ACCOUNT_SID),
        configuration: sid(headers::CONFIGURATION_SID),
    }
}

/// One line for each request that did not go well. Nothing of what it carries: no number, text, URL or path.
fn tell(endpoint: Option<&Endpoint>, verdict: &Verdict, sids: &TwilioSids) {
    let endpoint = endpoint.map(|endpoint| endpoint.name.as_str());
    let request_sid = sids.request.as_deref();
    match verdict.reason() {
        None => tracing::debug!(endpoint, request_sid, verdict = verdict.label(), "request answered"),
        Some(reason) => {
            tracing::warn!(
                endpoint,
                request_sid,
                verdict = verdict.label(),
                reason,
                "request not answered"
            );
        }
    }
}

/// The text parts of a multipart body, or none where it is refused: what `fuzz` drives, whose way in is otherwise a socket.
pub async fn fuzzed_multipart(mut body: Body, limits: &BodyLimits) -> Vec<Parameter> {
    let place = Room::new(1).enter().expect("the room is empty");
    let mut inflow = Inflow::new(&mut body, limits, &place);
    let read = multipart::receive(&mut inflow, "XX".to_owned(), None).await;
    read.map(|parts| parts.parameters).unwrap_or_default()
}

#[cfg(test)]
mod tests;
