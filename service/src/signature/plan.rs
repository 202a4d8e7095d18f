//! What the resource says of an endpoint's signatures, as `server` works with it. Made by `config`.

use marketplace_crds::signature::{Signature, SignatureMode};

use super::{Coverage, Spellings, query};

/// How the requests of one endpoint are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignaturePlan {
    /// What a signature is for.
    pub purpose: Purpose,
    /// In which spellings of the URL.
    pub spellings: Spellings,
    /// Whether Twilio is to repeat a request whose signature does not match.
    pub is_retried: bool,
}

/// What becomes of a request by its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is accepted when this much of it is covered.
    Accept(Coverage),
    /// Nothing is accepted; it is told what is covered.
    Commission,
}

/// Also for a path that is no endpoint's.
impl Default for SignaturePlan {
    fn default() -> Self {
        Self {
            purpose: Purpose::Accept(Coverage::Strict),
            spellings: Spellings::default(),
            is_retried: false,
        }
    }
}

impl From<&Signature> for SignaturePlan {
    fn from(signature: &Signature) -> Self {
        let Signature {
            mode,
            url_template,
            legacy_query,
            unverified_status,
        } = signature;
        let registered_query = url_template.as_deref().and_then(|url| url.split_once('?'));
        Self {
            purpose: match mode {
                SignatureMode::Strict => Purpose::Accept(Coverage::Strict),
                SignatureMode::UrlOnly => Purpose::Accept(Coverage::UrlOnly),
                SignatureMode::Commission => Purpose::Commission,
            },
            spellings: Spellings {
                legacy_query: *legacy_query,
                template: registered_query.map_or_else(Vec::new, |(_, query)| query::names(query)),
            },
            is_retried: *unverified_status == 503,
        }
    }
}
