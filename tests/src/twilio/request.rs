//! Signs a request and sends it, whole, in pieces, or spoilt on its way.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use bytes::Bytes;

use super::payload::{Pair, Payload, Unsigned, pairs};
use super::signer::Sdk;
use crate::http::{Answer, Connection, exchange};

/// The header values that name the parties; a request that leaves one out has `None`.
#[derive(Debug, Clone)]
pub struct AddonSids {
    /// `X-Twilio-AddOnSid`.
    pub addon: Option<String>,
    /// `X-Twilio-RequestSid`.
    pub request: Option<String>,
}

/// Twilio, as far as one add-on sees it.
#[derive(Debug, Clone)]
pub struct Twilio {
    /// Which of its libraries signs.
    pub sdk: Sdk,
    /// The token of the account.
    pub token: String,
    /// The URL under which the add-on is registered.
    pub public_url: String,
    /// The add-on that it names.
    pub addon_sid: Option<String>,
}

impl Twilio {
    /// The same add-on under another URL.
    #[must_use]
    pub fn registered_as(self, public_url: &str) -> Self {
        Self {
            public_url: public_url.to_owned(),
            ..self
        }
    }

    /// A signed request to an endpoint.
    pub fn request(&self, path: &str, request_sid: &str, payload: Payload) -> Result<SignedRequest> {
        let sids = AddonSids {
            addon: self.addon_sid.clone(),
            request: Some(request_sid.to_owned()),
        };
        self.request_of(&sids, path, payload)
    }

    /// The same with parties of the suite's own.
    pub fn request_of(&self, sids: &AddonSids, path: &str, payload: Payload) -> Result<SignedRequest> {
        let base = format!(
            "{}/{}",
            self.public_url.trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        let Unsigned {
            method,
            query,
            parameters,
            content_type,
            body,
        } = payload.lay_out(self.sdk)?;
        // A path may bring a query of its own, as a URL may that is registered with a parameter in it.
        let joint = if base.contains('?') { '&' } else { '?' };
        let url = query.map_or_else(|| base.clone(), |query| format!("{base}{joint}{query}"));
        let signature = self.sdk.signature(&self.token, &url, &parameters)?;
        let after_scheme = url.split_once("://").context("a public URL has a scheme")?.1;
        let (host, target) = after_scheme.split_at(after_scheme.find('/').context("a URL has a path")?);
        let mut headers = vec![
            ("Host".to_owned(), host.to_owned()),
            ("User-Agent".to_owned(), "TwilioProxy/1.1".to_owned()),
            ("Accept".to_owned(), "*/*".to_owned()),
            ("Accept-Encoding".to_owned(), "gzip".to_owned()),
            ("X-Twilio-Signature".to_owned(), signature),
        ];
        headers.extend(content_type.map(|content_type| ("Content-Type".to_owned(), content_type)));
        headers.extend(sid_headers(sids));
        Ok(SignedRequest {
            method,
            target: target.to_owned(),
            headers,
            body,
        })
    }
}

fn sid_headers(sids: &AddonSids) -> Vec<Pair> {
    let mut headers = pairs(&[
        ("X-Twilio-AddOnVersionSid", "XC0123456789abcdef0123456789abcdef"),
        ("X-Twilio-AddOnInstallSid", "XD0123456789abcdef0123456789abcdef"),
        ("X-Twilio-AddOnConfigurationSid", "XE0123456789abcdef0123456789abcdef"),
        ("X-Twilio-VendorAccountSid", "AC0123456789abcdef0123456789abcdef"),
        ("X-Twilio-AccountSid", "ACfedcba9876543210fedcba9876543210"),
    ]);
    let AddonSids { addon, request } = sids;
    headers.extend(addon.iter().map(|sid| ("X-Twilio-AddOnSid".to_owned(), sid.clone())));
    headers.extend(
        request
            .iter()
            .map(|sid| ("X-Twilio-RequestSid".to_owned(), sid.clone())),
    );
    headers
}

/// A request that can still be spoilt on its way.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    /// GET or POST.
    pub method: &'static str,
    /// The path with its query.
    pub target: String,
    /// The headers but `Content-Length`.
    pub headers: Vec<Pair>,
    /// The body in pieces.
    pub body: Vec<Bytes>,
}

impl SignedRequest {
    /// With another value of a header.
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        let mut request = self.without_header(name);
        request.headers.push((name.to_owned(), value.to_owned()));
        request
    }

    /// Without a header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        self
    }

    /// To another path, or with another query.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// How long the body is.
    pub fn body_bytes(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }

    /// Everything before the body.
    pub fn head(&self) -> String {
        let length = ("Content-Length".to_owned(), self.body_bytes().to_string());
        let length = (self.method == "POST").then_some(&length);
        let lines = self
            .headers
            .iter()
            .chain(length)
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        format!(
            "{} {} HTTP/1.1\r\n{}\r\n",
            self.method,
            self.target,
            lines.collect::<String>()
        )
    }

    /// Sends it whole.
    pub async fn send(&self, address: SocketAddr) -> Result<Answer> {
        exchange(address, &self.head(), &self.body).await
    }

    /// Sends the head and the first bytes of the body; the rest is `rest`.
    pub async fn begin(&self, address: SocketAddr, first_bytes: usize) -> Result<Begun> {
        let mut connection = Connection::open(address).await?;
        connection.send(self.head().as_bytes()).await?;
        let mut rest = Bytes::from(self.body.concat());
        let first = rest.split_to(first_bytes.min(rest.len()));
        connection.send(&first).await?;
        Ok(Begun { connection, rest })
    }
}

/// An upload that is under way. Dropped, it is one that broke off.
pub struct Begun {
    connection: Connection,
    rest: Bytes,
}

impl Begun {
    /// Sends the rest and reads the answer.
    pub async fn finish(mut self) -> Result<Answer> {
        self.connection.send(&self.rest).await?;
        self.connection.answer().await
    }

    /// Reads the answer to what was sent so far.
    pub async fn answer(mut self) -> Result<Answer> {
        self.connection.answer().await
    }
}
