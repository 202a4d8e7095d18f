//! Toggles the port of a URL that is given whole, character by character: what is judged was spelt by somebody else, and
//! any rewriting would be of another URL. Called by `candidates` for `verify`, where nothing is known but the URL.

/// A URL cut at its authority.
struct Pieces<'a> {
    scheme: &'a str,
    user: &'a str,
    host: &'a str,
    port: &'a str,
    rest: &'a str,
}

/// Without a port; a text that is no URL with an authority stays as it is.
#[must_use]
pub fn without_port(url: &str) -> String {
    cut(url).map_or_else(|| url.to_owned(), |pieces| pieces.join(""))
}

/// With the port that it has, or else the default of its scheme.
#[must_use]
pub fn with_port(url: &str) -> String {
    match cut(url) {
        Some(pieces) if pieces.port.is_empty() => {
            let port = if pieces.scheme.eq_ignore_ascii_case("https://") {
                ":443"
            } else {
                ":80"
            };
            pieces.join(port)
        }
        _ => url.to_owned(),
    }
}

/// Without user and password, where there are any.
#[must_use]
pub fn without_user(url: &str) -> Option<String> {
    let pieces = cut(url)?;
    (!pieces.user.is_empty()).then(|| {
        let Pieces {
            scheme,
            user: _,
            host,
            port,
            rest,
        } = pieces;
        [scheme, host, port, rest].concat()
    })
}

impl Pieces<'_> {
    fn join(&self, port: &str) -> String {
        [self.scheme, self.user, self.host, port, self.rest].concat()
    }
}

/// The authority ends at the path, query or fragment, the user at the last `@`, and the port begins behind the brackets
/// of an IPv6 address.
fn cut(url: &str) -> Option<Pieces<'_>> {
    let scheme_end = url.find("://").filter(|end| is_scheme(&url[..*end]))? + "://".len();
    let (scheme, after) = url.split_at(scheme_end);
    let (authority, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
    let (user, address) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let host_start = address.rfind(']').map_or(0, |bracket| bracket + 1);
    let host_end = address[host_start..]
        .find(':')
        .map_or(address.len(), |colon| host_start + colon);
    let (host, port) = address.split_at(host_end);
    Some(Pieces {
        scheme,
        user,
        host,
        port,
        rest,
    })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{with_port, without_port, without_user};

    #[test]
    fn toggles_the_port_and_nothing_else() {
        for (url, without, with) in [
            (
                "https://a.example/p?q=b:1",
                "https://a.example/p?q=b:1",
                "https://a.example:443/p?q=b:1",
            ),
            ("http://a.example?q", "http://a.example?q", "http://a.example:80?q"),
            (
                "HTTPS://A.example:8443#f",
                "HTTPS://A.example#f",
                "HTTPS://A.example:8443#f",
            ),
            (
                "https://[2001:db8::1]/p",
                "https://[2001:db8::1]/p",
                "https://[2001:db8::1]:443/p",
            ),
            (
                "https://[2001:db8::1]:8443",
                "https://[2001:db8::1]",
                "https://[2001:db8::1]:8443",
            ),
            (
                "https://u:p@ss@a.example:1/p",
                "https://u:p@ss@a.example/p",
                "https://u:p@ss@a.example:1/p",
            ),
            (
                "https://u:p@a.example",
                "https://u:p@a.example",
                "https://u:p@a.example:443",
            ),
            ("wss://a.example/p", "wss://a.example/p", "wss://a.example:80/p"),
            ("a.example:1/p", "a.example:1/p", "a.example:1/p"),
            ("1x://a.example:1/p", "1x://a.example:1/p", "1x://a.example:1/p"),
            ("", "", ""),
        ] {
            assert_eq!(without_port(url), without, "{url}");
            assert_eq!(with_port(url), with, "{url}");
        }
        assert_eq!(
            without_user("https://u:p@a.example:1/p?@").as_deref(),
            Some("https://a.example:1/p?@")
        );
        assert_eq!(without_user("https://a.example/@"), None);
    }
}
