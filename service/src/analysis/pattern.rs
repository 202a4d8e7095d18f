//! The regular expressions of publishers: compiled when the service starts, bounded in size, and linear in the text whatever
//! they are. Plain data: two are equal when they are written alike.

use regex::{Regex, RegexBuilder};

/// What one may become in memory; the largest that the resource's bounds allow to write need not fit.
const COMPILED_BYTES: usize = 1 << 20;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the pattern of {name}: {reason}")]
pub struct ReadPattern {
    /// The intent or the entity that it is of.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles it for the intent or entity of this name.
    pub fn new(name: &str, pattern: &str) -> Result<Self, ReadPattern> {
        let compiled = RegexBuilder::new(pattern)
            .size_limit(COMPILED_BYTES)
            .dfa_size_limit(COMPILED_BYTES)
            .build();
        compiled.map(Self).map_err(|error| ReadPattern {
            name: name.to_owned(),
            reason: explain(&error),
        })
    }

    /// Every match that has a character, as positions in the text.
    pub fn spans<'a>(&'a self, text: &'a str) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        self.0
            .find_iter(text)
            .map(|found| found.range())
            .filter(|range| !range.is_empty())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// The last line says what is wrong; those before it draw the place.
fn explain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(bytes) => format!("it needs more than {bytes} bytes"),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_cannot_be_compiled_or_grows_too_large_is_told_in_a_sentence() {
        for (pattern, expected) in [
            ("(", "failed to read the pattern of Member: unclosed group"),
            (
                r"(?=a)",
                "failed to read the pattern of Member: look-around, including look-ahead and look-behind, is not supported",
            ),
            (
                r"(a)\1",
                "failed to read the pattern of Member: backreferences are not supported",
            ),
            (
                "((a{100}){100}){100}",
                "failed to read the pattern of Member: it needs more than 1048576 bytes",
            ),
        ] {
            let refused = Pattern::new("Member", pattern).map_err(|error| error.to_string());
            assert_eq!(refused, Err(expected.to_owned()), "{pattern}");
        }
    }

    #[test]
    fn what_backtracks_elsewhere_takes_no_longer_here() -> Result<(), ReadPattern> {
        let pattern = Pattern::new("Member", "(a+)+$")?;
        let text = "a".repeat(100_000) + "b";
        assert_eq!(pattern.spans(&text).count(), 0);
        Ok(())
    }

    #[test]
    fn an_empty_match_is_none() -> Result<(), ReadPattern> {
        let pattern = Pattern::new("Member", "b*")?;
        let mut spans = pattern.spans("abba");
        assert_eq!((spans.next(), spans.next()), (Some(1..3), None));
        Ok(())
    }
}
