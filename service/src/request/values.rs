//! The values of one request, in whichever encoding it came, asked for by their [`Source`]. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::source::Source;
use super::{ReadFields, Sent, SentBody};
use crate::signature::{BODY_HASH_PARAMETER, Parameter};

/// What a request carries.
#[derive(Debug)]
pub struct Values<'a> {
    named: Named<'a>,
    query: &'a [Parameter],
    headers: &'a [Parameter],
}

/// What plain names are looked up in.
#[derive(Debug)]
enum Named<'a> {
    Parameters(&'a [Parameter]),
    Json(Value),
}

impl<'a> Values<'a> {
    /// Reads what was sent; for a GET the query is the place of plain names.
    pub fn read(sent: &'a Sent) -> Result<Self, ReadFields> {
        let Sent { query, body, headers } = sent;
        let named = match body {
            SentBody::Nothing => Named::Parameters(query),
            SentBody::Parameters(parameters) => Named::Parameters(parameters),
            SentBody::Bytes(bytes) => match serde_json::from_slice(bytes) {
                Ok(json @ Value::Object(_)) => Named::Json(json),
                _ => return Err(ReadFields::ReadJson),
            },
        };
        let query: &[_] = if matches!(body, SentBody::Nothing) { &[] } else { query };
        Ok(Self { named, query, headers })
    }

    /// The one value at this place. An empty one counts as one that is not there.
    pub fn get(&self, source: &Source) -> Result<Option<Cow<'_, str>>, ReadFields> {
        let found = match (source, &self.named) {
            (Source::Parameter(name), Named::Parameters(parameters)) => {
                only_value(name, parameters)?.map(Cow::Borrowed)
            }
            (Source::Parameter(name), Named::Json(json)) => json.get(name).and_then(text),
            (Source::Pointer(pointer), Named::Json(json)) => json.pointer(pointer).and_then(text),
            // The resource's rules keep pointers to JSON.
            (Source::Pointer(_), Named::Parameters(_)) => None,
            (Source::Query(name), _) => only_value(name, self.query)?.map(Cow::Borrowed),
            (Source::Header(name), _) => only_value(name, self.headers)?.map(Cow::Borrowed),
        };
        Ok(found.filter(|value| !value.is_empty()))
    }

    /// Hashes every signed value but those at these places, each delimited. The order in which they were sent does not
    /// count.
    pub fn hash_signed_but(&self, left_out: &[&Source], hash: &mut Sha256) {
        match &self.named {
            Named::Parameters(parameters) => {
                let is_left_out = |name: &str| left_out.iter().any(|source| source.is_parameter(name));
                hash_pairs(parameters.iter().filter(|(name, _)| !is_left_out(name)), hash);
            }
            Named::Json(json) => {
                let left_out: Vec<_> = left_out.iter().filter_map(|source| source.json_path()).collect();
                let left_out: Vec<_> = left_out.iter().map(Vec::as_slice).collect();
                hash_json(json, &left_out, hash);
            }
        }
        // The hash of a body differs with the callback in it.
        let is_left_out =
            |name: &str| name == BODY_HASH_PARAMETER || left_out.iter().any(|source| source.is_query(name));
        let mut query = self.query.iter().filter(|(name, _)| !is_left_out(name)).peekable();
        if query.peek().is_some() {
            hash.update(b"?");
            hash_pairs(query, hash);
        }
    }
}

fn hash_pairs<'p>(pairs: impl Iterator<Item = &'p Parameter>, hash: &mut Sha256) {
    for (name, value) in pairs.collect::<BTreeSet<_>>() {
        hash_text(name, hash);
        hash_text(value, hash);
    }
}

fn hash_text(text: &str, hash: &mut Sha256) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

/// In one pass: lists and objects by their length, members in the order of their names. `left_out` has the paths from here.
/// The parser bounds the depth.
fn hash_json(value: &Value, left_out: &[&[String]], hash: &mut Sha256) {
    let below = |segment: &str| -> Vec<&[String]> {
        let paths = left_out.iter().filter_map(|path| path.split_first());
        paths
            .filter(|(first, _)| *first == segment)
            .map(|(_, rest)| rest)
            .collect()
    };
    match value {
        Value::Object(members) => {
            hash.update(b"{");
            for (name, value) in members.iter().collect::<BTreeMap<_, _>>() {
                let below = below(name);
                if !below.iter().any(|path| path.is_empty()) {
                    hash_text(name, hash);
                    hash_json(value, &below, hash);
                }
            }
            hash.update(b"}");
        }
        Value::Array(items) => {
            hash.update(b"[");
            for (place, value) in items.iter().enumerate() {
                let below = below(&place.to_string());
                if !below.iter().any(|path| path.is_empty()) {
                    hash_json(value, &below, hash);
                }
            }
            hash.update(b"]");
        }
        Value::String(text) => {
            hash.update(b"\"");
            hash_text(text, hash);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            hash.update(b"=");
            hash_text(&value.to_string(), hash);
        }
    }
}

/// What has no one text form (null, lists, objects) is passed over.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn only_value<'a>(name: &str, parameters: &'a [Parameter]) -> Result<Option<&'a str>, ReadFields> {
    let mut values = parameters
        .iter()
        .filter(|(given, _)| given == name)
        .map(|(_, value)| value.as_str());
    let first = values.next();
    if values.any(|value| Some(value) != first) {
        return Err(ReadFields::ChooseValue);
    }
    Ok(first)
}

#[cfg(test)]
mod tests;
