//! Decides whether a request was signed with one of the add-on's tokens, and in which form. Pure: called by `server` with
//! what it read, and by `invoke` to sign.
//!
//! `X-Twilio-Signature` is the base64 of HMAC-SHA1 over the URL, followed by the form parameters in byte order of their
//! names, each as name and value without a delimiter. A JSON body is covered by its hash in the query's `bodySHA256`.
//! The signature says nothing about headers, and since nothing delimits names from values, some different requests sign
//! alike: an endpoint therefore accepts one method and one encoding.

pub mod candidates;
pub mod covering;
mod form;
mod plan;
mod query;
mod url;
pub mod whole;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

pub use self::candidates::{Candidates, Spellings};
pub use self::covering::{BODY_HASH_PARAMETER, Coverage, Covered, Covering, Covers, body_hash};
pub use self::form::{Form, Port, Spelling};
pub use self::plan::{Purpose, SignaturePlan};
pub use self::url::{EndpointUrl, ReadPublicUrl};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";

const SIGNATURE_BYTES: usize = 20;

/// A name and a value of a form, decoded.
pub type Parameter = (String, String);

/// The signature that a request claims, decoded; it proves nothing yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimedSignature([u8; SIGNATURE_BYTES]);

/// Proof that a request was signed: only `verify` makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How the URL was written.
    pub form: Form,
    /// What of the request the signature covers.
    pub covers: Covers,
    /// The place of the token among those that were tried, the primary first.
    pub token_index: usize,
}

/// Why a request counts as unverified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// No `X-Twilio-Signature`.
    #[error("failed to find a signature")]
    FindSignature,
    /// More than one, or none that is base64 of 20 bytes.
    #[error("failed to decode the signature")]
    DecodeSignature,
    /// A body that should be covered by a hash and has none in the query.
    #[error("failed to find bodySHA256 in the query")]
    FindBodyHash,
    /// The hash in the query is another body's.
    #[error("failed to match the body with bodySHA256")]
    MatchBodyHash,
    /// No token and no form of the URL gives this signature.
    #[error("failed to match the signature")]
    MatchSignature,
}

impl Unverified {
    /// The word for metrics and logs.
    #[must_use]
    pub const fn category(self) -> &'static str {
        match self {
            Self::FindSignature => "signature_missing",
            Self::DecodeSignature => "signature_malformed",
            Self::FindBodyHash => "body_hash_missing",
            Self::MatchBodyHash => "body_hash_mismatch",
            Self::MatchSignature => "signature_mismatch",
        }
    }
}

impl ClaimedSignature {
    /// Reads the values of the header, all of them: a request with two signatures has none. Done before the body is read.
    pub fn read<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<Self, Unverified> {
        let value = values.next().ok_or(Unverified::FindSignature)?;
        if values.next().is_some() {
            return Err(Unverified::DecodeSignature);
        }
        let decoded = STANDARD.decode(value).map_err(|_| Unverified::DecodeSignature)?;
        decoded.try_into().map(Self).map_err(|_| Unverified::DecodeSignature)
    }
}

/// Tries every token over every text, in a time that does not depend on which of them matches.
pub fn verify(
    tokens: &[SecretString],
    urls: &Candidates,
    coverings: &[Covering],
    claimed: ClaimedSignature,
) -> Result<Verified, Unverified> {
    let attempts: Vec<_> = attempts(tokens, urls, coverings).collect();
    let mut matched = Choice::from(0);
    let mut matched_place = 0_u16;
    for (place, attempt) in (0_u16..).zip(&attempts) {
        let equal = attempt.signature.ct_eq(&claimed.0);
        matched_place.conditional_assign(&place, equal & !matched);
        matched |= equal;
    }
    if bool::from(matched) {
        Ok(attempts[usize::from(matched_place)].of)
    } else {
        Err(Unverified::MatchSignature)
    }
}

/// Every text that gives this signature: what `Commission` reports and `verify` explains.
#[must_use]
pub fn find_matches(
    tokens: &[SecretString],
    urls: &Candidates,
    coverings: &[Covering],
    claimed: ClaimedSignature,
) -> Vec<Verified> {
    attempts(tokens, urls, coverings)
        .filter(|attempt| attempt.signature.ct_eq(&claimed.0).into())
        .map(|attempt| attempt.of)
        .collect()
}

/// Signs as Twilio does; `url` is the whole URL with its query.
#[must_use]
pub fn sign(token: &SecretString, url: &str, parameters: &[Parameter]) -> String {
    let mut mac = keyed(token);
    mac.update(&signed_text(url, parameters));
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What is signed: the URL, and every parameter.
#[must_use]
pub fn signed_text(url: &str, parameters: &[Parameter]) -> Vec<u8> {
    let mut text = url.as_bytes().to_vec();
    text.extend(covering::parameters_text(parameters));
    text
}

/// One token over one text.
struct Attempt {
    signature: [u8; SIGNATURE_BYTES],
    of: Verified,
}

fn attempts<'a>(
    tokens: &'a [SecretString],
    urls: &'a Candidates,
    coverings: &'a [Covering],
) -> impl Iterator<Item = Attempt> {
    tokens.iter().enumerate().flat_map(move |(token_index, token)| {
        let mac = keyed(token);
        let texts = urls
            .iter()
            .flat_map(move |url| coverings.iter().map(move |covering| (url, covering)));
        texts.map(move |((form, url), covering)| {
            let mut mac = mac.clone();
            mac.update(url.as_bytes());
            mac.update(&covering.text);
            Attempt {
                signature: mac.finalize().into_bytes().into(),
                of: Verified {
                    form,
                    covers: covering.covers,
                    token_index,
                },
            }
        })
    })
}

fn keyed(token: &SecretString) -> Hmac<Sha1> {
    Hmac::new_from_slice(token.expose_secret().as_bytes()).expect("HMAC takes keys of every length")
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;
