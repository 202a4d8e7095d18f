//! Decides, without waiting, whether a request that was read is genuine and what it asks for; then carries that out. Called
//! by `server`, in this order.

use std::time::Instant;

use marketplace_daemon::cause::chain;

use super::body::Received;
use super::incoming::{request_key, sent};
use super::signed::Claim;
use super::verdict::Verdict;
use super::{Asked, Outcome, Server, sources};
use crate::admission::{Admission, Known, Lookup, Refusal, SignedRequest, Upload, admit};
use crate::clock;
use crate::config::Endpoint;
use crate::domain::Credentials;
use crate::handler::Question;
use crate::handler::analysis::{AcceptRecording, Recording, Recordings};
use crate::request::{SentBody, knows_constants};
use crate::signature::{ClaimedSignature, Verified};
use crate::spool::Quarantined;

/// What is left to do for a request that is proven to be Twilio's, and admitted.
pub(super) enum Step<'a> {
    LookUp(&'a Endpoint, Lookup, SentBody),
    /// The recording is made safe. On the heap, because it carries a lot.
    Accept(&'a Endpoint, &'a Recordings, Box<Recording>),
    Try(&'a Endpoint, &'a Recordings, Upload, Option<Box<Quarantined>>),
}

/// Everything that can be said without waiting: whether the request is genuine, and what it asks for.
pub(super) fn decide<'a>(
    server: &'a Server,
    asked: &Asked<'a>,
    (credentials, claimed): (&Credentials, ClaimedSignature),
    received: Received,
) -> Result<(Verified, Step<'a>), Outcome> {
    let Asked { route, head, sids, .. } = asked;
    let claim = Claim {
        tokens: &credentials.tokens,
        url: &route.url,
        query: head.uri.query(),
        covered: received.covered(),
        claimed,
    };
    let verified = claim.judge(route.endpoint, &server.metrics).map_err(|verdict| {
        sources::obstacle(server, asked, false);
        Outcome::from(verdict)
    })?;
    let step = if let Some(reason) = sources::obstacle(server, asked, true) {
        Err(Verdict::Unavailable(reason))
    } else {
        let checked = server.passwords.check(route.endpoint, &head.headers);
        checked.and_then(|()| next(server, asked, sent(route.endpoint, head, received, sids)))
    };
    let step = step.map_err(|verdict| Outcome {
        verdict,
        form: Some(verified.form),
    })?;
    Ok((verified, step))
}

fn next<'a>(
    server: &'a Server,
    asked: &Asked<'a>,
    (request, file): (SignedRequest, Option<Box<Quarantined>>),
) -> Result<Step<'a>, Verdict> {
    let route = asked.route;
    let constants = server.constants.borrow();
    if route
        .endpoint
        .is_some_and(|endpoint| !knows_constants(&endpoint.mapping, &constants))
    {
        return Err(Verdict::Unavailable("not_configured"));
    }
    let known = Known {
        config: &server.config,
        constants: &constants,
        now: clock::now(),
    };
    let admitted = admit(&known, route.endpoint, &request).map_err(Verdict::Refused)?;
    match (admitted, route.endpoint, &server.recordings) {
        (Admission::Lookup(lookup), Some(endpoint), _) => Ok(Step::LookUp(endpoint, lookup, request.sent.body)),
        (Admission::Analyze(analyze), Some(endpoint), Some(recordings)) => {
            let query = asked.head.uri.query();
            let recording = Recording {
                endpoint: endpoint.name.clone(),
                request: request_key(&analyze.sids, &route.url, query, &request.sent.body),
                analyze: *analyze,
                file,
            };
            Ok(Step::Accept(endpoint, recordings, Box::new(recording)))
        }
        (Admission::Try(upload), Some(endpoint), Some(recordings)) => Ok(Step::Try(endpoint, recordings, upload, file)),
        // Started without what its own endpoints need: `cli` does not do that.
        (Admission::Lookup(_) | Admission::Analyze(_) | Admission::Try(_), ..) => {
            Err(Verdict::Unavailable("not_configured"))
        }
    }
}

pub(super) async fn carry_out(server: &Server, asked: &Asked<'_>, step: Step<'_>) -> Verdict {
    match step {
        Step::LookUp(endpoint, lookup, body) => {
            let (url, query) = (&asked.route.url, asked.head.uri.query());
            let question = Question {
                endpoint,
                lookup: &lookup,
                request: &|| request_key(&lookup.sids, url, query, &body),
                answer_by: asked.answer_by,
            };
            look_up(server, question).await
        }
        Step::Accept(endpoint, recordings, recording) => {
            let kind = recording.analyze.details.integration_key;
            let accepted = Box::pin(recordings.accept(*recording)).await;
            if accepted.is_ok() {
                server.metrics.accepted(endpoint, kind);
            }
            told(endpoint, accepted)
        }
        Step::Try(endpoint, recordings, upload, file) => Box::pin(rehearse(recordings, endpoint, upload, file)).await,
    }
}

async fn look_up(server: &Server, question: Question<'_>) -> Verdict {
    let endpoint = question.endpoint;
    let Some(handler) = server.lookups.get(&endpoint.name) else {
        return Verdict::Unavailable("not_configured");
    };
    match handler.answer(question).await {
        Ok(answer) => Verdict::Answered(answer),
        Err(error) if error.is_too_large() => Verdict::Refused(Refusal::AnswerTooLarge),
        Err(_) if Instant::now() >= question.answer_by => Verdict::Unavailable("answer_timed_out"),
        Err(error) => {
            tracing::warn!(endpoint = endpoint.name.as_str(), error = chain(&error), "no answer");
            Verdict::Unavailable(error.category())
        }
    }
}

/// A request that only tries the endpoint is answered as another would be.
async fn rehearse(
    recordings: &Recordings,
    endpoint: &Endpoint,
    upload: Upload,
    file: Option<Box<Quarantined>>,
) -> Verdict {
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
