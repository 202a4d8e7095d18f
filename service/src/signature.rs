//! Decides whether a request was signed with one of the add-on's tokens, and in which form. Pure: called by `server` with
//! what it read, and by `invoke` to sign.
//!
//! `X-Twilio-Signature` is the base64 of HMAC-SHA1 over the URL, followed by the form parameters in byte order of their
//! names, each as name and value without a delimiter. A JSON body is covered by its hash in the query's `bodySHA256`.
//! The signature says nothing about headers, and since nothing delimits names from values, some different requests sign
//! alike: an endpoint therefore accepts one method and one encoding.

mod url;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

pub use self::url::{EndpointUrl, Form, ReadPublicUrl};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";

/// The query parameter that carries the hash of a body which is no form.
pub const BODY_HASH_PARAMETER: &str = "bodySHA256";

const SIGNATURE_BYTES: usize = 20;

/// A name and a value of a form, decoded.
pub type Parameter = (String, String);

/// The signature that a request claims, decoded; it proves nothing yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimedSignature([u8; SIGNATURE_BYTES]);

/// What beside the URL the signature must cover.
#[derive(Clone, Copy, Debug)]
pub enum Covered<'a> {
    /// Nothing: the query has all of it.
    UrlAlone,
    /// The parameters of a form, or the text parts of a multipart body.
    Parameters(&'a [Parameter]),
    /// A body whose hash is in the query.
    BodyHash(&'a [u8]),
}

/// Proof that a request was signed: only `verify` makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How the URL was written.
    pub form: Form,
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
    /// A body that should be covered by a hash and has none, or more than one, in the query.
    #[error("failed to find the one bodySHA256 of the query")]
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

/// Tries every token over every form of the URL, in a time that does not depend on which of them matches.
pub fn verify(
    tokens: &[SecretString],
    url: &EndpointUrl,
    query: Option<&str>,
    covered: Covered<'_>,
    claimed: ClaimedSignature,
) -> Result<Verified, Unverified> {
    let parameters = match covered {
        Covered::UrlAlone => &[],
        Covered::Parameters(parameters) => parameters,
        Covered::BodyHash(body) => {
            match_body_hash(query, body)?;
            &[]
        }
    };
    let mut matched = Choice::from(0);
    let mut matched_place = 0_u16;
    let mut place = 0_u16;
    for form in Form::ALL {
        let text = signed_text(&url.text(form, query), parameters);
        for token in tokens {
            let equal = hmac(token, &text).ct_eq(&claimed.0);
            matched_place.conditional_assign(&place, equal & !matched);
            matched |= equal;
            place += 1;
        }
    }
    if !bool::from(matched) {
        return Err(Unverified::MatchSignature);
    }
    let matched_place = usize::from(matched_place);
    Ok(Verified {
        form: Form::ALL[matched_place / tokens.len()],
        token_index: matched_place % tokens.len(),
    })
}

/// Signs as Twilio does; `url` is the whole URL with its query.
#[must_use]
pub fn sign(token: &SecretString, url: &str, parameters: &[Parameter]) -> String {
    STANDARD.encode(hmac(token, &signed_text(url, parameters)))
}

/// The hash of a body as `bodySHA256` carries it: lower-case hexadecimal.
#[must_use]
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// What is signed: the URL, and every parameter in byte order of names. A name that occurs more than once is repeated with
/// each of its different values, in order, as all SDKs do that keep repeated names at all.
#[must_use]
pub fn signed_text(url: &str, parameters: &[Parameter]) -> Vec<u8> {
    let mut values_by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in parameters {
        values_by_name.entry(name).or_default().insert(value);
    }
    let mut text = url.as_bytes().to_vec();
    for (name, values) in values_by_name {
        for value in values {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(value.as_bytes());
        }
    }
    text
}

/// The hash must be in the query exactly once: with two, one reader checks the first and another the last.
fn match_body_hash(query: Option<&str>, body: &[u8]) -> Result<(), Unverified> {
    let mut hashes = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(name, _)| name == BODY_HASH_PARAMETER)
        .map(|(_, value)| value);
    let (Some(hash), None) = (hashes.next(), hashes.next()) else {
        return Err(Unverified::FindBodyHash);
    };
    let equal = body_hash(body).as_bytes().ct_eq(hash.as_bytes());
    if bool::from(equal) {
        Ok(())
    } else {
        Err(Unverified::MatchBodyHash)
    }
}

fn hmac(token: &SecretString, text: &[u8]) -> [u8; SIGNATURE_BYTES] {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(token.expose_secret().as_bytes()).expect("HMAC takes keys of every length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
