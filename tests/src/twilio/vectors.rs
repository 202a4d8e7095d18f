//! Requests for the comparison with Twilio's libraries, made from a seed: each has one thing out of the ordinary, its class,
//! and is signed as it is, in another spelling, or spoilt afterwards. What the verdict should be is nobody's opinion: the
//! libraries give it.

mod bodies;
mod pieces;
mod spoil;

use serde_json::{Map, Value, json};

pub use pieces::Dice;

/// A request, what of it is signed, and what happens to it then.
#[derive(Debug, Clone)]
pub struct Vector {
    /// What is out of the ordinary.
    pub class: &'static str,
    /// The token with which it is signed.
    pub token: String,
    /// The URL that is signed.
    pub signed_url: String,
    /// The parameters that are signed.
    pub signed_parameters: Value,
    /// The request as it arrives, but for its signature.
    pub request: Value,
    spoiling: spoil::Spoiling,
}

impl Vector {
    /// What a signer is asked.
    pub fn unsigned(&self) -> Value {
        json!({ "token": self.token, "url": self.signed_url, "parameters": self.signed_parameters })
    }

    /// The request with its signature, spoilt where it is to be.
    pub fn signed(&self, signature: &str) -> Value {
        let mut request = self.request.clone();
        request["signature"] = Value::from(self.spoiling.of_signature(signature));
        request
    }
}

/// The classes whose URL is special; the others are about what comes with it.
const URL_CLASSES: [&str; 19] = [
    "plain",
    "user and password",
    "IPv6 address",
    "fragment",
    "scheme in capitals",
    "host in capitals",
    "host beyond ASCII",
    "another scheme",
    "no path",
    "empty query",
    "quotes, blanks or letters beyond ASCII in the query",
    "other marks in the query",
    "escapes in the query",
    "repeated or empty pairs in the query",
    "marks in the path",
    "dot segments",
    "odd port",
    "no URL",
    "several at once",
];

const PARAMETER_CLASSES: [&str; 6] = [
    "empty names and values",
    "parameters beyond ASCII",
    "names beyond the BMP",
    "lists of values",
    "blanks in parameters",
    "token",
];

/// As many requests as asked for, the same for the same seed.
pub fn vectors(seed: u64, count: usize) -> Vec<Vector> {
    let mut dice = Dice::new(seed);
    let kinds = URL_CLASSES.len() + PARAMETER_CLASSES.len() + bodies::CLASSES.len();
    (0..count)
        .map(|place| {
            let kind = place % kinds;
            if let Some(class) = URL_CLASSES.get(kind) {
                return url_vector(class, &mut dice);
            }
            match PARAMETER_CLASSES.get(kind - URL_CLASSES.len()) {
                Some(class) => parameter_vector(class, &mut dice),
                None => bodies::vector(
                    bodies::CLASSES[kind - URL_CLASSES.len() - PARAMETER_CLASSES.len()],
                    &mut dice,
                ),
            }
        })
        .collect()
}

fn url_vector(class: &'static str, dice: &mut Dice) -> Vector {
    let url = pieces::url(class, dice);
    let parameters = if dice.one_in(3) {
        json!({})
    } else {
        pieces::parameters("plain", dice)
    };
    spoil::vector(class, dice, &url, &parameters)
}

fn parameter_vector(class: &'static str, dice: &mut Dice) -> Vector {
    let (url, parameters) = (pieces::url("plain", dice), pieces::parameters(class, dice));
    let mut vector = spoil::vector(class, dice, &url, &parameters);
    if class == "token" {
        dice.of(&["", " ", "tökén", "0123456789abcdef0123456789abcdef"])
            .clone_into(&mut vector.token);
        vector.request["token"] = Value::from(vector.token.as_str());
    }
    vector
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
