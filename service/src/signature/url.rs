//! Decides which texts of an endpoint's URL a signature may have been made over. Read by `signature` alone and, for the
//! first of them, by whoever signs.
//!
//! The URL comes from the resource: publicUrl's scheme and authority as they are written, its path and the endpoint's
//! path joined with one slash, and then the query bytes of the request. Nothing of it comes from a `Host` or forwarded
//! header, which anyone may set.

use std::fmt;

use url::Url;

use super::form::{Form, Port};

/// Why a publicUrl cannot be the base of a signed URL.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadPublicUrl {
    /// Neither `https://` nor `http://`.
    #[error("failed to read publicUrl: it starts with neither https:// nor http://")]
    ReadScheme,
    /// Nothing between the scheme and the path.
    #[error("failed to read publicUrl: it names no host")]
    ReadHost,
    /// What follows the last colon of the authority is no port.
    #[error("failed to read publicUrl: its port is not a number")]
    ReadPort,
    /// Twilio appends the query; a fragment is never sent.
    #[error("failed to read publicUrl: it has a query or a fragment")]
    RefuseQuery,
}

/// The URL of one endpoint as Twilio knows it, without the query.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl {
    written: Base,
    /// As `new URL()` writes it, where that differs.
    normalized: Option<Base>,
    prefix_bytes: usize,
}

/// A URL without user, password and query, in pieces.
#[derive(Clone, PartialEq, Eq)]
struct Base {
    scheme: String,
    host: String,
    port: Option<String>,
    path: String,
}

impl EndpointUrl {
    /// Joins a publicUrl and the path of an endpoint. User and password are left out: they are never signed.
    pub fn new(public_url: &str, endpoint_path: &str) -> Result<Self, ReadPublicUrl> {
        let mut written = Base::read(public_url)?;
        let prefix = written.path.trim_end_matches('/');
        let prefix_bytes = prefix.len();
        written.path = format!("{prefix}/{}", endpoint_path.trim_start_matches('/'));
        let normalized = Url::parse(&written.text(written.port(), None)).ok();
        let normalized = normalized.and_then(|url| Base::read(url.as_str()).ok());
        Ok(Self {
            normalized: normalized.filter(|normalized| *normalized != written),
            written,
            prefix_bytes,
        })
    }

    /// The whole path, publicUrl's first.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.written.path
    }

    /// The path that is left when a proxy in front strips publicUrl's path.
    #[must_use]
    pub fn stripped_path(&self) -> &str {
        &self.written.path[self.prefix_bytes..]
    }

    /// The form in which publicUrl itself is written.
    #[must_use]
    pub fn written_form(&self) -> Form {
        Form::as_received(self.written.port())
    }

    /// The text that is signed, in one form. An empty query keeps its question mark: the bytes are what was sent.
    #[must_use]
    pub fn text(&self, form: Form, query: Option<&str>) -> String {
        self.written.text(form.port, query)
    }

    /// The same with the base as `new URL()` writes it: scheme and host in lower case, no default port.
    pub(super) fn normalized_text(&self, port: Port, query: Option<&str>) -> String {
        self.normalized.as_ref().unwrap_or(&self.written).text(port, query)
    }

    /// The same without the slash, for a URL that consists of a host alone.
    pub(super) fn text_without_slash(&self, port: Port, query: Option<&str>) -> Option<String> {
        (self.written.path == "/").then(|| {
            let mut base = self.written.clone();
            base.path.clear();
            base.text(port, query)
        })
    }

    /// Whether `new URL()` writes the base in another way.
    pub(super) fn is_respelt(&self) -> bool {
        self.normalized.is_some()
    }
}

impl Base {
    fn read(url: &str) -> Result<Self, ReadPublicUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(ReadPublicUrl::ReadScheme)?;
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return Err(ReadPublicUrl::ReadScheme);
        }
        if rest.contains(['?', '#']) {
            return Err(ReadPublicUrl::RefuseQuery);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_authority(authority)?;
        Ok(Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port: port.map(str::to_owned),
            path: path.to_owned(),
        })
    }

    fn port(&self) -> Port {
        if self.port.is_some() {
            Port::Present
        } else {
            Port::Absent
        }
    }

    fn text(&self, port: Port, query: Option<&str>) -> String {
        // This is done for every request, most often twice: one allocation, and no formatting.
        let mut text = String::with_capacity(
            self.scheme.len() + self.host.len() + self.path.len() + query.map_or(0, str::len) + "://:65535?".len(),
        );
        text.push_str(&self.scheme);
        text.push_str("://");
        text.push_str(&self.host);
        if port == Port::Present {
            text.push(':');
            text.push_str(self.port.as_deref().unwrap_or_else(|| self.default_port()));
        }
        text.push_str(&self.path);
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        text
    }

    fn default_port(&self) -> &'static str {
        if self.scheme.eq_ignore_ascii_case("https") {
            "443"
        } else {
            "80"
        }
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text(self.written_form(), None))
    }
}

/// Cuts `user:password@[2001:db8::1]:8443` into host and port. The brackets belong to the host: a colon inside them is no
/// port's, and one inside the password is not either.
fn split_authority(authority: &str) -> Result<(&str, Option<&str>), ReadPublicUrl> {
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let host_end = match address.find(']') {
        Some(bracket) => bracket + 1,
        None => address.find(':').unwrap_or(address.len()),
    };
    let (host, rest) = address.split_at(host_end);
    if host.is_empty() {
        return Err(ReadPublicUrl::ReadHost);
    }
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok((host, None)),
        Some(port) if port.parse::<u16>().is_ok_and(|number| number > 0) => Ok((host, Some(port))),
        _ => Err(ReadPublicUrl::ReadPort),
    }
}

#[cfg(test)]
mod tests {
    use super::{EndpointUrl, Form, Port, ReadPublicUrl};

    #[test]
    fn joins_both_paths_with_one_slash_and_keeps_the_authority_as_written() {
        let cases = [
            ("https://Addons.example.com", "/sms", "https://Addons.example.com/sms"),
            ("https://a.example/", "/sms", "https://a.example/sms"),
            ("https://a.example/insights", "/sms", "https://a.example/insights/sms"),
            ("https://a.example/insights/", "sms", "https://a.example/insights/sms"),
            ("https://a.example/insights", "/", "https://a.example/insights/"),
            ("https://a.example", "/", "https://a.example/"),
            ("https://a.example", "/sms/", "https://a.example/sms/"),
        ];
        for (public_url, path, expected) in cases {
            let url = EndpointUrl::new(public_url, path).map(|url| url.text(Form::as_received(Port::Absent), None));
            assert_eq!(url.as_deref(), Ok(expected), "{public_url} and {path}");
        }
    }

    #[test]
    fn toggles_the_port_on_the_authority_alone() {
        let cases = [
            (
                "https://a.example",
                "https://a.example/p?q=a:1",
                "https://a.example:443/p?q=a:1",
            ),
            (
                "http://a.example",
                "http://a.example/p?q=a:1",
                "http://a.example:80/p?q=a:1",
            ),
            (
                "https://a.example:8443",
                "https://a.example/p?q=a:1",
                "https://a.example:8443/p?q=a:1",
            ),
            (
                "https://[2001:db8::1]",
                "https://[2001:db8::1]/p?q=a:1",
                "https://[2001:db8::1]:443/p?q=a:1",
            ),
            (
                "https://[2001:db8::1]:8443",
                "https://[2001:db8::1]/p?q=a:1",
                "https://[2001:db8::1]:8443/p?q=a:1",
            ),
            (
                "https://user:p@ss@a.example:8443",
                "https://a.example/p?q=a:1",
                "https://a.example:8443/p?q=a:1",
            ),
            (
                "HTTPS://a.example",
                "HTTPS://a.example/p?q=a:1",
                "HTTPS://a.example:443/p?q=a:1",
            ),
        ];
        for (public_url, absent, present) in cases {
            let url = EndpointUrl::new(public_url, "/p");
            let text = |port| url.as_ref().map(|url| url.text(Form::as_received(port), Some("q=a:1")));
            assert_eq!(text(Port::Absent).as_deref(), Ok(absent), "{public_url}");
            assert_eq!(text(Port::Present).as_deref(), Ok(present), "{public_url}");
        }
    }

    #[test]
    fn keeps_the_raw_bytes_of_the_query() {
        let url = EndpointUrl::new("https://a.example", "/p");
        for (query, expected) in [
            (None, "https://a.example/p"),
            (Some(""), "https://a.example/p?"),
            (Some("a=%2b+'%27&b"), "https://a.example/p?a=%2b+'%27&b"),
        ] {
            assert_eq!(
                url.as_ref()
                    .map(|url| url.text(Form::as_received(Port::Absent), query))
                    .as_deref(),
                Ok(expected)
            );
        }
    }

    #[test]
    fn knows_the_path_with_and_without_the_prefix() {
        let url = EndpointUrl::new("https://a.example/insights/v1/", "/sms");
        assert_eq!(url.as_ref().map(EndpointUrl::path), Ok("/insights/v1/sms"));
        assert_eq!(url.as_ref().map(EndpointUrl::stripped_path), Ok("/sms"));
    }

    #[test]
    fn refuses_what_is_no_base_of_a_url() {
        let cases = [
            ("addons.example.com", ReadPublicUrl::ReadScheme),
            ("ftp://a.example", ReadPublicUrl::ReadScheme),
            ("https:///path", ReadPublicUrl::ReadHost),
            ("https://user@/path", ReadPublicUrl::ReadHost),
            ("https://a.example:https", ReadPublicUrl::ReadPort),
            ("https://a.example:0", ReadPublicUrl::ReadPort),
            ("https://[::1]x", ReadPublicUrl::ReadPort),
            ("https://a.example/p?q", ReadPublicUrl::RefuseQuery),
            ("https://a.example/p#f", ReadPublicUrl::RefuseQuery),
        ];
        for (public_url, expected) in cases {
            assert_eq!(EndpointUrl::new(public_url, "/p"), Err(expected), "{public_url}");
        }
    }
}
