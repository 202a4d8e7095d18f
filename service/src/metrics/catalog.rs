//! Every metric of the service, defined: whatever makes a series takes its name, its labels and its meaning from here, and
//! docs/metrics.md is printed from here. Labels are words of ours and configured names, never anything of a request.

mod demand;
mod jobs;
mod partner;
mod transport;

use marketplace_crds::endpoint::IntegrationKey;
use marketplace_daemon::definition::{Definition, Kind, Label, Values, table};
use marketplace_daemon::telemetry::BUILD_INFO;

pub use demand::{QUEUE_WORK, WORK_AUDIO_FACTOR, WORKER_DEMAND, WORKER_PERMITS};
pub use jobs::{
    ANALYSIS, ANALYZED_AUDIO, AUDIO_FETCHES, CALLBACKS, JOB_ATTEMPTS, JOBS_FINISHED, QUEUE_JOBS, QUEUE_OLDEST, RESULT,
    RESULT_AUDIO_FACTOR,
};
pub use partner::{PARTNER_CALL, PARTNER_CALLS, PARTNER_LEFT_ALONE};
pub use transport::{CERTIFICATE_NOT_AFTER, CERTIFICATE_READS_FAILED, TLS_HANDSHAKES_FAILED};

use super::{NO_FORM, UNKNOWN_KIND, UNVERIFIED, VERIFIED};
use crate::domain::AddonKey;
use crate::server::reasons;
use crate::server::verdict::Verdict;
use crate::signature::{Covers, Form};
use crate::source::Origin;

/// From a table that answers at once to the 15 s after which Twilio's webhooks give up.
const REQUEST_BOUNDS_SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 5.0, 15.0];

const LIMIT_NAME: Label = Label {
    name: "limit",
    values: Values::Of("the name of a limit that all requests share, as in `spec.limits`"),
};
const REQUEST_ENDPOINT: Label = Label {
    name: "endpoint",
    values: Values::Of("the name of an endpoint, or `unmatched` for a path that is none's"),
};
const ENDPOINT: Label = Label {
    name: "endpoint",
    values: Values::Of("the name of an endpoint"),
};
const VERDICT: Label = Label {
    name: "verdict",
    values: Values::Words(|| Verdict::LABELS.to_vec()),
};
const FORM: Label = Label {
    name: "form",
    values: Values::Words(|| Form::all().map(Form::as_str).chain([NO_FORM]).collect()),
};
const REQUEST_REASON: Label = Label {
    name: "reason",
    values: Values::Words(reasons::all),
};
/// Requests.
pub const REQUESTS: Definition = Definition {
    name: "marketplace_requests_total",
    kind: Kind::Counter,
    unit: "requests",
    help: "Requests by how they ended and in which form they were signed.",
    labels: &[REQUEST_ENDPOINT, VERDICT, FORM],
};

/// Requests that did not go well.
pub const REQUEST_FAILURES: Definition = Definition {
    name: "marketplace_request_failures_total",
    kind: Kind::Counter,
    unit: "requests",
    help: "Requests that were refused or not served, by reason.",
    labels: &[REQUEST_ENDPOINT, REQUEST_REASON],
};

/// How long answers take.
pub const REQUEST_DURATION: Definition = Definition {
    name: "marketplace_request_duration_seconds",
    kind: Kind::Histogram(REQUEST_BOUNDS_SECONDS),
    unit: "seconds",
    help: "From the head of a request to its answer.",
    labels: &[REQUEST_ENDPOINT, VERDICT],
};

/// The allow list.
pub const REQUEST_SOURCES: Definition = Definition {
    name: "marketplace_request_sources_total",
    kind: Kind::Counter,
    unit: "requests",
    help: "Requests that were held against `allowList`, by where they come from. Only with `allowList`. A verified one \
           that is not listed says that the list is wrong.",
    labels: &[
        Label {
            name: "origin",
            values: Values::Words(|| Origin::ALL.into_iter().map(Origin::label).collect()),
        },
        Label {
            name: "signature",
            values: Values::Words(|| vec![VERIFIED, UNVERIFIED]),
        },
    ],
};

/// Load.
pub const REQUESTS_IN_FLIGHT: Definition = Definition {
    name: "marketplace_requests_in_flight",
    kind: Kind::Gauge,
    unit: "requests",
    help: "Requests that are being answered.",
    labels: &[],
};

/// Rotation.
pub const TOKENS_LOADED: Definition = Definition {
    name: "marketplace_tokens_loaded",
    kind: Kind::Gauge,
    unit: "tokens",
    help: "Auth tokens that a signature is tried with. Without one, requests are answered 503.",
    labels: &[],
};

/// The endpoints.
pub const ENDPOINT_INFO: Definition = Definition {
    name: "marketplace_endpoint_info",
    kind: Kind::Gauge,
    unit: "always 1",
    help: "The labels say what makes Twilio call the endpoint.",
    labels: &[
        ENDPOINT,
        Label {
            name: "integration",
            values: Values::Of("what makes Twilio call it, as in the resource"),
        },
        Label {
            name: "integration_keys",
            values: Values::Of("its integration keys, joined with commas"),
        },
    ],
};

/// Recordings.
pub const RECORDINGS: Definition = Definition {
    name: "marketplace_recordings_total",
    kind: Kind::Counter,
    unit: "recordings",
    help: "Recordings that were accepted, by their kind where it is known.",
    labels: &[
        ENDPOINT,
        Label {
            name: "integration_key",
            values: Values::Words(|| {
                let known = IntegrationKey::ALL.into_iter().map(IntegrationKey::as_str);
                known.chain([UNKNOWN_KIND]).collect()
            }),
        },
    ],
};

/// What signatures cover.
pub const SIGNATURE_MATCHES: Definition = Definition {
    name: "marketplace_signature_matches_total",
    kind: Kind::Counter,
    unit: "signatures",
    help: "Signatures by form of the URL and by what they cover, where that is not settled: modes `UrlOnly` and \
           `Commission`.",
    labels: &[
        REQUEST_ENDPOINT,
        FORM,
        Label {
            name: "covers",
            values: Values::Words(|| Covers::ALL.into_iter().map(Covers::as_str).collect()),
        },
    ],
};

/// Secrets that are not as they should be.
pub const SECRETS_UNREADABLE: Definition = Definition {
    name: "marketplace_secrets_unreadable",
    kind: Kind::Gauge,
    unit: "secrets",
    help: "Secrets, or keys of them, that could not be read the last time; what was read before stays in use. The log says \
           which.",
    labels: &[],
};

/// Limits.
pub const LIMIT: Definition = Definition {
    name: "marketplace_limit",
    kind: Kind::Gauge,
    unit: "as the limit",
    help: "What the resource allows at one time.",
    labels: &[LIMIT_NAME],
};

/// What is taken of limits.
pub const LIMIT_USED: Definition = Definition {
    name: "marketplace_limit_used",
    kind: Kind::Gauge,
    unit: "as the limit",
    help: "How much of it is taken.",
    labels: &[LIMIT_NAME],
};

/// All of them, in the order in which they are documented.
pub const ALL: [&Definition; 33] = [
    &REQUESTS,
    &REQUEST_FAILURES,
    &REQUEST_DURATION,
    &REQUEST_SOURCES,
    &REQUESTS_IN_FLIGHT,
    &TOKENS_LOADED,
    &SECRETS_UNREADABLE,
    &ENDPOINT_INFO,
    &RECORDINGS,
    &SIGNATURE_MATCHES,
    &PARTNER_CALLS,
    &PARTNER_CALL,
    &PARTNER_LEFT_ALONE,
    &AUDIO_FETCHES,
    &JOB_ATTEMPTS,
    &ANALYSIS,
    &ANALYZED_AUDIO,
    &CALLBACKS,
    &JOBS_FINISHED,
    &RESULT,
    &RESULT_AUDIO_FACTOR,
    &LIMIT,
    &LIMIT_USED,
    &QUEUE_JOBS,
    &QUEUE_OLDEST,
    &WORKER_DEMAND,
    &WORKER_PERMITS,
    &QUEUE_WORK,
    &WORK_AUDIO_FACTOR,
    &CERTIFICATE_NOT_AFTER,
    &CERTIFICATE_READS_FAILED,
    &TLS_HANDSHAKES_FAILED,
    &BUILD_INFO,
];

/// The label that every series of an add-on carries.
pub fn addon(addon: &AddonKey) -> [(&'static str, &str); 1] {
    [("addon", addon.as_str())]
}

/// The first part of docs/metrics.md.
#[must_use]
pub fn document() -> String {
    format!(
        "# Metrics\n\n\
         Printed by `make generate`; not edited by hand.\n\n\
         ## The service\n\n\
         Served on `/metrics` of the admin address. Every series but `{}` carries `addon=\"NAMESPACE/NAME\"`; select on it \
         alone. What a queue says is the same in every pod that shares it: take `max by (addon)`, never `sum`. A metric \
         with labels shows once it has something to say.\n\n{}",
        BUILD_INFO.name,
        table(&ALL)
    )
}
