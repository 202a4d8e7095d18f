//! Decides which texts of a URL a signature is held against, and in which order. Called by `server` for an endpoint of the
//! resource, and by `verify` for a URL that is given whole.
//!
//! Equal texts are kept once, under the first of their names. How many are left depends on the URL alone, which everyone
//! may know; the time that trying them takes therefore tells nothing of the signature.

use url::Url;

use super::form::{Form, Port, Spelling};
use super::url::EndpointUrl;
use super::{query, whole};

/// The texts of one URL, the likeliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates(Vec<(Form, String)>);

/// What an endpoint says of the way in which its URL is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spellings {
    /// Whether the escaped and the legacy spellings of the query are tried.
    pub legacy_query: bool,
    /// The names of the registered URL's query, in their order; empty where it is not given.
    pub template: Vec<String>,
}

impl Default for Spellings {
    fn default() -> Self {
        Self {
            legacy_query: true,
            template: Vec::new(),
        }
    }
}

impl Candidates {
    /// Those of an endpoint's URL with the query of a request.
    #[must_use]
    pub fn of_endpoint(url: &EndpointUrl, received: Option<&str>, spellings: &Spellings) -> Self {
        let mut candidates = Self(Vec::with_capacity(4));
        candidates.push(Spelling::AsReceived, |port| {
            Some(url.text(Form::as_received(port), received))
        });
        candidates.push(Spelling::WithoutSlash, |port| url.text_without_slash(port, received));
        if let Some(received) = received.filter(|_| !spellings.template.is_empty()) {
            let ordered = query::in_order_of(&spellings.template, received);
            candidates.push(Spelling::Template, |port| {
                Some(url.text(Form::as_received(port), Some(&ordered)))
            });
        }
        let has_one_spelling = !url.is_respelt() && received.is_none_or(query::has_one_spelling);
        if !spellings.legacy_query || has_one_spelling {
            return candidates;
        }
        // A spelling of the query that is the received one gives no new text, unless the base is spelt in another way.
        let escaped = received.map(query::escaped);
        if url.is_respelt() || escaped.as_deref() != received {
            candidates.push(Spelling::Escaped, |port| {
                Some(url.normalized_text(port, escaped.as_deref()))
            });
        }
        if let Some(received) = received.filter(|query| !query.is_empty()) {
            let (quotes, legacy) = (query::with_plain_quotes(received), query::legacy(received));
            if quotes != received {
                candidates.push(Spelling::PlainQuotes, |port| {
                    Some(url.text(Form::as_received(port), Some(&quotes)))
                });
            }
            if url.is_respelt() || legacy != received {
                candidates.push(Spelling::Legacy, |port| Some(url.normalized_text(port, Some(&legacy))));
            }
        }
        candidates
    }

    /// Those of a URL that is given whole, as Twilio's own libraries try them: user, password and fragment are part of it.
    #[must_use]
    pub fn of_whole(url: &str) -> Self {
        let mut candidates = Self(Vec::with_capacity(4));
        candidates.push(Spelling::AsReceived, |port| Some(toggled(url, port)));
        if let Ok(normalized) = Url::parse(url) {
            let text = |port| toggled(normalized.as_str(), port);
            candidates.push(Spelling::Escaped, |port| Some(text(port)));
            candidates.push(Spelling::Legacy, |port| with_legacy_query(&text(port)));
        }
        candidates
    }

    /// How many different texts there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The texts with their names.
    pub fn iter(&self) -> impl Iterator<Item = (Form, &str)> {
        self.0.iter().map(|(form, text)| (*form, text.as_str()))
    }

    fn push(&mut self, spelling: Spelling, text: impl Fn(Port) -> Option<String>) {
        for port in Port::ALL {
            if let Some(text) = text(port)
                && self.0.iter().all(|(_, known)| *known != text)
            {
                self.0.push((Form { spelling, port }, text));
            }
        }
    }
}

fn toggled(url: &str, port: Port) -> String {
    match port {
        Port::Absent => whole::without_port(url),
        Port::Present => whole::with_port(url),
    }
}

/// From the first question mark to the end, a fragment included, as Node's library does it.
fn with_legacy_query(url: &str) -> Option<String> {
    let (base, query) = url.split_once('?').filter(|(_, query)| !query.is_empty())?;
    Some(format!("{base}?{}", query::legacy(query)))
}

#[cfg(test)]
mod tests {
    use super::{Candidates, Spellings};
    use crate::signature::{EndpointUrl, ReadPublicUrl};

    fn told(candidates: &Candidates) -> Vec<String> {
        candidates
            .iter()
            .map(|(form, url)| format!("{} {url}", form.as_str()))
            .collect()
    }

    fn of_endpoint(public_url: &str, query: &str, spellings: &Spellings) -> Result<Vec<String>, ReadPublicUrl> {
        let url = EndpointUrl::new(public_url, "/")?;
        Ok(told(&Candidates::of_endpoint(&url, Some(query), spellings)))
    }

    #[test]
    fn tries_every_different_spelling_once() -> Result<(), ReadPublicUrl> {
        let plain = of_endpoint("https://a.example/p", "a=1&b=%2B1", &Spellings::default())?;
        let expected = [
            "port_absent https://a.example/p/?a=1&b=%2B1",
            "port_present https://a.example:443/p/?a=1&b=%2B1",
        ];
        assert_eq!(plain, expected);
        let spellings = Spellings {
            legacy_query: true,
            template: vec!["b".to_owned(), "a".to_owned()],
        };
        let all = of_endpoint("HTTPS://A.example:443", "a='%27+&b", &spellings)?;
        let expected = [
            "port_absent HTTPS://A.example/?a='%27+&b",
            "port_present HTTPS://A.example:443/?a='%27+&b",
            "without_slash_port_absent HTTPS://A.example?a='%27+&b",
            "without_slash_port_present HTTPS://A.example:443?a='%27+&b",
            "template_port_absent HTTPS://A.example/?b&a='%27+",
            "template_port_present HTTPS://A.example:443/?b&a='%27+",
            "escaped_port_absent https://a.example/?a=%27%27+&b",
            "escaped_port_present https://a.example:443/?a=%27%27+&b",
            "plain_quotes_port_absent HTTPS://A.example/?a=''+&b",
            "plain_quotes_port_present HTTPS://A.example:443/?a=''+&b",
            "legacy_port_absent https://a.example/?a=''%20&b=",
            "legacy_port_present https://a.example:443/?a=''%20&b=",
        ];
        assert_eq!(all, expected);
        let strict = Spellings {
            legacy_query: false,
            template: Vec::new(),
        };
        assert_eq!(of_endpoint("HTTPS://A.example/p", "a=it's", &strict)?.len(), 2);
        Ok(())
    }

    #[test]
    fn takes_a_whole_url_with_everything_that_stands_in_it() {
        let expected = [
            "port_absent HTTPS://u:p@A.example?q='x#f",
            "port_present HTTPS://u:p@A.example:443?q='x#f",
            "escaped_port_absent https://u:p@a.example/?q=%27x#f",
            "escaped_port_present https://u:p@a.example:443/?q=%27x#f",
            "legacy_port_absent https://u:p@a.example/?q='x%23f",
            "legacy_port_present https://u:p@a.example:443/?q='x%23f",
        ];
        assert_eq!(told(&Candidates::of_whole("HTTPS://u:p@A.example?q='x#f")), expected);
        assert_eq!(told(&Candidates::of_whole("no url")), ["port_absent no url"]);
    }
}
