//! Requests with a body that is no form, and with the hash of one in their URL.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::pieces::{self, Dice};
use super::{Vector, spoil};

pub const CLASSES: [&str; 5] = [
    "body under its hash",
    "body under another hash",
    "body under two hashes",
    "body without a hash",
    "parameters beside bodySHA256",
];

const BODIES: [&str; 4] = ["{}", "", "{\"phone\":\"+14155551212\"}", "{\"name\": \"Zoë 😀\"}\n"];

/// Signed over its URL; the body is changed afterwards now and then.
pub fn vector(class: &'static str, dice: &mut Dice) -> Vector {
    let body = dice.of(&BODIES);
    let hash = sha256(body);
    let other = sha256("another body");
    let query = match class {
        "body under another hash" => match dice.below(5) {
            0 => format!("bodySHA256={}", hash.to_uppercase()),
            1 => "bodySHA256=".to_owned(),
            2 => format!("bodysha256={hash}"),
            3 => format!("bodySHA256={hash}x"),
            _ => format!("bodySHA256={other}"),
        },
        "body under two hashes" => match dice.below(3) {
            0 => format!("bodySHA256={hash}&bodySHA256={other}"),
            1 => format!("bodySHA256={other}&bodySHA256={hash}"),
            _ => format!("bodySHA256=&bodySHA256={hash}"),
        },
        "body without a hash" => "a=1".to_owned(),
        _ => match dice.below(4) {
            0 => format!("bodySHA256={hash}"),
            1 => format!("a=1&bodySHA256={hash}&b=2"),
            2 => format!("a=it's&body%53HA256={hash}"),
            _ => format!("bodySHA256=%{:02x}{}", hash.as_bytes()[0], &hash[1..]),
        },
    };
    let url = pieces::url("plain", dice);
    let url = format!("{}?{query}", url.split('?').next().unwrap_or_default());
    if class == "parameters beside bodySHA256" {
        let parameters = pieces::parameters("plain", dice);
        return spoil::vector(class, dice, &url, &parameters);
    }
    let mut vector = spoil::vector(class, dice, &url, &json!({}));
    if class == "body without a hash" && dice.one_in(3) {
        let parameters = pieces::parameters("plain", dice);
        vector.signed_parameters = parameters;
    }
    let sent = if dice.one_in(5) {
        format!("{body} ")
    } else {
        body.to_owned()
    };
    let request = super::object(&vector.request)
        .into_iter()
        .filter(|(name, _)| name != "params");
    vector.request = request.chain([("body".to_owned(), json!(sent))]).collect();
    vector
}

fn sha256(body: &str) -> String {
    hex::encode(Sha256::digest(body))
}
