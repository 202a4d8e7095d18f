//! Audio that a request names by a URL instead of bringing it. Made by `admission`, kept by `queue`, followed by `fetch`.

use super::{AudioFormat, AudioUrl, RawFormat, SpoolKey, StoredAudio};

/// Audio that is still where its URL leads, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteAudio {
    /// Where it is.
    pub url: AudioUrl,
    /// How many bytes there are, if that is said.
    pub bytes: Option<u64>,
    /// What the samples are, if the format has no header.
    pub raw: Option<RawFormat>,
}

impl StoredAudio {
    /// The place of audio that is not there yet: a name that no file has.
    #[must_use]
    pub fn awaited() -> Self {
        Self {
            key: SpoolKey::random(),
            bytes: 0,
            sha256_hex: String::new(),
        }
    }
}

impl AudioFormat {
    /// What is known of audio that nobody has measured yet.
    pub const UNKNOWN: Self = Self {
        channels: 0,
        sample_rate_hertz: 0,
        bits_per_sample: 0,
        seconds: 0.0,
    };
}

#[cfg(test)]
mod tests {
    use super::AudioUrl;
    use crate::domain::DomainError;

    #[test]
    fn shows_only_the_host_of_a_recording() -> Result<(), DomainError> {
        let url = AudioUrl::parse("https://user:word@media.example.com:8443/secret/path?signature=1")?;
        assert_eq!(url.to_string(), "media.example.com");
        assert_eq!(format!("{url:?}"), "AudioUrl(media.example.com)");
        assert_eq!(url.expose().path(), "/secret/path");
        Ok(())
    }

    #[test]
    fn refuses_a_url_that_names_no_host() {
        for text in [
            "",
            "recording.wav",
            "/path",
            "mailto:a@b",
            "file:///etc/passwd",
            "https://",
        ] {
            assert!(AudioUrl::parse(text).is_err(), "{text:?}");
        }
    }
}
