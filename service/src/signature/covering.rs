//! Decides what beside the URL a signature covers, and therefore what text follows the URL in what was signed. Pure: called
//! by `server` with what it read, and by `verify`.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{Parameter, Unverified};

/// The query parameter that carries the hash of a body which is no form.
pub const BODY_HASH_PARAMETER: &str = "bodySHA256";

/// What was read of a request beside its URL.
#[derive(Clone, Copy, Debug)]
pub enum Covered<'a> {
    /// Nothing: the query has all of it.
    UrlAlone,
    /// The parameters of a form, or the text parts of a multipart body.
    Parameters(&'a [Parameter]),
    /// A body whose hash is in the query.
    BodyHash(&'a [u8]),
}

/// How an endpoint's requests must be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of it: parameters, or the body by its hash.
    Strict,
    /// At least the URL.
    UrlOnly,
}

/// What a signature that matched covers; a label of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Covers {
    /// The URL, and nothing that came beside it.
    Url,
    /// Every parameter, as Twilio's libraries sign them.
    Parameters,
    /// The body, by its hash in the query.
    BodyHash,
    /// Every parameter, in the order in which they were sent. Accepted nowhere; `Commission` reports it.
    ParametersAsSent,
    /// Every parameter in order of names, equal ones repeated. Accepted nowhere; `Commission` reports it.
    ParametersRepeated,
    /// The parameters of the query, once more behind the URL. Accepted nowhere; `Commission` reports it.
    QueryParameters,
}

/// What follows the URL in what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covering {
    /// What it covers.
    pub covers: Covers,
    /// The text itself.
    pub text: Vec<u8>,
}

impl Covers {
    /// Every kind, for tables and documentation.
    pub const ALL: [Self; 6] = [
        Self::Url,
        Self::Parameters,
        Self::BodyHash,
        Self::ParametersAsSent,
        Self::ParametersRepeated,
        Self::QueryParameters,
    ];

    /// The label of the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Parameters => "parameters",
            Self::BodyHash => "body_hash",
            Self::ParametersAsSent => "parameters_as_sent",
            Self::ParametersRepeated => "parameters_repeated",
            Self::QueryParameters => "query_parameters",
        }
    }
}

impl Covering {
    const fn url(covers: Covers) -> Self {
        Self {
            covers,
            text: Vec::new(),
        }
    }

    const fn parameters(covers: Covers, text: Vec<u8>) -> Self {
        Self { covers, text }
    }
}

/// What a signature may cover to be accepted. A body hash that is there and is another body's is refused in every case.
pub fn accepted(coverage: Coverage, query: Option<&str>, covered: Covered<'_>) -> Result<Vec<Covering>, Unverified> {
    let url = Covering::url(Covers::Url);
    match covered {
        Covered::UrlAlone => Ok(vec![url]),
        Covered::Parameters(parameters) => {
            let strict = Covering::parameters(Covers::Parameters, parameters_text(parameters));
            Ok(match coverage {
                Coverage::Strict => vec![strict],
                Coverage::UrlOnly => vec![strict, url],
            })
        }
        Covered::BodyHash(body) => match (match_body_hash(query, body), coverage) {
            (Ok(()), _) => Ok(vec![Covering::url(Covers::BodyHash)]),
            (Err(Unverified::FindBodyHash), Coverage::UrlOnly) => Ok(vec![url]),
            (Err(error), _) => Err(error),
        },
    }
}

/// Everything that a signer has been known, or seen in other people's code, to cover: what `Commission` looks for.
#[must_use]
pub fn imaginable(query: Option<&str>, covered: Covered<'_>) -> Vec<Covering> {
    let mut coverings = vec![Covering::url(match covered {
        Covered::BodyHash(body) if match_body_hash(query, body).is_ok() => Covers::BodyHash,
        Covered::BodyHash(_) | Covered::UrlAlone | Covered::Parameters(_) => Covers::Url,
    })];
    if let Covered::Parameters(parameters) = covered {
        let mut sorted = parameters.to_vec();
        sorted.sort();
        coverings.extend([
            Covering::parameters(Covers::Parameters, parameters_text(parameters)),
            Covering::parameters(Covers::ParametersAsSent, joined(parameters)),
            Covering::parameters(Covers::ParametersRepeated, joined(&sorted)),
        ]);
    }
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        coverings.push(Covering::parameters(
            Covers::QueryParameters,
            parameters_text(&parameters),
        ));
    }
    let mut distinct: Vec<Covering> = Vec::with_capacity(coverings.len());
    for covering in coverings {
        if distinct.iter().all(|known| known.text != covering.text) {
            distinct.push(covering);
        }
    }
    distinct
}

/// The hash of a body as `bodySHA256` carries it: lower-case hexadecimal.
#[must_use]
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// Every parameter in byte order of names. A name that occurs more than once is repeated with each of its different values,
/// in order, as all SDKs do that keep repeated names at all.
#[must_use]
pub fn parameters_text(parameters: &[Parameter]) -> Vec<u8> {
    let mut values_by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in parameters {
        values_by_name.entry(name).or_default().insert(value);
    }
    let mut text = Vec::new();
    for (name, values) in values_by_name {
        for value in values {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(value.as_bytes());
        }
    }
    text
}

fn joined(parameters: &[Parameter]) -> Vec<u8> {
    parameters
        .iter()
        .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])
        .flatten()
        .copied()
        .collect()
}

/// The first hash in the query counts, as in all SDKs. The query is signed as a whole, so that nobody but the signer can
/// have put another before it.
fn match_body_hash(query: Option<&str>, body: &[u8]) -> Result<(), Unverified> {
    let hash = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find_map(|(name, value)| (name == BODY_HASH_PARAMETER).then_some(value))
        .ok_or(Unverified::FindBodyHash)?;
    let equal = body_hash(body).as_bytes().ct_eq(hash.as_bytes());
    if bool::from(equal) {
        Ok(())
    } else {
        Err(Unverified::MatchBodyHash)
    }
}
