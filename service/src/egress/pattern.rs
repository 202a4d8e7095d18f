//! Decides whether a host is one of those that a pattern names: one host, or all names below one (`*.twilio.com`).

use std::str::FromStr;

/// Why a text is no host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read host pattern {0:?}: want a host name, an address, or *. and a host name")]
pub struct PatternError(String);

/// A host, or every name below one. Never every host: a pattern has something after its star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    below: bool,
    name: String,
}

impl HostPattern {
    /// Whether the host, as a parsed URL spells it, is meant. `*.twilio.com` means `api.twilio.com` and
    /// `a.b.twilio.com`, neither `twilio.com` nor `eviltwilio.com`.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if self.below {
            host.strip_suffix(&self.name)
                .and_then(|front| front.strip_suffix('.'))
                .is_some_and(|front| !front.is_empty())
        } else {
            host == self.name
        }
    }
}

impl FromStr for HostPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let is_part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let is_name = name.split('.').all(is_part);
        let is_address = !below && name.starts_with('[') && name.ends_with(']');
        if is_name || is_address {
            Ok(Self {
                below,
                name: name.to_ascii_lowercase(),
            })
        } else {
            Err(PatternError(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_one_host_or_the_names_below_it() -> Result<(), PatternError> {
        for (pattern, host, meant) in [
            ("*.twilio.com", "api.twilio.com", true),
            ("*.twilio.com", "API.Twilio.Com", true),
            ("*.twilio.com", "api.twilio.com.", true),
            ("*.twilio.com", "a.b.twilio.com", true),
            ("*.twilio.com", "twilio.com", false),
            ("*.twilio.com", ".twilio.com", false),
            ("*.twilio.com", "eviltwilio.com", false),
            ("*.twilio.com", "api.twilio.com.evil.example", false),
            ("api.twilio.com", "api.twilio.com", true),
            ("api.twilio.com", "x.api.twilio.com", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("[::1]", "[::1]", true),
            ("localhost", "localhost", true),
        ] {
            assert_eq!(pattern.parse::<HostPattern>()?.matches(host), meant, "{pattern} {host}");
        }
        Ok(())
    }

    #[test]
    fn no_pattern_means_every_host() {
        for text in [
            "",
            "*",
            "*.",
            "*.*",
            "a.*.com",
            "https://api.twilio.com",
            "api.twilio.com:443",
            "api..com",
            "a b",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text:?}");
        }
    }
}
