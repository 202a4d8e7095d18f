//! In which other spelling a request is signed, and what is changed of it afterwards.

use serde_json::{Value, json};

use super::pieces::Dice;
use super::{Vector, object};

/// What is changed of the signature.
#[derive(Debug, Clone, Copy)]
pub enum Spoiling {
    None,
    Emptied,
    Shortened,
    Lengthened,
    Lowered,
    Padded,
    Swapped,
}

impl Spoiling {
    const ALL: [Self; 6] = [
        Self::Emptied,
        Self::Shortened,
        Self::Lengthened,
        Self::Lowered,
        Self::Padded,
        Self::Swapped,
    ];

    pub fn of_signature(self, signature: &str) -> String {
        let swapped: String = signature.chars().rev().collect();
        match self {
            Self::None => signature.to_owned(),
            Self::Emptied => String::new(),
            Self::Shortened => signature.trim_end_matches('=').to_owned(),
            Self::Lengthened => format!("{signature}="),
            Self::Lowered => signature.to_lowercase(),
            Self::Padded => format!(" {signature}"),
            Self::Swapped => swapped,
        }
    }
}

/// Half of the requests stay as they are signed, or nearly so.
pub fn vector(class: &'static str, dice: &mut Dice, url: &str, parameters: &Value) -> Vector {
    let mut vector = Vector {
        class,
        token: "12345".to_owned(),
        signed_url: respelt(url, dice),
        signed_parameters: parameters.clone(),
        request: json!({ "url": url, "token": "12345", "params": parameters }),
        spoiling: Spoiling::None,
    };
    if !dice.one_in(4) {
        return vector;
    }
    match dice.below(8) {
        0 => vector.spoiling = Spoiling::ALL[dice.below(Spoiling::ALL.len())],
        1 => vector.request["token"] = json!("another"),
        2 => vector.request["url"] = json!(format!("{url}x")),
        3 => vector.request["url"] = json!(url.replacen("example", "exampel", 1)),
        4 => vector.signed_parameters = json!({}),
        place => vector.request["params"] = changed(parameters, place, dice),
    }
    vector
}

fn changed(parameters: &Value, how: usize, dice: &mut Dice) -> Value {
    let mut changed = object(parameters);
    let names: Vec<_> = changed.keys().cloned().collect();
    let name = names.get(dice.below(names.len())).cloned().unwrap_or_default();
    match how {
        5 => {
            changed.remove(&name);
        }
        6 => {
            changed.insert("Added".to_owned(), json!("1"));
        }
        _ => {
            changed.insert(name, json!("changed"));
        }
    }
    Value::Object(changed)
}

/// The URL in another spelling, more often than not the same.
fn respelt(url: &str, dice: &mut Dice) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (user, address) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let host_end = address.rfind(']').map_or(0, |bracket| bracket + 1);
    let host_end = address[host_end..]
        .find(':')
        .map_or(address.len(), |colon| host_end + colon);
    let host = &address[..host_end];
    match dice.below(24) {
        0 | 1 => format!("{scheme}://{user}{host}{tail}"),
        2 => format!("{scheme}://{user}{host}:443{tail}"),
        3 => format!("{scheme}://{user}{host}:80{tail}"),
        4 => format!("{scheme}://{user}{host}:8443{tail}"),
        5 => format!("{scheme}://{address}{tail}"),
        6 => format!("{scheme}://{host}{tail}"),
        7 => url.split('#').next().unwrap_or_default().to_owned(),
        8 => url.to_lowercase(),
        9 => url.replacen(scheme, &scheme.to_lowercase(), 1),
        10 => url.replace('\'', "%27"),
        11 => url.replace("%27", "'"),
        12 => url.replace('+', "%20"),
        13 => url.replace("%20", "+"),
        14 | 15 => escaped(url),
        16 => url.trim_end_matches('?').to_owned(),
        17 => format!("{scheme}://{user}{address}/{}", tail.trim_start_matches('/')),
        18 => url.split('?').next().unwrap_or_default().to_owned(),
        _ => url.to_owned(),
    }
}

fn escaped(url: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_graphic() && !b"'\"<>".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    url.bytes().map(escape).collect()
}
