//! Asks a partner's own code, at a URL or in a container beside this one: for an answer now, or about a recording for
//! later. Used by `handler` and by `worker`; docs/handlers.md says what is sent and what may be answered.
//!
//! A call has a time limit and an idempotency key, follows no redirect, and reads no more of an answer than may be passed
//! on. A partner that fails time after time is left alone for a while (`breaker`): to wait for it in each request would take
//! the places of requests that others could answer.

mod answer;
mod breaker;
mod metrics;
mod question;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use self::answer::read;
use self::breaker::Breaker;
pub use self::breaker::BreakerPlan;
pub use self::metrics::PartnerMetrics;
pub use self::question::{AboutNumber, AboutRecording};
use super::Results;
use crate::config::{Config, HandlerPlan, HttpPlan};
use crate::domain::{EndpointName, RequestKey};
use crate::egress::{BuildClient, CallPartner, PartnerClient, SystemResolver, UrlRefused};
use crate::files::Secrets;

/// Until when an answer is of use, in milliseconds from now.
const DEADLINE: HeaderName = HeaderName::from_static("x-marketplace-deadline-ms");
/// The same for each repetition of a request.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Why a partner has not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskPartner {
    /// Its Secret has not been read.
    #[error("failed to find the partner's secret: there is no AUTHORIZATION in it, or it is no value of a header")]
    FindSecret,
    /// It has failed too often, and is left alone.
    #[error("failed to ask the partner: it has failed time after time, and is left alone for {:.1} s", .0.as_secs_f64())]
    AwaitPartner(Duration),
    /// The URL, or an address of its host, is not one to be called.
    #[error("failed to call the partner")]
    CallUrl(#[source] UrlRefused),
    /// No connection came about.
    #[error("failed to connect to the partner")]
    Connect,
    /// It took too long.
    #[error("failed to get the partner's answer within {:.1} s", .0.as_secs_f64())]
    AnswerInTime(Duration),
    /// The connection broke.
    #[error("failed to read the partner's answer: the connection broke")]
    ReadWhole,
    /// An answer that is none.
    #[error("failed to get an answer: the partner's status is {0}")]
    AcceptStatus(u16),
    /// No JSON object.
    #[error("failed to read the partner's answer: it is no JSON object")]
    ReadJson,
    /// More than may be passed on.
    #[error("failed to read the partner's answer: it is larger than {limit_bytes} bytes")]
    ReadTooLarge {
        /// The limit it passed.
        limit_bytes: usize,
    },
    /// The audio to be sent is not there.
    #[error("failed to read the audio for the partner")]
    ReadAudio(#[source] std::io::Error),
}

impl AskPartner {
    /// The word for metrics and logs.
    #[must_use]
    pub const fn category(&self) -> &'static str {
        match self {
            Self::FindSecret => "partner_secret_missing",
            Self::AwaitPartner(_) => "partner_left_alone",
            Self::CallUrl(_) => "partner_not_allowed",
            Self::Connect => "partner_unreachable",
            Self::AnswerInTime(_) => "partner_timeout",
            Self::ReadWhole => "partner_broke_off",
            Self::AcceptStatus(_) => "partner_failed",
            Self::ReadJson => "partner_answer_invalid",
            Self::ReadTooLarge { .. } => "partner_answer_too_large",
            Self::ReadAudio(_) => "audio_unavailable",
        }
    }

    /// Every category, in the order above.
    pub const CATEGORIES: [&'static str; 10] = [
        "partner_secret_missing",
        "partner_left_alone",
        "partner_not_allowed",
        "partner_unreachable",
        "partner_timeout",
        "partner_broke_off",
        "partner_failed",
        "partner_answer_invalid",
        "partner_answer_too_large",
        "audio_unavailable",
    ];

    /// Whether it says that the partner is not able to work, and not only that it did not like this one request.
    const fn is_outage(&self) -> bool {
        match self {
            Self::Connect | Self::AnswerInTime(_) | Self::ReadWhole => true,
            Self::AcceptStatus(status) => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::FindSecret
            | Self::AwaitPartner(_)
            | Self::CallUrl(_)
            | Self::ReadJson
            | Self::ReadTooLarge { .. }
            | Self::ReadAudio(_) => false,
        }
    }
}

impl From<CallPartner> for AskPartner {
    fn from(error: CallPartner) -> Self {
        match error {
            CallPartner::Refuse(refused) => Self::CallUrl(refused),
            CallPartner::Connect => Self::Connect,
            CallPartner::ReadWhole => Self::ReadWhole,
        }
    }
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The request that it is for.
    pub request: &'a RequestKey,
    /// How long its answer is waited for at the most.
    pub within: Duration,
    /// How much of an answer is read.
    pub limit_bytes: usize,
}

/// A partner's code that answers an endpoint.
#[derive(Debug)]
pub struct Partner {
    plan: HttpPlan,
    client: PartnerClient,
    secret: Option<watch::Receiver<Option<SecretString>>>,
    breaker: Breaker,
    metrics: PartnerMetrics,
    endpoint: EndpointName,
}

/// The partner of every endpoint that is answered by one.
pub type Partners = HashMap<EndpointName, Arc<Partner>>;

/// Opens no connection yet. One breaker for each endpoint of the process, whichever half of the work it does.
pub fn all(config: &Config, secrets: &Secrets, metrics: &PartnerMetrics) -> Result<Partners, BuildClient> {
    let mut partners = Partners::new();
    for endpoint in &config.endpoints {
        let HandlerPlan::Http(plan) = &endpoint.handler else {
            continue;
        };
        let client = PartnerClient::new(plan.url.clone(), plan.reach, Arc::new(SystemResolver))?;
        let secret = plan.secret_name.as_ref();
        let partner = Partner {
            plan: plan.clone(),
            client,
            secret: secret.map(|name| {
                let read = secrets.authorizations.get(name).cloned();
                // One that is not among those that are read is never there.
                read.unwrap_or_else(|| watch::channel(None).1)
            }),
            breaker: Breaker::new(plan.breaker),
            metrics: metrics.clone(),
            endpoint: endpoint.name.clone(),
        };
        metrics.begin(&endpoint.name);
        partners.insert(endpoint.name.clone(), Arc::new(partner));
    }
    Ok(partners)
}

impl Partner {
    /// What it knows of a phone number or a message; none: nothing.
    pub async fn ask(&self, question: &AboutNumber<'_>, call: Call<'_>) -> Result<Option<Results>, AskPartner> {
        self.call(call, async |request: RequestBuilder| {
            Ok(question::number(request, question))
        })
        .await
    }

    /// What it makes of a recording; none: nothing.
    pub async fn analyze(
        &self,
        question: &AboutRecording<'_>,
        audio: &Path,
        call: Call<'_>,
    ) -> Result<Option<Results>, AskPartner> {
        self.call(call, async |request: RequestBuilder| {
            question::recording(request, question, audio)
                .await
                .map_err(AskPartner::ReadAudio)
        })
        .await
    }

    async fn call(
        &self,
        call: Call<'_>,
        fill: impl AsyncFnOnce(RequestBuilder) -> Result<RequestBuilder, AskPartner>,
    ) -> Result<Option<Results>, AskPartner> {
        let began = Instant::now();
        let entered = self.breaker.enter(began);
        let said = match entered {
            Err(left) => Err(AskPartner::AwaitPartner(left)),
            Ok(turn) => {
                let said = self.exchange(call, fill).await;
                turn.end(said.as_ref().is_err_and(AskPartner::is_outage), Instant::now());
                self.metrics.took(&self.endpoint, began.elapsed());
                said
            }
        };
        self.metrics.said(&self.endpoint, &said, self.breaker.is_open());
        said
    }

    async fn exchange(
        &self,
        call: Call<'_>,
        fill: impl AsyncFnOnce(RequestBuilder) -> Result<RequestBuilder, AskPartner>,
    ) -> Result<Option<Results>, AskPartner> {
        let limit = self.plan.timeout.map_or(call.within, |own| own.min(call.within));
        let request = self.begin(call, limit)?;
        let answered = async {
            let response = fill(request).await?.send().await.map_err(CallPartner::from)?;
            read(response, call.limit_bytes).await
        };
        tokio::time::timeout(limit, answered)
            .await
            .unwrap_or(Err(AskPartner::AnswerInTime(limit)))
    }

    /// What every call has in common.
    fn begin(&self, call: Call<'_>, limit: Duration) -> Result<RequestBuilder, AskPartner> {
        PartnerClient::admits(&self.plan.url, self.plan.reach).map_err(AskPartner::CallUrl)?;
        let key = call.request.idempotency_key();
        let mut request = self
            .client
            .post()
            .header(DEADLINE, u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
            .header(IDEMPOTENCY_KEY, key);
        if let Some(secret) = &self.secret {
            let secret = secret.borrow().clone().ok_or(AskPartner::FindSecret)?;
            let mut value = HeaderValue::from_str(secret.expose_secret()).map_err(|_| AskPartner::FindSecret)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests;
