//! What of the loaded tokens may be told: `callback` remembers by its fingerprint which token Twilio took last, and the
//! admin address tells the fingerprints on `/credentials`. Pure; what a fingerprint is, and why it is safe to show, stands
//! with [`marketplace_crds::fingerprint`].

pub use marketplace_crds::fingerprint::{Fingerprint, PATH, Report};
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::Credentials;

/// The fingerprint of a token.
#[must_use]
pub fn of(token: &SecretString) -> Fingerprint {
    Fingerprint::of(token.expose_secret())
}

/// What is told of the loaded tokens: the role and the fingerprint of each, and nothing before the first good reading.
#[must_use]
pub fn report(credentials: &Credentials) -> Report {
    Report::of(credentials.by_role().map(|(role, token)| (role, of(token))))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::json;

    use super::{of, report};
    use crate::domain::Credentials;

    const TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

    #[test]
    fn tells_the_role_of_each_token_and_no_token() -> Result<(), serde_json::Error> {
        let credentials = |secondary: Option<&str>| {
            let secondary = secondary.map(SecretString::from);
            Credentials::new("AC1".to_owned(), SecretString::from(TOKEN), secondary)
        };
        let told = |credentials: &Credentials| serde_json::to_value(report(credentials));
        let token = |role: &str, token: &str| json!({ "role": role, "fingerprint": of(&SecretString::from(token)).to_string() });
        assert_eq!(told(&Credentials::default())?, json!({ "tokens": [] }));
        assert_eq!(
            told(&credentials(Some("other")))?,
            json!({ "tokens": [token("primary", TOKEN), token("secondary", "other")] })
        );
        let previous = credentials(None).with_previous(SecretString::from("earlier"));
        assert_eq!(
            told(&previous)?,
            json!({ "tokens": [token("primary", TOKEN), token("previous", "earlier")] })
        );
        assert!(!told(&previous)?.to_string().contains(TOKEN));
        Ok(())
    }
}
