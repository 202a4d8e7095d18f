//! Decides what may be wrong with a request whose signature does not match: every mistake that is known is undone in turn,
//! and what then matches names its cause. Pure; called by `verify`.

mod bodies;
mod parameters;
mod urls;

use secrecy::SecretString;
use url::Url;

use crate::signature::{
    Candidates, ClaimedSignature, Coverage, Covered, Covering, Covers, Parameter, Unverified, Verified, covering,
    find_matches, verify, whole,
};

/// What is known of one request.
pub struct Inquiry {
    /// What its signature is tried with.
    pub tokens: Vec<SecretString>,
    /// Its URL, whole.
    pub url: String,
    /// Other URLs that may have been signed.
    pub also_urls: Vec<String>,
    /// What was sent as a form or as text parts.
    pub parameters: Vec<Parameter>,
    /// What was sent instead, and is no form.
    pub body: Option<Vec<u8>>,
    /// Its signature, as far as it is one.
    pub claimed: Result<ClaimedSignature, Unverified>,
}

/// What was found.
pub struct Explanation {
    /// The verdict.
    pub verified: Result<Verified, Unverified>,
    /// The texts that were tried for it.
    pub candidates: Candidates,
    /// What would match, each with its cause. Empty for a valid request.
    pub causes: Vec<String>,
}

/// A mistake, and the request as it would be without it.
pub struct Suspicion {
    /// The sentence that is told when it proves right.
    pub cause: String,
    /// The URL without the mistake.
    pub url: String,
    /// What else was signed.
    pub text: Vec<u8>,
}

impl Inquiry {
    /// The verdict, and its causes.
    pub fn explain(&self) -> Explanation {
        let url = self.signed_url();
        let candidates = Candidates::of_whole(&url);
        let verified = self.claimed.and_then(|claimed| {
            let coverings = covering::accepted(Coverage::Strict, query(&url).as_deref(), self.covered())?;
            verify(&self.tokens, &candidates, &coverings, claimed)
        });
        let causes = match (verified, self.claimed) {
            (Ok(_), _) | (Err(_), Err(_)) => Vec::new(),
            (Err(error), Ok(claimed)) => self.causes(&url, error, claimed),
        };
        Explanation {
            verified,
            candidates,
            causes,
        }
    }

    /// What was read beside the URL.
    pub fn covered(&self) -> Covered<'_> {
        match &self.body {
            Some(body) => Covered::BodyHash(body),
            None => Covered::Parameters(&self.parameters),
        }
    }

    /// Without user, password and fragment, which Twilio never signs.
    fn signed_url(&self) -> String {
        let url = self.url.split('#').next().unwrap_or_default();
        whole::without_user(url).unwrap_or_else(|| url.to_owned())
    }

    fn causes(&self, url: &str, error: Unverified, claimed: ClaimedSignature) -> Vec<String> {
        let mut causes = Vec::new();
        for Suspicion { cause, url, text } in self.suspicions(url, error) {
            let covers = Covers::Parameters;
            let found = find_matches(
                &self.tokens,
                &Candidates::of_whole(&url),
                &[Covering { covers, text }],
                claimed,
            );
            if !found.is_empty() && !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        causes
    }

    fn suspicions(&self, url: &str, error: Unverified) -> Vec<Suspicion> {
        let text = match &self.body {
            Some(_) => Vec::new(),
            None => covering::parameters_text(&self.parameters),
        };
        let mut suspicions = Vec::new();
        if error == Unverified::MatchBodyHash {
            suspicions.extend(bodies::suspicions(self.body.as_deref().unwrap_or_default(), url));
        }
        if error == Unverified::FindBodyHash {
            suspicions.extend(bodies::without_hash(self.body.as_deref().unwrap_or_default(), url));
        }
        suspicions.extend(parameters::suspicions(&self.parameters, url));
        let others = urls::variants(url, &self.url)
            .into_iter()
            .chain(urls::given(url, &self.also_urls));
        for (cause, url) in others {
            if !text.is_empty() {
                suspicions.push(Suspicion {
                    cause: format!("{cause}; and the signature covers the URL alone"),
                    url: url.clone(),
                    text: Vec::new(),
                });
            }
            suspicions.push(Suspicion {
                cause,
                url,
                text: text.clone(),
            });
        }
        suspicions
    }
}

/// The query, as a URL library reads it.
pub fn query(url: &str) -> Option<String> {
    Url::parse(url).ok().and_then(|url| url.query().map(str::to_owned))
}

#[cfg(test)]
mod tests;
