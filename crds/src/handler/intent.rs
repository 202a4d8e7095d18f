//! `handler.analysis.intent`: the publisher's own intents.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::pattern::{intent_name, pattern};
use crate::rules::{between, rule};

/// Finds what the speakers want. There is nothing to train: what is said is held against the phrases.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// What the speakers may want.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rule("size(self) > 0", "intent.intents must have at least one intent"),
        validation = rule("self.all(i, self.exists_one(o, o.name == i.name))", "each intent must have a name of its own"),
    )]
    pub intents: Vec<NamedIntent>,

    /// From which score on, in percent, an intent counts as said. 100 is every word of a phrase.
    #[serde(default = "threshold_percent")]
    #[schemars(range(min = 1, max = 100))]
    #[x_kube(validation = between(1, 100, "intent.thresholdPercent"))]
    pub threshold_percent: i32,
}

/// One thing that a speaker may want.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "size(self.phrases) + (has(self.patterns) ? size(self.patterns) : 0) > 0",
    "each intent must have a phrase or a pattern",
))]
pub struct NamedIntent {
    /// What the result calls it.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = intent_name())]
    pub name: String,

    /// How it is said, for example `cancel my subscription`. Rare words count more than those that many phrases have, and
    /// endings do not count: `cancelling` is `cancel`.
    #[serde(default)]
    #[schemars(length(max = 32), inner(length(min = 1, max = 256)))]
    #[x_kube(validation = rule(
        "self.all(p, p.matches('[0-9A-Za-z]'))",
        "each phrase of an intent must have a word",
    ))]
    pub phrases: Vec<String>,

    /// Regular expressions that settle it by themselves where they match a segment, in the syntax of Rust's `regex` (RE2's,
    /// without look-around and back-references). Write `(?i)` to match both cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 256)))]
    #[x_kube(validation = pattern("self.all(p, ''.matches(p) || !''.matches(p))"))]
    pub patterns: Option<Vec<String>>,
}

fn threshold_percent() -> i32 {
    70
}
