//! Shorthand for the rules of what publishers write themselves: names of their own, and regular expressions.

use kube::core::Rule;

use crate::rules::rule;

/// Whoever evaluates the rule compiles the expression: one that cannot be compiled fails it. The service compiles it again
/// when it starts, and bounds its size.
pub(super) fn pattern(expression: &str) -> Rule {
    rule(
        expression,
        "a pattern must be a regular expression in the syntax of RE2, without look-around and back-references",
    )
}

/// The name of an intent.
pub(super) fn intent_name() -> Rule {
    rule(
        "self.matches('^[A-Za-z][-_A-Za-z0-9]*$')",
        "the name of an intent must be letters, digits, '-' and '_', and begin with a letter",
    )
}

/// The name of an entity, which takes the place of what is taken out.
pub(super) fn entity_name() -> Rule {
    rule(
        "self.matches('^[A-Za-z][A-Za-z0-9]*$') && !(self in ['CardNumber', 'CardCode', 'CardExpiry', 'SocialSecurityNumber', 'AccountNumber'])",
        "the name of a redaction pattern must be letters and digits, begin with a letter, and be no entity's",
    )
}
