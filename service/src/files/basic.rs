//! The name and the password that an endpoint asks for beside the signature, read from the files of a Secret and compared
//! with what a request carries. Kept by `files`, asked by `server`.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use marketplace_crds::signature::{PASSWORD, USERNAME};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::secret::{ReadSecret, SecretFolder};

/// What `Authorization` must say.
#[derive(Clone, Debug)]
pub struct BasicCredentials(SecretString);

/// What a request carries in `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Nothing yet.
    Nothing,
    /// The name and the password.
    Right,
    /// Something else, or more than one.
    Wrong,
}

impl BasicCredentials {
    /// Reads both keys of the Secret.
    pub fn read(folder: &SecretFolder) -> Result<Self, ReadSecret> {
        let (username, password) = (folder.required(USERNAME)?, folder.required(PASSWORD)?);
        Ok(Self::new(username.expose_secret(), password.expose_secret()))
    }

    /// The same from their texts.
    #[must_use]
    pub fn new(username: &str, password: &str) -> Self {
        Self(STANDARD.encode(format!("{username}:{password}")).into())
    }

    /// The value of `Authorization`, as Twilio sends it when it is asked to.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        let text = format!("Basic {}", self.0.expose_secret());
        let mut value = HeaderValue::try_from(text).expect("base64 can stand in a header");
        value.set_sensitive(true);
        value
    }

    /// Whether another reading gave the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }

    /// Compares, in a time that does not depend on how much of it is right.
    #[must_use]
    pub fn carried_by(&self, headers: &HeaderMap) -> Carried {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Carried::Nothing;
        };
        let (scheme, given) = value.as_bytes().split_at(value.len().min("Basic ".len()));
        let is_right = scheme.eq_ignore_ascii_case(b"Basic ")
            && bool::from(given.trim_ascii().ct_eq(self.0.expose_secret().as_bytes()));
        if is_right && values.next().is_none() {
            Carried::Right
        } else {
            Carried::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{AUTHORIZATION, InvalidHeaderValue};
    use axum::http::{HeaderMap, HeaderValue};

    use super::{BasicCredentials, Carried};

    #[test]
    fn accepts_the_name_and_the_password_and_nothing_else() -> Result<(), InvalidHeaderValue> {
        let wanted = BasicCredentials::new("twilio", "pass:word");
        for (values, carried) in [
            (&[][..], Carried::Nothing),
            (&["Basic dHdpbGlvOnBhc3M6d29yZA=="], Carried::Right),
            (&["basic  dHdpbGlvOnBhc3M6d29yZA=="], Carried::Right),
            (&["Basic dHdpbGlvOnBhc3M6d29yZA"], Carried::Wrong),
            (&["Basic dHdpbGlvOnBhc3M="], Carried::Wrong),
            (&["Bearer dHdpbGlvOnBhc3M6d29yZA=="], Carried::Wrong),
            (&["Basic "], Carried::Wrong),
            (&["Basi"], Carried::Wrong),
            (&[""], Carried::Wrong),
            (
                &["Basic dHdpbGlvOnBhc3M6d29yZA==", "Basic dHdpbGlvOnBhc3M6d29yZA=="],
                Carried::Wrong,
            ),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value)?);
            }
            assert_eq!(wanted.carried_by(&headers), carried, "{values:?}");
        }
        let own = [(AUTHORIZATION, wanted.header())];
        assert_eq!(wanted.carried_by(&own.into_iter().collect()), Carried::Right);
        assert!(!format!("{wanted:?} {:?}", wanted.header()).contains("dHdpbGlv"));
        Ok(())
    }
}
