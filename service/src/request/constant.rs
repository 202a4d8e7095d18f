//! Parameters whose value never changes: where each is, what it must be, and whether a request has it. Made by `config` with
//! the rest of the mapping, asked by `admission`; what a Secret holds of them is read by `files`.

use std::collections::{BTreeMap, BTreeSet};

use marketplace_crds::constant::{self, ValueFrom};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::ReadFields;
use super::mapping::Mapping;
use super::source::Source;
use super::values::Values;

/// A parameter with a fixed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Where it is.
    pub source: Source,
    /// What it must be.
    pub expected: Expected,
}

/// What a constant must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This text.
    Literal(String),
    /// What a Secret holds at the time.
    Secret(SecretKey),
}

/// One key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// The name of the Secret.
    pub secret: String,
    /// The key in it.
    pub key: String,
}

/// The keys that are named of each Secret.
pub type NamedKeys = BTreeMap<String, BTreeSet<String>>;

/// What the Secrets hold of the constants, as they were read last. Its `Debug` shows names alone.
#[derive(Clone, Debug, Default)]
pub struct ConstantSecrets(BTreeMap<String, BTreeMap<String, SecretString>>);

impl Constant {
    /// Reads the resource, whose own rules say that there is exactly one value. A constant with none is kept by no request.
    pub(super) fn new(constant: &constant::Constant) -> Self {
        let constant::Constant {
            name,
            value,
            value_from,
        } = constant;
        let literal = || Expected::Literal(value.clone().unwrap_or_default());
        Self {
            source: Source::parse(name),
            expected: value_from.as_ref().map_or_else(literal, Expected::secret),
        }
    }
}

impl Expected {
    fn secret(from: &ValueFrom) -> Self {
        let ValueFrom { secret_name, key } = from;
        Self::Secret(SecretKey {
            secret: secret_name.clone(),
            key: key.clone(),
        })
    }

    /// The text, if it is known.
    #[must_use]
    pub fn text<'a>(&'a self, secrets: &'a ConstantSecrets) -> Option<&'a str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Secret(SecretKey { secret, key }) => {
                let value = secrets.0.get(secret)?.get(key)?;
                Some(value.expose_secret())
            }
        }
    }
}

impl ConstantSecrets {
    /// Takes over what was read of one Secret; says whether it is something else than before.
    pub fn replace(&mut self, secret: &str, read: BTreeMap<String, SecretString>) -> bool {
        let is_same = |last: &BTreeMap<String, SecretString>| {
            let mut pairs = last.iter().zip(&read);
            last.len() == read.len()
                && pairs.all(|(one, other)| one.0 == other.0 && one.1.expose_secret() == other.1.expose_secret())
        };
        let changed = !self.0.get(secret).is_some_and(is_same);
        self.0.insert(secret.to_owned(), read);
        changed
    }

    /// A URL with none of the values in its query, for a person to read.
    #[must_use]
    pub fn hidden_in(&self, url: &str) -> String {
        let values = self.0.values().flat_map(BTreeMap::values);
        values.fold(url.to_owned(), |url, value| {
            let written: String = form_urlencoded::byte_serialize(value.expose_secret().as_bytes()).collect();
            url.replace(&format!("={written}"), "=***")
        })
    }
}

/// Whether every constant is what it must be. One may be a key, so the time does not depend on how much of it is right. One
/// whose value is not known is kept by no request.
pub fn keeps_constants(mapping: &Mapping, secrets: &ConstantSecrets, values: &Values<'_>) -> Result<bool, ReadFields> {
    let mut kept = true;
    for Constant { source, expected } in &mapping.constants {
        let sent = values.get(source)?.unwrap_or_default();
        let expected = expected.text(secrets).unwrap_or_default();
        kept &= !expected.is_empty() && bool::from(sent.as_bytes().ct_eq(expected.as_bytes()));
    }
    Ok(kept)
}

/// Whether the values of all constants are known.
#[must_use]
pub fn knows_constants(mapping: &Mapping, secrets: &ConstantSecrets) -> bool {
    let mut constants = mapping.constants.iter();
    constants.all(|constant| constant.expected.text(secrets).is_some())
}

/// The Secrets of these constants, each with the keys that are named of it.
pub fn named_keys<'a>(constants: impl Iterator<Item = &'a Constant>) -> NamedKeys {
    let mut named = NamedKeys::new();
    for Constant { source: _, expected } in constants {
        match expected {
            Expected::Literal(_) => {}
            Expected::Secret(SecretKey { secret, key }) => {
                named.entry(secret.clone()).or_default().insert(key.clone());
            }
        }
    }
    named
}
