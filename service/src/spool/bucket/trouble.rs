//! What went wrong at an S3 store, in words that name no object, no key pair and nobody's voice: they stand in logs and in a
//! condition of the resource.

use std::error::Error;
use std::fmt;

use object_store::Error as StoreError;
use object_store::client::HttpError;

/// The longest word of a store that is repeated; its own are shorter.
const CODE_MAX_BYTES: usize = 64;

/// The words of a store that mends nothing by itself.
const REFUSALS: [&str; 6] = [
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "RequestTimeTooSkewed",
    "AuthorizationHeaderMalformed",
    "AllAccessDisabled",
];

/// Why an S3 store did not do as told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The Secret with the key pair has not been read yet.
    FindKeys,
    /// It did not answer.
    Reach,
    /// There is no such bucket.
    FindBucket,
    /// It does not let us: the key pair is wrong, or has no right to do this. The store's own word for it.
    Admit(Option<String>),
    /// It answered otherwise than it should. The store's own word for it.
    Answer(Option<String>),
    /// What it says it has is not what was sent, or what it sent is not what it has.
    Compare,
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, code) = match self {
            Self::FindKeys => ("its Secret has no key pair that can be read", &None),
            Self::Reach => ("the store does not answer", &None),
            Self::FindBucket => ("there is no such bucket", &None),
            Self::Admit(code) => ("the store does not let this key pair do it", code),
            Self::Answer(code) => ("the store answered with an error", code),
            Self::Compare => ("the store has other bytes than were sent", &None),
        };
        formatter.write_str(what)?;
        match code {
            Some(code) => write!(formatter, " ({code})"),
            None => Ok(()),
        }
    }
}

/// There is nothing to sign a request with.
#[derive(Debug, thiserror::Error)]
#[error("failed to find a key pair")]
pub(super) struct NoKeys;

impl Trouble {
    /// None where only the object itself is not there.
    pub(super) fn of(error: &StoreError) -> Option<Self> {
        let code = code_in(&error.to_string());
        Some(match error {
            _ if is_caused_by::<NoKeys>(error) => Self::FindKeys,
            _ if is_caused_by::<HttpError>(error) => Self::Reach,
            _ if code.as_deref() == Some("NoSuchBucket") => Self::FindBucket,
            StoreError::NotFound { .. } => return None,
            StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => Self::Admit(code),
            // What is listed comes without a kind.
            _ if code.as_deref().is_some_and(|code| REFUSALS.contains(&code)) => Self::Admit(code),
            _ => Self::Answer(code),
        })
    }
}

fn is_caused_by<E: Error + 'static>(error: &StoreError) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<E>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// The store's own word, as `<Code>SlowDown</Code>`. Nothing else of its answer is repeated.
fn code_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_word = (1..=CODE_MAX_BYTES).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_word.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(body: &str) -> StoreError {
        StoreError::Generic {
            store: "S3",
            source: body.into(),
        }
    }

    #[test]
    fn a_stores_own_word_is_repeated_and_nothing_else() {
        let told =
            "Error performing PUT http://store/bucket/secret-name - 503: <Error><Code>SlowDown</Code><Key>name</Key>";
        let trouble = Trouble::of(&answered(told)).expect("it is not about a missing object");
        assert_eq!(trouble.to_string(), "the store answered with an error (SlowDown)");
        for code in ["", "two words", "<script>", &"x".repeat(65)] {
            assert_eq!(code_in(&format!("<Code>{code}</Code>")), None, "{code}");
        }
    }

    #[test]
    fn what_is_missing_is_the_object_or_the_bucket() {
        let missing = |text: &str| StoreError::NotFound {
            path: "name".to_owned(),
            source: text.into(),
        };
        assert_eq!(Trouble::of(&missing("404")), None);
        assert_eq!(Trouble::of(&missing("<Code>NoSuchKey</Code>")), None);
        assert_eq!(
            Trouble::of(&missing("<Code>NoSuchBucket</Code>")),
            Some(Trouble::FindBucket)
        );
    }
}
