//! The fields of the resource, as its schema has them, and other values to try in their place.

use std::fmt;

use serde_json::{Value, json};

/// A field that has no fields of its own.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Names of members; `[]` is the first of a list, `*` the first of a map.
    path: Vec<String>,
    schema: Value,
}

/// Every leaf below a schema, in its order.
pub fn leaves(schema: &Value) -> Vec<Leaf> {
    fn walk(path: &[String], schema: &Value, found: &mut Vec<Leaf>) {
        let below = |name: &str| [path, &[name.to_owned()]].concat();
        if let Some(members) = schema["properties"].as_object() {
            for (name, member) in members {
                walk(&below(name), member, found);
            }
        } else if schema["items"].is_object() {
            walk(&below("[]"), &schema["items"], found);
        } else if schema["additionalProperties"].is_object() {
            walk(&below("*"), &schema["additionalProperties"], found);
        } else {
            found.push(Leaf {
                path: path.to_vec(),
                schema: schema.clone(),
            });
        }
    }
    let mut found = Vec::new();
    walk(&[], schema, &mut found);
    found
}

impl Leaf {
    /// What a resource has there: of lists the first, because the others are alike.
    pub fn of<'a>(&self, resource: &'a Value) -> Option<&'a Value> {
        resource.pointer(&self.pointer(resource)?)
    }

    /// The resource with another value there; null: without it.
    pub fn with(&self, resource: &Value, value: Value) -> Value {
        let mut changed = resource.clone();
        let place = self.pointer(resource).and_then(|pointer| {
            let (parent, name) = pointer.rsplit_once('/')?;
            Some((parent.to_owned(), name.replace("~1", "/").replace("~0", "~")))
        });
        let Some((parent, name)) = place else { return changed };
        match (changed.pointer_mut(&parent), value) {
            (Some(Value::Object(members)), Value::Null) => drop(members.remove(&name)),
            (Some(Value::Object(members)), value) => drop(members.insert(name, value)),
            (Some(Value::Array(items)), value) => {
                if let Some(item) = name.parse::<usize>().ok().and_then(|position| items.get_mut(position)) {
                    *item = value;
                }
            }
            (Some(_) | None, _) => {}
        }
        changed
    }

    /// Whether a refusal of anything else is all that it can do: there is one value, or it is a consent.
    pub fn is_all_or_nothing(&self) -> bool {
        let is_only = self.schema["enum"].as_array().is_some_and(|members| members.len() == 1);
        is_only || self.schema["type"] == "object" || self.schema["type"] == "boolean"
    }

    /// Where it is in this resource: the first list or map on the way that has it.
    fn pointer(&self, resource: &Value) -> Option<String> {
        fn find(value: &Value, path: &[String], pointer: &str) -> Option<String> {
            let Some((name, rest)) = path.split_first() else {
                return Some(pointer.to_owned());
            };
            match (name.as_str(), value) {
                ("[]", Value::Array(items)) => {
                    let mut items = items.iter().enumerate();
                    items.find_map(|(position, item)| find(item, rest, &format!("{pointer}/{position}")))
                }
                ("*", Value::Object(members)) => members
                    .iter()
                    .find_map(|(name, member)| find(member, rest, &format!("{pointer}/{}", escaped(name)))),
                (name, Value::Object(members)) => {
                    find(members.get(name)?, rest, &format!("{pointer}/{}", escaped(name)))
                }
                (_, _) => None,
            }
        }
        find(&resource["spec"], &self.path, "/spec")
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path.join("."))
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Values that may be valid where this one is, and mean something else.
pub fn others(value: &Value) -> Vec<Value> {
    const TEXTS: [&str; 27] = [
        "https://other.example.com/else",
        "http://other.example.com:9090",
        "other.example.com",
        "/else",
        "198.51.100.0/24",
        "203.0.113.64/26",
        "203.0.112.0/23",
        "192.0.2.0/29",
        "7Gi",
        "750m",
        "+14155550000",
        "XBfedcba9876543210fedcba9876543210",
        "Delete",
        "Audit",
        "Enforce",
        "UrlOnly",
        "Seconds",
        "Milliseconds",
        "Query",
        "Lookup",
        "IncomingVoiceCall",
        "RECORDING_API",
        "Exists",
        "NotIn",
        "CardExpiry",
        "Basic",
        "SELECT 1 AS one WHERE :phone_number <> ''",
    ];
    match value {
        Value::Bool(is_set) => vec![json!(!is_set)],
        Value::Number(number) => match number.as_i64() {
            Some(number) => [number + 1, number - 1, number * 2, 503, 403].map(Value::from).to_vec(),
            None => number.as_f64().into_iter().map(|number| json!(number + 0.5)).collect(),
        },
        Value::String(text) => {
            let longer = [format!("{text}-else"), format!("{text}/else")];
            let texts = TEXTS.iter().filter(|other| *other != text).map(|other| json!(other));
            longer
                .into_iter()
                .map(Value::from)
                .chain(texts)
                .chain([Value::Null])
                .collect()
        }
        Value::Object(_) => vec![json!({"else": "where"}), Value::Null],
        Value::Null | Value::Array(_) => vec![Value::Null],
    }
}
