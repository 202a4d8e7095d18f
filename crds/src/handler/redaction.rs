//! `handler.analysis.redaction`: what is taken out of a transcript.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern::{entity_name, pattern};
use crate::rules::rule;

/// Takes entities out of the transcript, and out of the keys that were pressed, before any other analyzer sees them:
/// `[CardNumber]` stands in their place. The result says how many there were and where, never what. The audio is not
/// changed; it is deleted as all audio is, as soon as its result is delivered or given up.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "size(self.entities) + (has(self.patterns) ? size(self.patterns) : 0) > 0",
    "redaction must have an entity or a pattern",
))]
pub struct Redaction {
    /// What is taken out. By default all.
    #[serde(default = "all_entities")]
    #[schemars(length(max = 5))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = rule("self.all(e, self.exists_one(o, o == e))", "each entity of redaction may be named once"),
    )]
    pub entities: Vec<Entity>,

    /// What else is taken out: your own numbers, by regular expressions over each segment of the transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rule("self.all(p, self.exists_one(o, o.name == p.name))", "each pattern of redaction must have a name of its own"),
    )]
    pub patterns: Option<Vec<RedactionPattern>>,
}

impl Default for Redaction {
    fn default() -> Self {
        Self {
            entities: all_entities(),
            patterns: None,
        }
    }
}

/// What is recognised without a pattern, written or spoken in English.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entity {
    /// 13 to 19 digits with the check digit of a payment card (Luhn), and those without it that follow the word for a card.
    CardNumber,
    /// The three or four digits on a card, by the words around them or behind its number.
    CardCode,
    /// Until when a card is good, by the words around it or behind its number.
    CardExpiry,
    /// A social security number of the United States, or its last four digits, by its form or the words around it.
    SocialSecurityNumber,
    /// The number of an account or of its bank, by the words around it.
    AccountNumber,
}

/// A regular expression and the name that takes the place of what it matches.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RedactionPattern {
    /// What stands in its place, in brackets, for example `MemberNumber`.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = entity_name())]
    pub name: String,

    /// In the syntax of Rust's `regex` (RE2's, without look-around and back-references), for example
    /// `\bM-[0-9]{6}\b`. Write `(?i)` to match both cases.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = pattern("''.matches(self) || !''.matches(self)"))]
    pub pattern: String,
}

fn all_entities() -> Vec<Entity> {
    vec![
        Entity::CardNumber,
        Entity::CardCode,
        Entity::CardExpiry,
        Entity::SocialSecurityNumber,
        Entity::AccountNumber,
    ]
}
