//! Lays fields out where their sources say: in the query, the body and the headers. Pure; called by `outgoing`.

use serde_json::{Map, Value};

use super::filled::Field;
use crate::request::Source;
use crate::signature::Parameter;

/// The fields of a request, each in its place.
#[derive(Debug, Default, PartialEq)]
pub struct Layout {
    /// What plain names are: parameters of the query, the form or the text parts.
    pub named: Vec<Parameter>,
    /// The same as JSON, with what pointers point at.
    pub json: Map<String, Value>,
    /// The query of a POST.
    pub query: Vec<Parameter>,
    /// The headers.
    pub headers: Vec<Parameter>,
}

impl Layout {
    /// Puts each field in its place. The same place twice is two parameters, or the last value of the JSON.
    pub fn new(fields: &[Field]) -> Self {
        let mut layout = Self::default();
        for (source, value) in fields {
            let pair = |name: &String| (name.clone(), value.clone());
            match source {
                Source::Parameter(name) => {
                    layout.named.push(pair(name));
                    layout.json.insert(name.clone(), Value::from(value.as_str()));
                }
                Source::Pointer(pointer) => {
                    let segments = pointer.split('/').skip(1);
                    let names: Vec<_> = segments
                        .map(|name| name.replace("~1", "/").replace("~0", "~"))
                        .collect();
                    insert(&mut layout.json, &names, value);
                }
                Source::Query(name) => layout.query.push(pair(name)),
                Source::Header(name) => layout.headers.push(pair(name)),
            }
        }
        layout
    }
}

/// Makes the objects on the way; what is no object there is replaced.
fn insert(object: &mut Map<String, Value>, names: &[String], value: &str) {
    let Some((first, rest)) = names.split_first() else {
        return;
    };
    if rest.is_empty() {
        object.insert(first.clone(), Value::from(value));
        return;
    }
    let member = object.entry(first.clone()).or_insert(Value::Null);
    if !member.is_object() {
        *member = Value::Object(Map::new());
    }
    if let Value::Object(inner) = member {
        insert(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Layout, Source};

    #[test]
    fn puts_each_field_where_its_source_says() {
        let fields = [
            ("phone", "1"),
            ("/contact/number", "2"),
            ("/contact/a~1b", "3"),
            ("query:apikey", "4"),
            ("header:X-My-Number", "5"),
        ]
        .map(|(source, value)| (Source::parse(source), value.to_owned()));
        let layout = Layout::new(&fields);
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(layout.named, pair("phone", "1"));
        assert_eq!(
            json!(layout.json),
            json!({"phone": "1", "contact": {"number": "2", "a/b": "3"}})
        );
        assert_eq!(layout.query, pair("apikey", "4"));
        assert_eq!(layout.headers, pair("x-my-number", "5"));
    }
}
