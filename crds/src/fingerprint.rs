//! Names an auth token without showing it, so that a rotation can be watched: the service tells on its admin address which
//! tokens it has loaded, and the operator compares that with what the Secret gives. Pure.
//!
//! Why eight digits of a hash are safe to show: Twilio's tokens are 128 random bits. Who knows a fingerprint has ruled out
//! all but one in 2^32 of them, and 2^96 are left, each as likely as before; no dictionary and no table helps against what
//! nobody chose. The prefix makes the hash one of ours alone: a plain SHA-256 of the same token, kept somewhere else, cannot
//! be compared with it. A token that a person made up would not be safe, and Twilio takes none.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Ends in a zero byte, so that no token can continue it.
const DOMAIN: &[u8] = b"marketplace-service/auth-token-fingerprint/v1\0";

const SHOWN_BYTES: usize = 4;

/// The path of the admin address that tells the fingerprints.
pub const PATH: &str = "/credentials";

/// Which token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; SHOWN_BYTES]);

impl Fingerprint {
    /// The fingerprint of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(token).finalize();
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

/// What a token is to Twilio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenRole {
    /// Twilio signs with it.
    Primary,
    /// Twilio will sign with it once it is promoted.
    Secondary,
    /// It was taken out of the Secret, and is still taken for a while.
    Previous,
}

impl TokenRole {
    /// All of them, in the order in which tokens are tried.
    pub const ALL: [Self; 3] = [Self::Primary, Self::Secondary, Self::Previous];

    /// The word as it is reported.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Previous => "previous",
        }
    }
}

/// What a pod tells of its tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One for each loaded token.
    pub tokens: Vec<Told>,
}

/// What a pod tells of one token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What it is to Twilio.
    pub role: TokenRole,
    /// Its fingerprint.
    pub fingerprint: String,
}

impl Report {
    /// Tells of these.
    #[must_use]
    pub fn of(tokens: impl IntoIterator<Item = (TokenRole, Fingerprint)>) -> Self {
        let told = |(role, fingerprint): (TokenRole, Fingerprint)| Told {
            role,
            fingerprint: fingerprint.to_string(),
        };
        Self {
            tokens: tokens.into_iter().map(told).collect(),
        }
    }

    /// The fingerprint of the token in this role.
    #[must_use]
    pub fn get(&self, role: TokenRole) -> Option<&str> {
        let told = self.tokens.iter().find(|told| told.role == role);
        told.map(|told| told.fingerprint.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

    #[test]
    fn a_fingerprint_is_the_same_everywhere_and_no_plain_hash() {
        let shown = Fingerprint::of(TOKEN).to_string();
        // Whoever compares fingerprints computes them by themselves: this value is part of the interface.
        let whole = Sha256::digest([b"marketplace-service/auth-token-fingerprint/v1\0", TOKEN.as_bytes()].concat());
        assert_eq!(shown, hex::encode(whole)[..8]);
        assert_ne!(shown, hex::encode(Sha256::digest(TOKEN))[..8]);
    }

    #[test]
    fn a_report_reads_back_as_it_was_told() -> Result<(), serde_json::Error> {
        let report = Report::of([(TokenRole::Primary, Fingerprint::of(TOKEN))]);
        let told = serde_json::to_string(&report)?;
        assert!(told.contains(r#""role":"primary""#) && !told.contains(TOKEN), "{told}");
        assert_eq!(serde_json::from_str::<Report>(&told)?, report);
        assert_eq!(report.get(TokenRole::Secondary), None);
        Ok(())
    }
}
