//! From a request to its answer: read, verify, admit, answer or enqueue. Each step is a function of another module; here is
//! their order, and what is told about it.
//!
//! 1. The signature header must be well-formed before a byte of the body is read.
//! 2. A token must be loaded: without one we cannot tell, so we ask to come again.
//! 3. There must be room: what is read next is held for a stranger.
//! 4. The body is read as the signature needs it, the file part into the quarantine.
//! 5. The signature is verified. From here on the request is Twilio's, and every answer is a 2xx unless we fail.
//! 6. Admission decides; the handler answers, or the recording is made safe and enqueued.

mod aside;
pub mod body;
pub mod connection;
pub mod headers;
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
mod step;
mod unparsed;
pub mod verdict;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderValue, Response, request};
use futures::FutureExt as _;
use marketplace_daemon::cause::chain;
use tokio::sync::watch;
use tracing::Instrument as _;

use self::body::ReceiveBody;
use self::headers::sids;
use self::inflow::Inflow;
use self::room::Room;
use self::routes::{Route, Routes};
pub use self::signed::Passwords;
use self::step::{carry_out, decide};
use self::verdict::Verdict;
use crate::config::{Config, Endpoint};
use crate::domain::{Credentials, EndpointName, TwilioSids};
use crate::handler::LookupHandler;
use crate::handler::analysis::Recordings;
use crate::limits::BodyLimits;
use crate::metrics::Metrics;
use crate::request::ConstantSecrets;
use crate::signature::{ClaimedSignature, Form, Parameter, SIGNATURE_HEADER};
use crate::trace;

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

/// Answers requests. Cheap to clone.
#[derive(Clone)]
pub struct Front(Arc<Shared>);

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
    /// One way for every path and method, and no router: its own 404 and 405 would be told to strangers and counted by Twilio.
    pub fn into_front(self) -> Result<Front, prometheus::Error> {
        let routes = Routes::new(&self.config);
        let limit = self.config.limits.requests;
        let room = Room::new(limit);
        let places = Arc::clone(&room);
        self.metrics
            .watch_limit(("requests", limit as u64), move || places.used() as u64)?;
        Ok(Front(Arc::new(Shared {
            server: self,
            routes,
            room,
        })))
    }
}

impl Front {
    /// The answer to a request, whatever it is; `peer` has sent it, or is a proxy that stands in front of us.
    pub async fn answer(&self, request: Request, peer: SocketAddr) -> Response<Body> {
        let shared = &*self.0;
        let began = Instant::now();
        let metrics = &shared.server.metrics;
        let _in_flight = metrics.begin();
        let (head, mut body) = request.into_parts();
        let route = shared.routes.find(&shared.server.config, head.uri.path());
        let sids = Arc::new(sids(&head.headers));
        let span = trace::request(route.endpoint, head.method.as_str(), &sids);

        // A bug in one request must not take the connection's other requests with it, and is not Twilio's fault.
        let answer_by = began + shared.server.config.limits.answer;
        let asked = Asked {
            route: &route,
            head: &head,
            sids: &sids,
            peer,
            answer_by,
        };
        // Boxed at once: it is large, and would be moved again by each of its wrappers, in each request.
        let judged = AssertUnwindSafe(Box::pin(judge(shared, &asked, &mut body)))
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
        verdict::closing(response, head.version)
    }
}

/// What is known of a request before its body is read.
struct Asked<'a> {
    route: &'a Route<'a>,
    head: &'a request::Parts,
    sids: &'a Arc<TwilioSids>,
    /// Who sent it.
    peer: SocketAddr,
    /// When an answer that is given at once must be there.
    answer_by: Instant,
}

async fn judge(shared: &Shared, asked: &Asked<'_>, body: &mut Body) -> Outcome {
    let Asked { route, head, .. } = asked;
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
    let Some(place) = shared.room.enter(!body.is_end_stream()) else {
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
    match decide(server, asked, (&credentials, claimed), received) {
        Err(outcome) => outcome,
        Ok((verified, step)) => Outcome {
            verdict: carry_out(server, asked, step).await,
            form: Some(verified.form),
        },
    }
}

/// What kept us from reading a body is ours to mend when it is the disk; what strangers do is counted, and told once.
fn tell_cause(error: &ReceiveBody) {
    if let ReceiveBody::Quarantine(_) = error {
        tracing::error!(error = chain(error), "an upload was not kept");
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
    let place = Room::new(1).enter(true).expect("the room is empty");
    let mut inflow = Inflow::new(&mut body, limits, &place);
    let read = multipart::receive(&mut inflow, "XX".to_owned(), None).await;
    read.map(|parts| parts.parameters).unwrap_or_default()
}

#[cfg(test)]
mod tests;
