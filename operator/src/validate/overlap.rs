//! Which token that was taken out of the Secret is still good, and until when. Pure; called by `validate`.
//!
//! The only memory is the copy of the Secret that the pods have: what is in it and no longer in the Secret was taken out
//! since the last pass. One token is kept, of two the primary: it may have signed what is on the way.

use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::jiff::Timestamp;
use marketplace_crds::credentials::{
    ACCOUNT_SID, AUTH_TOKEN, AUTH_TOKEN_PREVIOUS, AUTH_TOKEN_PREVIOUS_UNTIL, AUTH_TOKEN_SECONDARY,
};
use marketplace_crds::secret_value::accept;

use crate::dereference::{Facts, SecretContent};

/// Adds the token to the keys that are copied. Returns until when it is good, where there is one.
pub(super) fn keep(copied: &mut SecretContent, overlap_seconds: i32, facts: &Facts) -> Option<Timestamp> {
    let copy = facts.copy.as_ref()?;
    let overlap = Duration::from_secs(u64::try_from(overlap_seconds).ok()?);
    // another account's tokens prove nothing of this one's
    if overlap.is_zero() || value(copy, ACCOUNT_SID) != value(copied, ACCOUNT_SID) {
        return None;
    }
    let end = facts.now + overlap;
    let present = [AUTH_TOKEN, AUTH_TOKEN_SECONDARY].map(|key| value(copied, key));
    let is_out = |token: &&str| !present.contains(&Some(*token));
    let was = |key| value(copy, key).filter(is_out);
    let removed = was(AUTH_TOKEN)
        .or_else(|| was(AUTH_TOKEN_SECONDARY))
        .map(|token| (token, end));
    let kept = || {
        let until: Timestamp = value(copy, AUTH_TOKEN_PREVIOUS_UNTIL)?.parse().ok()?;
        // an overlap that was shortened ends sooner
        Some((was(AUTH_TOKEN_PREVIOUS)?, until.min(end))).filter(|_| facts.now < until)
    };
    let (token, until) = removed.or_else(kept)?;
    let pairs = [
        (AUTH_TOKEN_PREVIOUS, token.to_owned()),
        (AUTH_TOKEN_PREVIOUS_UNTIL, until.to_string()),
    ];
    copied
        .0
        .extend(pairs.map(|(key, value)| (key.to_owned(), ByteString(value.into_bytes()))));
    Some(until)
}

fn value<'a>(content: &'a SecretContent, key: &str) -> Option<&'a str> {
    accept(&content.0.get(key)?.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERLAP_SECONDS: i32 = 600;

    fn content(values: [&str; 4]) -> SecretContent {
        let keys = [
            AUTH_TOKEN,
            AUTH_TOKEN_SECONDARY,
            AUTH_TOKEN_PREVIOUS,
            AUTH_TOKEN_PREVIOUS_UNTIL,
        ];
        let pairs = keys.into_iter().zip(values).filter(|(_, value)| !value.is_empty());
        let pairs = pairs.chain([(ACCOUNT_SID, "AC1")]);
        SecretContent(
            pairs
                .map(|(key, value)| (key.to_owned(), ByteString(value.as_bytes().to_vec())))
                .collect(),
        )
    }

    fn facts(copy: Option<SecretContent>) -> Facts {
        Facts {
            copy,
            now: "2026-11-21T12:00:00Z".parse().expect("a time"),
            ..Facts::default()
        }
    }

    /// What is kept: the token and until when.
    fn kept(copy: [&str; 4], secret: [&str; 2], overlap_seconds: i32) -> String {
        let mut copied = content([secret[0], secret[1], "", ""]);
        let until = keep(&mut copied, overlap_seconds, &facts(Some(content(copy))));
        let written = value(&copied, AUTH_TOKEN_PREVIOUS_UNTIL).map(ToOwned::to_owned);
        assert_eq!(until.map(|until| until.to_string()), written);
        let token = value(&copied, AUTH_TOKEN_PREVIOUS).unwrap_or("-").to_owned();
        written.map_or(token.clone(), |until| format!("{token} {}", &until[11..16]))
    }

    #[test]
    fn a_token_that_is_taken_out_is_kept_for_the_overlap() {
        const LATER: &str = "2026-11-21T12:05:00Z";
        const EARLIER: &str = "2026-11-21T11:59:59Z";
        for (what, copy, secret, expected) in [
            ("nothing changes", ["a", "", "", ""], ["a", ""], "-"),
            ("a secondary comes", ["a", "", "", ""], ["a", "b"], "-"),
            ("they are swapped", ["a", "b", "", ""], ["b", "a"], "-"),
            ("the new one alone", ["a", "b", "", ""], ["b", ""], "a 12:10"),
            ("replaced at once", ["a", "", "", ""], ["b", ""], "a 12:10"),
            ("both are replaced", ["a", "b", "", ""], ["c", ""], "a 12:10"),
            ("the secondary goes", ["a", "b", "", ""], ["a", ""], "b 12:10"),
            ("later on", ["b", "", "a", LATER], ["b", ""], "a 12:05"),
            ("at the end", ["b", "", "a", EARLIER], ["b", ""], "-"),
            ("without an end", ["b", "", "a", ""], ["b", ""], "-"),
            ("it comes back", ["b", "", "a", LATER], ["b", "a"], "-"),
            ("the next goes, too", ["b", "", "a", LATER], ["c", ""], "b 12:10"),
        ] {
            assert_eq!(kept(copy, secret, OVERLAP_SECONDS), expected, "{what}");
        }
    }

    #[test]
    fn without_an_overlap_a_token_is_gone_at_once_and_a_shorter_one_ends_sooner() {
        let copy = ["b", "", "a", "2026-11-21T12:05:00Z"];
        assert_eq!(kept(["a", "", "", ""], ["b", ""], 0), "-");
        assert_eq!(kept(copy, ["b", ""], 0), "-");
        assert_eq!(kept(copy, ["b", ""], 60), "a 12:01");
    }

    #[test]
    fn the_tokens_of_another_account_and_a_first_copy_keep_nothing() {
        let mut copied = content(["b", "", "", ""]);
        assert_eq!(keep(&mut copied, OVERLAP_SECONDS, &facts(None)), None);
        let mut other = content(["a", "", "", ""]);
        other.0.insert(ACCOUNT_SID.to_owned(), ByteString(b"AC2".to_vec()));
        assert_eq!(keep(&mut copied, OVERLAP_SECONDS, &facts(Some(other))), None);
        assert_eq!(copied, content(["b", "", "", ""]));
    }
}
