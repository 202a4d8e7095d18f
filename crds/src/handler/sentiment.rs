//! `handler.analysis.sentiment`: how positive or negative the words are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Says how positive or negative the words are, by VADER: a lexicon of English with rules for negation, emphasis and
/// contrast. It has no settings.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Sentiment {}
