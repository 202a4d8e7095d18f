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
mod incoming;
mod inflow;
mod multipart;
mod protocol;
pub mod reasons;
mod room;
mod routes;
pub mod seats;
mod signed;
mod sources;
mod speak;
mod unparsed;
pub mod verdict;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, Version, request};
use futures::FutureExt as _;
use marketplace_daemon::cause::chain;
use tokio::sync::watch;
use tracing::Instrument as _;

use self::body::ReceiveBody;
use self::incoming::{request_key, sent};
use self::inflow::Inflow;
use self::room::Room;
use self::routes::{Route, Routes};
use self::signed::Claim;
pub use self::signed::Passwords;
use self::verdict::Verdict;
use crate::admission::{Admission, Known, Lookup, SignedRequest, Upload, admit};
use crate::clock;
use crate::config::{Config, Endpoint};
use crate::domain::{Credentials, EndpointName, RequestSid, TwilioSids};
use crate::handler::LookupHandler;
use crate::handler::analysis::{AcceptRecording, Recording, Recordings};
use crate::limits::BodyLimits;
use crate::metrics::Metrics;
use crate::request::{ConstantSecrets, knows_constants};
use crate::signature::{ClaimedSignature, Form, Parameter, SIGNATURE_HEADER};
use crate::spool::Quarantined;
use crate::trace;

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
    /// What requests must carry beside their signature.
    pub passwords: Passwords,
    /// What the Secrets hold of the constants, as the files have it now.
    pub constants: watch::Receiver<Arc<ConstantSecrets>>,
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
    let span = trace::request(route.endpoint, head.method.as_str(), &sids);

    // A bug in one request must not take the connection's other requests with it, and is not Twilio's fault.
    let answer_by = began + shared.server.config.limits.answer;
    let asked = Asked {
        route: &route,
        head: &head,
        sids: &sids,
        answer_by,
    };
    let judged = AssertUnwindSafe(judge(&shared, &asked, &mut body))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let outcome = judged.unwrap_or_else(|_| Verdict::Unavailable("panic").into());

    metrics.record(route.endpoint, &outcome.verdict, outcome.form, began.elapsed());
    tell(route.endpoint, &outcome.verdict, &sids);
    trace::judged(&span, &outcome.verdict);
    let response = outcome.verdict.into_response();
    trace::answered(&span, response.status().as_u16());
    if body.is_end_stream() {
        return response;
    }
    body::linger(body);
    match head.version {
        Version::HTTP_2 => response,
        _ => verdict::closing(response),
    }
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
    let audio_field = route
        .endpoint
        .and_then(|endpoint| endpoint.mapping.file_part.as_deref());
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
    let claim = Claim {
        tokens: &credentials.tokens,
        url: &route.url,
        query,
        covered: received.covered(),
        claimed,
    };
    let verified = match claim.judge(route.endpoint, &server.metrics) {
        Ok(verified) => verified,
        Err(verdict) => {
            sources::obstacle(server, head, false);
            return verdict.into();
        }
    };
    let verdict = if let Some(reason) = sources::obstacle(server, head, true) {
        Verdict::Unavailable(reason)
    } else if let Err(verdict) = server.passwords.check(route.endpoint, &head.headers) {
        verdict
    } else {
        let request = sent(route.endpoint, head, received, sids);
        serve(server, asked, request).await
    };
    Outcome {
        verdict,
        form: Some(verified.form),
    }
}

/// What is done for a request that is proven to be Twilio's.
async fn serve(server: &Server, asked: &Asked<'_>, (request, file): (SignedRequest, Option<Quarantined>)) -> Verdict {
    let (route, query) = (asked.route, asked.head.uri.query());
    let constants = Arc::clone(&server.constants.borrow());
    if route
        .endpoint
        .is_some_and(|endpoint| !knows_constants(&endpoint.mapping, &constants))
    {
        return Verdict::Unavailable("not_configured");
    }
    let known = Known {
        config: &server.config,
        constants: &constants,
        now: clock::now(),
    };
    let admitted = match admit(&known, route.endpoint, &request) {
        Ok(admitted) => admitted,
        Err(refusal) => return Verdict::Refused(refusal),
    };
    match (admitted, route.endpoint, &server.recordings) {
        (Admission::Lookup(lookup), Some(endpoint), _) => look_up(server, endpoint, &lookup, asked.answer_by).await,
        (Admission::Analyze(analyze), Some(endpoint), Some(recordings)) => {
            let recording = Recording {
                endpoint: endpoint.name.clone(),
                request: request_key(&analyze.sids, &route.url, query, &request.sent.body),
                analyze,
                file,
            };
            let kind = recording.analyze.details.integration_key;
            let accepted = recordings.accept(recording).await;
            if accepted.is_ok() {
                server.metrics.accepted(endpoint, kind);
            }
            told(endpoint, accepted)
        }
        (Admission::Try(upload), Some(endpoint), Some(recordings)) => {
            rehearse(recordings, endpoint, upload, file).await
        }
        // Started without what its own endpoints need: `cli` does not do that.
        (Admission::Lookup(_) | Admission::Analyze(_) | Admission::Try(_), ..) => {
            Verdict::Unavailable("not_configured")
        }
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

/// A request that only tries the endpoint is answered as another would be.
async fn rehearse(recordings: &Recordings, endpoint: &Endpoint, upload: Upload, file: Option<Quarantined>) -> Verdict {
    let rehearsed = recordings.rehearse(upload, file).await;
    if rehearsed.is_ok() {
        tracing::info!(
            endpoint = endpoint.name.as_str(),
            "a test request: nothing is stored and no result is sent"
        );
    }
    told(endpoint, rehearsed)
}

fn told(endpoint: &Endpoint, accepted: Result<(), AcceptRecording>) -> Verdict {
    match accepted {
        Ok(()) => Verdict::Accepted,
        Err(AcceptRecording::Refuse(refusal)) => Verdict::Refused(refusal),
        Err(error) => {
            tracing::error!(endpoint = endpoint.name.as_str(), error = chain(&error), "not accepted");
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
    let TwilioSids {
        request: request_sid,
        addon: addon_sid,
        addon_version: addon_version_sid,
        addon_install: addon_install_sid,
        account: account_sid,
        vendor_account: vendor_account_sid,
        configuration: configuration_sid,
    } = sids;
    match verdict.reason() {
        None => tracing::debug!(
            endpoint,
            request_sid,
            addon_install_sid,
            verdict = verdict.label(),
            "request answered"
        ),
        Some(reason) => {
            tracing::warn!(
                endpoint,
                request_sid,
                addon_sid,
                addon_version_sid,
                addon_install_sid,
                account_sid,
                vendor_account_sid,
                configuration_sid,
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
