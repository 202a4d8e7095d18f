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
