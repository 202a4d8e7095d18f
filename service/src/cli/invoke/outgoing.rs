//! Composes the request that Twilio would send to an endpoint: in its one encoding, signed, with every header. Pure but for
//! the new SIDs; called by `invoke`.

use marketplace_crds::endpoint::Encoding;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;
use uuid::Uuid;

use crate::config::{Config, Endpoint};
use crate::server::headers;
use crate::signature::{BODY_HASH_PARAMETER, EndpointUrl, Parameter, ReadPublicUrl, SIGNATURE_HEADER, body_hash, sign};

/// A phone number that belongs to nobody, for an endpoint whose `--field` is left out.
const EXAMPLE_PHONE_NUMBER: &str = "+14155551212";

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
pub fn compose(
    config: &Config,
    endpoint: &Endpoint,
    mut fields: Vec<Parameter>,
    token: &SecretString,
    account_sid: &str,
) -> Outgoing {
    if let Some(name) = &endpoint.fields.phone_number
        && fields.iter().all(|(given, _)| given != name)
    {
        fields.push((name.clone(), EXAMPLE_PHONE_NUMBER.to_owned()));
    }
    let (query, content) = encode(endpoint.encoding, &fields);
    let signed: &[Parameter] = match endpoint.encoding {
        Encoding::Form | Encoding::Multipart => &fields,
        Encoding::Query | Encoding::Json => &[],
    };
    let signed_url = endpoint.url.text(endpoint.url.written_form(), query.as_deref());
    let signature = sign(token, &signed_url, signed);
    Outgoing {
        method: if endpoint.encoding == Encoding::Query {
            Method::GET
        } else {
            Method::POST
        },
        headers: twilio_headers(config, account_sid, &signature),
        signed_url,
        content,
        path: endpoint.url.stripped_path().to_owned(),
        query,
    }
}

fn encode(encoding: Encoding, fields: &[Parameter]) -> (Option<String>, Content) {
    let pairs = || {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish()
    };
    match encoding {
        Encoding::Query => (Some(pairs()), Content::Nothing),
        Encoding::Form => {
            let body = pairs().into_bytes();
            (
                None,
                Content::Whole {
                    content_type: "application/x-www-form-urlencoded",
                    body,
                },
            )
        }
        Encoding::Json => {
            let object: Map<_, _> = fields
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect();
            let body = Value::Object(object).to_string().into_bytes();
            let query = format!("{BODY_HASH_PARAMETER}={}", body_hash(&body));
            (
                Some(query),
                Content::Whole {
                    content_type: "application/json",
                    body,
                },
            )
        }
        Encoding::Multipart => (None, Content::Parts(fields.to_vec())),
    }
}

fn twilio_headers(config: &Config, account_sid: &str, signature: &str) -> HeaderMap {
    let new_sid = |prefix: &str| format!("{prefix}{}", Uuid::new_v4().as_simple());
    let sids = [
        (SIGNATURE_HEADER, signature.to_owned()),
        (headers::REQUEST_SID, new_sid("MR")),
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
