//! `handler.analysis.dtmf`: finds the keys that were pressed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Finds the keys that were pressed on a telephone: `0` to `9`, `*`, `#` and `A` to `D`, each with its channel and its
/// time. What counts as a tone is ITU-T Q.24's to say; it has no settings.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Dtmf {}
