//! Composes the request that Twilio would send to an endpoint: in its one encoding, signed, with every header. Pure but for
//! the new SIDs of the parties; called by `invoke`.

use marketplace_crds::endpoint::Encoding;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::filled::Field;
use super::layout::Layout;
use crate::config::{Config, Endpoint};
use crate::server::headers;
use crate::signature::{BODY_HASH_PARAMETER, EndpointUrl, Parameter, ReadPublicUrl, SIGNATURE_HEADER, body_hash, sign};

/// Who calls, and as which request.
pub struct Caller<'a> {
    /// Whose token signs.
    pub account_sid: &'a str,
    /// The token.
    pub token: &'a SecretString,
    /// The SID of the request.
    pub request_sid: &'a str,
}

/// A request, ready but for its target and its file.
pub struct Outgoing {
    /// GET or POST.
    pub method: Method,
    /// The URL that was signed.
    pub signed_url: String,
    /// Everything of Twilio's.
    pub headers: HeaderMap,
    /// The body.
    pub content: Content,
    path: String,
    query: Option<String>,
}

/// A body.
pub enum Content {
    /// None.
    Nothing,
    /// One that is sent as it is.
    Whole {
        /// What it is.
        content_type: &'static str,
        /// Its bytes.
        body: Vec<u8>,
    },
    /// Text parts, to which the file is added.
    Parts(Vec<Parameter>),
}

impl Outgoing {
    /// Where it goes: the signed URL, or the same path below another base.
    pub fn target(&self, base: Option<&Url>) -> Result<String, ReadPublicUrl> {
        let Some(base) = base else {
            return Ok(self.signed_url.clone());
        };
        let url = EndpointUrl::new(base.as_str(), &self.path)?;
        Ok(url.text(url.written_form(), self.query.as_deref()))
    }
}

/// Signs the fields in the endpoint's encoding.
pub fn compose(config: &Config, endpoint: &Endpoint, fields: &[Field], caller: &Caller<'_>) -> Outgoing {
    let layout = Layout::new(fields);
    let (query, content) = encode(endpoint.encoding, &layout);
    let signed: &[Parameter] = match endpoint.encoding {
        Encoding::Form | Encoding::Multipart => &layout.named,
        Encoding::Query | Encoding::Json => &[],
    };
    let signed_url = endpoint.url.text(endpoint.url.written_form(), query.as_deref());
    let signature = sign(caller.token, &signed_url, signed);
    let mut headers = twilio_headers(config, caller, &signature);
    headers.extend(mapped_headers(&layout));
    Outgoing {
        method: if endpoint.encoding == Encoding::Query {
            Method::GET
        } else {
            Method::POST
        },
        headers,
        signed_url,
        content,
        path: endpoint.url.stripped_path().to_owned(),
        query,
    }
}

fn encode(encoding: Encoding, layout: &Layout) -> (Option<String>, Content) {
    match encoding {
        Encoding::Query => (Some(urlencoded(&layout.named)), Content::Nothing),
        Encoding::Form => {
            let body = urlencoded(&layout.named).into_bytes();
            let content_type = "application/x-www-form-urlencoded";
            (query_of(&layout.query), Content::Whole { content_type, body })
        }
        Encoding::Json => {
            let body = Value::Object(layout.json.clone()).to_string().into_bytes();
            let mut query = layout.query.clone();
            query.push((BODY_HASH_PARAMETER.to_owned(), body_hash(&body)));
            let content_type = "application/json";
            (query_of(&query), Content::Whole { content_type, body })
        }
        Encoding::Multipart => (query_of(&layout.query), Content::Parts(layout.named.clone())),
    }
}

fn query_of(pairs: &[Parameter]) -> Option<String> {
    (!pairs.is_empty()).then(|| urlencoded(pairs))
}

fn urlencoded(pairs: &[Parameter]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// What no header can carry is left out, and the service says that it is missing.
fn mapped_headers(layout: &Layout) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    layout.headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        Some((name, HeaderValue::try_from(value.as_str()).ok()?))
    })
}

fn twilio_headers(config: &Config, caller: &Caller<'_>, signature: &str) -> HeaderMap {
    let account_sid = caller.account_sid;
    let new_sid = |prefix: &str| format!("{prefix}{}", Uuid::new_v4().as_simple());
    let sids = [
        (SIGNATURE_HEADER, signature.to_owned()),
        (headers::REQUEST_SID, caller.request_sid.to_owned()),
        (
            headers::ADDON_SID,
            config.addon_sid.clone().unwrap_or_else(|| new_sid("XB")),
        ),
        (headers::ADDON_VERSION_SID, new_sid("XC")),
        (headers::ADDON_INSTALL_SID, new_sid("XD")),
        (headers::ACCOUNT_SID, account_sid.to_owned()),
        (headers::VENDOR_ACCOUNT_SID, account_sid.to_owned()),
    ];
    // An account SID that no header can carry was refused when it was read.
    sids.into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?)))
        .collect()
}
