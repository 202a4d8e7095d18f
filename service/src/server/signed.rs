//! Whether a request that was read is proven to be Twilio's: by its signature, and then by the password of its endpoint
//! where one is asked for. Called by `server` before anything is done for the request.

use std::collections::HashMap;

use axum::http::HeaderMap;
use secrecy::SecretString;
use tokio::sync::watch;

use super::verdict::Verdict;
use crate::config::{Config, Endpoint};
use crate::domain::EndpointName;
use crate::files::{BasicCredentials, Carried, Secrets};
use crate::metrics::Metrics;
use crate::signature::{
    self, Candidates, ClaimedSignature, Coverage, Covered, EndpointUrl, Purpose, SignaturePlan, Unverified, Verified,
    covering,
};

/// A request as far as its signature goes.
pub struct Claim<'a> {
    /// What signatures are tried with.
    pub tokens: &'a [SecretString],
    /// The endpoint's URL.
    pub url: &'a EndpointUrl,
    /// The query as it came.
    pub query: Option<&'a str>,
    /// What was read beside it.
    pub covered: Covered<'a>,
    /// What its header says.
    pub claimed: ClaimedSignature,
}

impl Claim<'_> {
    /// Verifies as the endpoint wants it; a path that is no endpoint's is verified by the defaults.
    pub fn judge(&self, endpoint: Option<&Endpoint>, metrics: &Metrics) -> Result<Verified, Verdict> {
        let fallback = SignaturePlan::default();
        let plan = endpoint.map_or(&fallback, |endpoint| &endpoint.signature);
        let coverage = match plan.purpose {
            Purpose::Accept(coverage) => coverage,
            Purpose::Commission => {
                self.report(plan, endpoint, metrics);
                return Err(Verdict::Unavailable("commission"));
            }
        };
        let verified = self.verify(plan, coverage).map_err(|error| verdict(plan, error))?;
        if coverage == Coverage::UrlOnly {
            metrics.record_match(endpoint, verified);
        }
        Ok(verified)
    }

    fn verify(&self, plan: &SignaturePlan, coverage: Coverage) -> Result<Verified, Unverified> {
        let coverings = covering::accepted(coverage, self.query, self.covered)?;
        let urls = Candidates::of_endpoint(self.url, self.query, &plan.spellings);
        signature::verify(self.tokens, &urls, &coverings, self.claimed)
    }

    /// Tells the names of the texts that match, never the texts.
    fn report(&self, plan: &SignaturePlan, endpoint: Option<&Endpoint>, metrics: &Metrics) {
        let coverings = covering::imaginable(self.query, self.covered);
        let urls = Candidates::of_endpoint(self.url, self.query, &plan.spellings);
        let matches = signature::find_matches(self.tokens, &urls, &coverings, self.claimed);
        let name = endpoint.map(|endpoint| endpoint.name.as_str());
        for found in &matches {
            metrics.record_match(endpoint, *found);
            let (form, covers) = (found.form.as_str(), found.covers.as_str());
            tracing::warn!(
                endpoint = name,
                form,
                covers,
                token = found.token_index,
                "commission: the signature matches"
            );
        }
        if matches.is_empty() {
            let tried = urls.len() * coverings.len() * self.tokens.len();
            tracing::warn!(
                endpoint = name,
                tried,
                "commission: the signature matches nothing that was tried"
            );
        }
    }
}

/// Only a signature may be right for a token that has not come yet; what else is wrong stays wrong.
fn verdict(plan: &SignaturePlan, error: Unverified) -> Verdict {
    if plan.is_retried && error == Unverified::MatchSignature {
        Verdict::Unavailable(error.category())
    } else {
        Verdict::Unverified(error.category())
    }
}

/// The passwords of the endpoints that ask for one.
pub struct Passwords(HashMap<EndpointName, watch::Receiver<Option<BasicCredentials>>>);

impl Passwords {
    /// Those of all endpoints, as the files have them now and later.
    #[must_use]
    pub fn all(config: &Config, secrets: &Secrets) -> Self {
        let endpoints = config.endpoints.iter();
        let passwords = endpoints.filter_map(|endpoint| {
            let secret = endpoint.basic_auth_secret.as_ref()?;
            let seen = secrets.basic_credentials.get(secret);
            let seen = seen.expect("every Secret of an endpoint is among the names that are read");
            Some((endpoint.name.clone(), seen.clone()))
        });
        Self(passwords.collect())
    }

    /// Asked after the signature, so that nobody but Twilio is told that there is a password.
    pub fn check(&self, endpoint: Option<&Endpoint>, headers: &HeaderMap) -> Result<(), Verdict> {
        let Some(wanted) = endpoint.and_then(|endpoint| self.0.get(&endpoint.name)) else {
            return Ok(());
        };
        let wanted = wanted.borrow();
        let wanted = wanted.as_ref().ok_or(Verdict::Unavailable("no_password"))?;
        match wanted.carried_by(headers) {
            Carried::Right => Ok(()),
            Carried::Nothing => Err(Verdict::Challenged),
            Carried::Wrong => Err(Verdict::Unverified("password_wrong")),
        }
    }
}
