//! Names an auth token without showing it, so that a rotation can be watched: `callback` remembers by it which token
//! Twilio took last, and the admin address tells it on `/credentials`. Pure.
//!
//! Why eight digits of a hash are safe to show: Twilio's tokens are 128 random bits. Who knows a fingerprint has ruled out
//! all but one in 2^32 of them, and 2^96 are left, each as likely as before; no dictionary and no table helps against what
//! nobody chose. The prefix makes the hash one of ours alone: a plain SHA-256 of the same token, kept somewhere else, cannot
//! be compared with it. A token that a person made up would not be safe, and Twilio takes none.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::domain::Credentials;

/// Ends in a zero byte, so that no token can continue it.
const DOMAIN: &[u8] = b"marketplace-service/auth-token-fingerprint/v1\0";

const SHOWN_BYTES: usize = 4;

/// The roles of the tokens in the order in which they are loaded.
const ROLES: [&str; 2] = ["primary", "secondary"];

/// Which token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; SHOWN_BYTES]);

impl Fingerprint {
    /// The fingerprint of a token.
    #[must_use]
    pub fn of(token: &SecretString) -> Self {
        let hash = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update(token.expose_secret())
            .finalize();
        let mut shown = [0; SHOWN_BYTES];
        shown.copy_from_slice(&hash[..SHOWN_BYTES]);
        Self(shown)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// What is told of the loaded tokens: the role and the fingerprint of each, and nothing before the first good reading.
#[must_use]
pub fn report(credentials: &Credentials) -> Value {
    let tokens: Vec<_> = ROLES
        .iter()
        .zip(&credentials.tokens)
        .map(|(role, token)| json!({ "role": role, "fingerprint": Fingerprint::of(token).to_string() }))
        .collect();
    json!({ "tokens": tokens })
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::json;
    use sha2::{Digest as _, Sha256};

    use super::{Fingerprint, report};
    use crate::domain::Credentials;

    const TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

    #[test]
    fn a_fingerprint_is_the_same_everywhere_and_no_plain_hash() {
        let shown = Fingerprint::of(&SecretString::from(TOKEN)).to_string();
        // Whoever compares fingerprints computes them by themselves: this value is part of the interface.
        let whole = Sha256::digest([b"marketplace-service/auth-token-fingerprint/v1\0", TOKEN.as_bytes()].concat());
        assert_eq!(shown, hex::encode(whole)[..8]);
        assert_ne!(shown, hex::encode(Sha256::digest(TOKEN))[..8]);
    }

    #[test]
    fn tells_the_role_of_each_token_and_no_token() {
        let of = |tokens: &[&str]| {
            report(&Credentials {
                account_sid: "AC1".to_owned(),
                tokens: tokens.iter().map(|token| SecretString::from(*token)).collect(),
            })
        };
        let shown = |token: &str| Fingerprint::of(&SecretString::from(token)).to_string();
        assert_eq!(of(&[]), json!({ "tokens": [] }));
        assert_eq!(
            of(&[TOKEN, "other"]),
            json!({ "tokens": [
                { "role": "primary", "fingerprint": shown(TOKEN) },
                { "role": "secondary", "fingerprint": shown("other") },
            ] })
        );
        assert!(!of(&[TOKEN]).to_string().contains(TOKEN));
    }
}
