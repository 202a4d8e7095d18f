//! Shorthand for the CEL rules that several fields share. Called by the derives of this crate only.

use kube::core::{Message, Rule};

/// A rule with the sentence that its author reads when it fails: what is wrong, then what to write instead.
pub fn rule(expression: &str, message: &str) -> Rule {
    Rule::new(expression).message(Message::Message(message.to_owned()))
}

/// An integer between two bounds. The schema's own `minimum` and `maximum` keep the API server's cost estimate low;
/// this says the same in a sentence, and also where there is no API server.
pub fn between(minimum: i64, maximum: i64, what: &str) -> Rule {
    rule(
        &format!("self >= {minimum} && self <= {maximum}"),
        &format!("{what} must be between {minimum} and {maximum}"),
    )
}

/// The name of an object in the add-on's own namespace (RFC 1123 subdomain).
pub fn object_name(what: &str) -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$') && size(self) <= 253",
        &format!(
            "{what} must be the name of an object in the add-on's namespace: lower-case letters, digits, '-' and '.'"
        ),
    )
}

/// The base of a URL as it is registered with Twilio.
pub fn public_url() -> Rule {
    rule(
        "self.matches('^https://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",
        "publicUrl must be https://HOST[:PORT][/PATH] without user, query or fragment, as registered in the Twilio Console",
    )
}

/// Where the value of a field is found: see `crate::request`.
pub fn source(what: &str) -> Rule {
    rule(
        "self.startsWith('/') ? self.matches('^(/([^/~]|~0|~1)+)+$') : \
         self.startsWith('header:') ? self.matches('^header:[-_A-Za-z0-9]+$') : self != 'query:'",
        &format!("{what} must be a name, a JSON pointer such as /contact/number, header:NAME or query:NAME"),
    )
}

/// The same for what the signature must cover, because work or credentials hang on it.
pub fn signed_source(what: &str) -> Rule {
    rule(
        "!self.startsWith('header:')",
        &format!("{what} must not be a header: Twilio does not sign headers"),
    )
}
