//! The values of one request, in whichever encoding it came, asked for by their [`Source`]. Pure.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::source::{Source, pointer_to};
use super::{ReadFields, Sent, SentBody};
use crate::signature::{BODY_HASH_PARAMETER, Parameter};

/// How deep a JSON body is looked into for the fields that tell two requests apart. `serde_json` parses to 128.
const DEPTH_LIMIT: usize = 128;

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

    /// Every signed value with a name that no other has, but those at these places.
    #[must_use]
    pub fn signed_but(&self, left_out: &[&Source]) -> BTreeSet<(String, String)> {
        let mut signed = BTreeSet::new();
        match &self.named {
            Named::Parameters(parameters) => signed.extend(
                parameters
                    .iter()
                    .filter(|(name, _)| {
                        !left_out
                            .iter()
                            .any(|source| matches!(source, Source::Parameter(own) if own == name))
                    })
                    .cloned(),
            ),
            Named::Json(json) => {
                let left_out: Vec<_> = left_out.iter().filter_map(|source| pointer(source)).collect();
                collect(json, &mut String::new(), &left_out, &mut signed);
            }
        }
        // The hash of a body differs with the callback in it.
        let query = self.query.iter().filter(|(name, _)| {
            name != BODY_HASH_PARAMETER
                && !left_out
                    .iter()
                    .any(|source| matches!(source, Source::Query(own) if own == name))
        });
        signed.extend(query.map(|(name, value)| (format!("?{name}"), value.clone())));
        signed
    }
}

fn pointer(source: &Source) -> Option<String> {
    match source {
        Source::Parameter(name) => Some(pointer_to(name)),
        Source::Pointer(pointer) => Some(pointer.clone()),
        Source::Query(_) | Source::Header(_) => None,
    }
}

/// Every leaf by its pointer. Lists and objects that are empty have a text of their own, so that they count too.
fn collect(value: &Value, at: &mut String, left_out: &[String], into: &mut BTreeSet<(String, String)>) {
    if left_out.contains(at) || at.matches('/').count() > DEPTH_LIMIT {
        return;
    }
    let mut descend = |segment: String, value: &Value| {
        let length = at.len();
        at.push_str(&segment);
        collect(value, at, left_out, into);
        at.truncate(length);
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                descend(pointer_to(name), value);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (place, value) in items.iter().enumerate() {
                descend(format!("/{place}"), value);
            }
        }
        Value::String(text) => {
            into.insert((at.clone(), text.clone()));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            into.insert((at.clone(), value.to_string()));
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
